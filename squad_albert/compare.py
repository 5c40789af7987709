"""Two runs, or two files of predictions, compared question by question: what got fixed, what broke, how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from scipy.stats import false_discovery_control

from project_config import ProjectError
from utils.answer_types import answer_type
from utils.files import make_folder, whole_path
from utils.question_types import question_type
from utils.questions import Question
from utils.squad import load_file
from utils.squad_metrics import exact_match, f1, read_answers

from .run_inside import inside
from .run_tables import read_run
from .significance import DRAWS, mcnemar, paired_bootstrap
from .tables import table

FEWEST_UNITS = 20
"""Fewer titles, or paragraphs, than this are too few to draw from."""

SLICES = {
    "split": "split",
    "question_type": "question type",
    "answer_type": "answer type",
    "title": "title",
    "cluster": "cluster of A",
}
"""The columns by which changes are counted, as people call them."""

TABLE = "comparison.parquet"
SLICE_TABLE = "comparison_slices.parquet"

_MEMBERS = pa.schema({"id": pa.string(), "cluster": pa.int64()})
_COUNTED = ["questions", "exact_a", "exact_b", "f1_a", "f1_b", "fixed", "broke", "p", "p_adjusted"]
_ASKED = ["split", "title", "question", "context", "golds", "labeled", "question_type", "answer_type"]
_SHOWN_SLICES, _SHOWN_QUESTIONS, _SHOWN_IDS, _SHOWN_LETTERS = 5, 5, 3, 60


class CompareError(ProjectError):
    """Two sets of answers cannot be compared."""


@dataclass(frozen=True)
class _Side:
    """One of the two: answers by question id, and what was asked, where that is known."""

    path: Path
    answers: Mapping[str, str]
    asked: pd.DataFrame | None  # of a run, by question id


def compare(
    a: Path,
    b: Path,
    *,
    seed: int,
    warn: Callable[[list[str]], None],
    data: Path | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """What changed from A to B, over the questions that both answer.

    Both are scored by the same golds: those of ``data``, else of B, else of A. The intervals come from a paired
    bootstrap that draws whole titles, because the questions of an article share its text, its subject and often
    their writer, and are right or wrong together; drawn one by one they would give an interval too narrow for what
    it is read as, namely what other articles would show. With fewer than ``FEWEST_UNITS`` titles it draws
    paragraphs, with too few of these questions, and says so. McNemar's p takes questions as independent, so where
    both disagree the interval is to be believed.

    Args:
        a: the folder of a run, or a JSON file of ``{id: text}``.
        b: likewise.
        seed: of the bootstrap.
        warn: receives the warnings about ``data``.
        data: a SQuAD file with the golds; needed where neither is a run.
        out: a folder that gets ``comparison.parquet`` (a row a question) and ``comparison_slices.parquet``.

    Returns:
        For JSON: ``questions`` compared, ``scored`` of them that have golds, ``left_out``, ``notes``,
        ``answers_changed``; ``exact`` and ``f1`` (a, b, difference, low, high; in percent) with ``drawn`` (what the
        bootstrap drew) and ``p`` (McNemar), all null where nothing is scored; ``fixed`` and ``broke``, a list of
        questions each; ``slices``.

    Raises:
        CompareError: if there are no golds, or no question in common.
        ScoreError: if a file of predictions is bad.
        RunError: if a run is incomplete or damaged.
        DataError: if the data is bad.
        WriteError: if a table cannot be written.
    """
    sides = _side(a), _side(b)
    source, asked = _asked_questions(sides, data, warn)
    asked, left_out, notes = _shared(sides, source, asked)
    rows = _with_clusters(_scored(asked, sides), a)
    slices = _slices(rows[rows["labeled"]])
    if out is not None:
        _write(out, rows, slices)
    totals, unit_note = _totals(rows[rows["labeled"]], seed)
    return {
        "a": str(a),
        "b": str(b),
        "golds": str(source),
        "questions": len(rows),
        "scored": int(rows["labeled"].sum()),
        "left_out": left_out,
        "notes": notes + unit_note,
        "answers_changed": int((rows["prediction_a"] != rows["prediction_b"]).sum()),
        **totals,
        "fixed": _changed(rows, "fixed"),
        "broke": _changed(rows, "broke"),
        "slices": slices.to_dict("records"),
        "tables": [] if out is None else [str(out / TABLE), str(out / SLICE_TABLE)],
    }


def comparison_lines(result: Mapping[str, Any]) -> list[str]:
    """What ``compare`` found, for people."""
    lines = [f"A: {result['a']}", f"B: {result['b']}", _count(result), *result["notes"], ""]
    if not result["scored"]:
        return [*lines, "None of them has golds, so nothing is scored."]
    rows = [["", "A", "B", "B - A", "95 % interval"]]
    for name, key in (("EM", "exact"), ("F1", "f1")):
        score = result[key]
        interval = f"{score['low']:+.2f} to {score['high']:+.2f}"
        rows.append([name, f"{score['a']:.2f}", f"{score['b']:.2f}", f"{score['difference']:+.2f}", interval])
    drawn = result["drawn"]
    lines += [
        *table(rows),
        "",
        f"The intervals come from drawing {drawn['units']:,} {drawn['unit']}s {drawn['draws']:,} times.",
        f"{len(result['fixed']):,} fixed, {len(result['broke']):,} broke (McNemar p = {result['p']:.2g}).",
    ]
    for column, name in SLICES.items():
        lines += _slice_lines(name, [row for row in result["slices"] if row["slice"] == column])
    for change in ("fixed", "broke"):
        lines += _example_lines(change, result[change])
    return lines


def _side(path: Path) -> _Side:
    if path.is_dir():
        rows = read_run(path).questions.set_index("id")
        return _Side(path, rows["prediction"].to_dict(), rows[_ASKED])
    return _Side(path, read_answers(path), None)


def _asked_questions(
    sides: tuple[_Side, _Side], data: Path | None, warn: Callable[[list[str]], None]
) -> tuple[Path, pd.DataFrame]:
    """Where the golds come from, and a row a question."""
    if data is not None:
        warnings: list[str] = []
        questions = load_file(data, warnings=warnings)
        warn(warnings)
        return data, _frame(questions, data.stem)
    for side in reversed(sides):
        if side.asked is not None:
            return side.path, side.asked
    raise CompareError("files of predictions do not say what is right. Name the data with --data FILE.")


def _frame(questions: Iterable[Question], split: str) -> pd.DataFrame:
    rows = [
        [
            one.id,
            split,
            one.title,
            one.question,
            one.context,
            [gold.text for gold in one.golds],
            one.labeled,
            question_type(one.question),
            answer_type(one.golds[0].text if one.golds else "", one.question) if one.labeled else None,
        ]
        for one in questions
    ]
    return pd.DataFrame(rows, columns=["id", *_ASKED]).set_index("id")


def _shared(
    sides: tuple[_Side, _Side], source: Path, asked: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """The questions that both answer, how many others there are, and what differs in those that both answer."""
    kept = asked[asked.index.isin(sides[0].answers) & asked.index.isin(sides[1].answers)]
    if kept.empty:
        examples = [", ".join(list(side.answers)[:_SHOWN_IDS]) for side in sides]
        raise CompareError(
            f"no question of {source} is answered by both: {sides[0].path} answers {examples[0]}, …, and "
            f"{sides[1].path} {examples[1]}, …. Name runs or files made from the same data."
        )
    runs = {side.path: side.asked.loc[kept.index] for side in sides if side.asked is not None and side.path != source}
    other = np.zeros(len(kept), bool)
    for rows in runs.values():
        other |= ((rows["question"] != kept["question"]) | (rows["context"] != kept["context"])).to_numpy()
    left_out = {
        "a": len(sides[0].answers) - len(kept),
        "b": len(sides[1].answers) - len(kept),
        "other": int(other.sum()),
    }
    if other.all():
        raise CompareError(
            f"all {len(kept):,} questions whose ids are in both ask something else there, or of another text. "
            "Name runs made from the same data."
        )
    kept = kept[~other]
    notes = [_gold_note(path, rows.loc[kept.index], kept, source) for path, rows in runs.items()]
    return kept, left_out, [note for note in notes if note]


def _gold_note(path: Path, rows: pd.DataFrame, kept: pd.DataFrame, source: Path) -> str:
    changed = [
        key for key, old, new in zip(kept.index, rows["golds"], kept["golds"], strict=True) if list(old) != list(new)
    ]
    if not changed:
        return ""
    have = "question has" if len(changed) == 1 else "questions have"
    return (
        f"{len(changed):,} {have} other golds in {path}, e.g. {', '.join(changed[:_SHOWN_IDS])}; both are scored by "
        f"those of {source}."
    )


def _scored(asked: pd.DataFrame, sides: tuple[_Side, _Side]) -> pd.DataFrame:
    """The questions with predictions, scores (null where unlabeled) and what changed, a row each."""
    rows = asked.reset_index()
    labeled = rows["labeled"].to_numpy(bool)
    for name, side in zip("ab", sides, strict=True):
        answers = [side.answers[key] for key in rows["id"]]
        rows[f"prediction_{name}"] = answers
        for measure, score in (("exact", exact_match), ("f1", f1)):
            pairs = zip(answers, rows["golds"], labeled, strict=True)
            rows[f"{measure}_{name}"] = [score(text, list(golds)) if known else np.nan for text, golds, known in pairs]
    change = rows["exact_b"] - rows["exact_a"]
    same = rows["exact_a"].map({1.0: "right", 0.0: "wrong"})
    rows["change"] = same.where(change == 0, change.map({1.0: "fixed", -1.0: "broke"}))
    return rows


def _with_clusters(rows: pd.DataFrame, a: Path) -> pd.DataFrame:
    """The rows with the cluster that the analyses of run A put them into, where it has been explored."""
    path = inside(a, "cluster_members.parquet")
    if not path.exists():
        return rows
    try:
        found = parquet.read_table(path, schema=_MEMBERS).to_pandas().dropna().drop_duplicates("id")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise CompareError(f"{path} cannot be read: {error}. Write it anew: squad-albert explore {a}") from error
    members = found.set_index("id")["cluster"]
    names = members.map(lambda number: "none" if number < 0 else f"{number:.0f}")
    return rows.assign(cluster=rows["id"].map(names))


def _slices(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a slice: those of each column in the order of ``SLICES``, the most one-sided changes first."""
    found = []
    for column in SLICES:
        if column not in rows or rows[column].nunique() < 2:
            continue
        grouped = rows.groupby(column, sort=True)
        part = grouped[["exact_a", "exact_b", "f1_a", "f1_b"]].mean() * 100
        part.insert(0, "questions", grouped.size())
        for change in ("fixed", "broke"):
            part[change] = rows["change"].eq(change).groupby(rows[column], sort=True).sum()
        order = (part["fixed"] - part["broke"]).abs().sort_values(ascending=False, kind="stable").index
        found.append(part.loc[order].rename_axis("value").reset_index().assign(slice=column))
    columns = ["slice", "value", *_COUNTED]
    if not found:
        return pd.DataFrame(columns=columns).astype(dict.fromkeys(_COUNTED, "float64"))
    slices = pd.concat(found, ignore_index=True)
    slices["p"] = [mcnemar(*pair) for pair in zip(slices["fixed"].tolist(), slices["broke"].tolist(), strict=True)]
    slices["p_adjusted"] = false_discovery_control(slices["p"])
    return slices[columns]


def _totals(rows: pd.DataFrame, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Scores in percent with their intervals, what was drawn for these, and McNemar's p; and notes about it."""
    if rows.empty:
        return {"exact": None, "f1": None, "drawn": None, "p": None}, []
    unit, units, notes = _units(rows)
    differences = np.stack([100 * (rows[f"{key}_b"] - rows[f"{key}_a"]) for key in ("exact", "f1")], axis=1)
    intervals = paired_bootstrap(differences, units, seed)
    totals: dict[str, Any] = {
        key: {
            "a": 100 * float(rows[f"{key}_a"].mean()),
            "b": 100 * float(rows[f"{key}_b"].mean()),
            "difference": interval.mean,
            "low": interval.low,
            "high": interval.high,
        }
        for key, interval in zip(("exact", "f1"), intervals, strict=True)
    }
    changes = rows["change"].value_counts()
    totals["drawn"] = {"unit": unit, "units": int(units.max()) + 1, "draws": DRAWS, "seed": seed}
    totals["p"] = mcnemar(int(changes.get("fixed", 0)), int(changes.get("broke", 0)))
    return totals, notes


def _units(rows: pd.DataFrame) -> tuple[str, NDArray[np.int64], list[str]]:
    """What the bootstrap draws, and the number of each question's unit."""
    titles = rows["title"].nunique()
    if titles >= FEWEST_UNITS:
        return "title", pd.factorize(rows["title"])[0], []
    unit, units = "paragraph", pd.factorize(rows["context"])[0]
    if units.max() + 1 < FEWEST_UNITS:
        unit, units = "question", np.arange(len(rows))
    known = f"{titles} title{'s are' if titles > 1 else ' is'} too few to draw from"
    return unit, units, [f"{known}: the intervals are for other {unit}s of the same, not for other titles."]


def _changed(rows: pd.DataFrame, change: str) -> list[dict[str, Any]]:
    columns = {"id": "id", "title": "title", "question": "question", "prediction_a": "a", "prediction_b": "b"}
    some = rows[rows["change"] == change]
    records = some[list(columns)].rename(columns=columns).to_dict("records")
    return [{**record, "golds": list(golds)} for record, golds in zip(records, some["golds"], strict=True)]


def _write(out: Path, rows: pd.DataFrame, slices: pd.DataFrame) -> None:
    make_folder(out)
    for name, frame in ((TABLE, rows.drop(columns="context")), (SLICE_TABLE, slices)):
        plain = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        with whole_path(out / name) as aside:
            parquet.write_table(plain, aside)


def _count(result: Mapping[str, Any]) -> str:
    left = result["left_out"]
    text = f"{result['questions']:,} questions are answered by both, {result['answers_changed']:,} differently"
    parts = [f"{left[name]:,} that only {name.upper()} answers" for name in "ab" if left[name]]
    parts += [f"{left['other']:,} of the same id that ask something else"] if left["other"] else []
    return f"{text}; left out: {', '.join(parts)}." if parts else f"{text}."


def _slice_lines(name: str, slices: list[dict[str, Any]]) -> list[str]:
    """The slices of one column that changed most."""
    changed = [row for row in slices if row["fixed"] or row["broke"]][:_SHOWN_SLICES]
    if not changed:
        return []
    rows = [["by " + name, "questions", "EM A", "EM B", "fixed", "broke", "adjusted p"]]
    rows += [
        [
            f"  {row['value']}",
            f"{row['questions']:,}",
            f"{row['exact_a']:.2f}",
            f"{row['exact_b']:.2f}",
            f"{row['fixed']:,}",
            f"{row['broke']:,}",
            f"{row['p_adjusted']:.2g}",
        ]
        for row in changed
    ]
    return ["", *table(rows)]


def _example_lines(change: str, questions: list[dict[str, Any]]) -> list[str]:
    if not questions:
        return []
    shown = [
        f"  {one['id']}: {one['question'].strip()} {_text(one['a'])} -> {_text(one['b'])} "
        f"(gold: {_text(one['golds'][0] if one['golds'] else '')})"
        for one in questions[:_SHOWN_QUESTIONS]
    ]
    return ["", f"{change}, {len(shown)} of {len(questions):,}:", *shown]


def _text(answer: str) -> str:
    short = answer if len(answer) <= _SHOWN_LETTERS else f"{answer[:_SHOWN_LETTERS]}…"
    return short or "(no answer)"
