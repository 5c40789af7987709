"""Similar samples of a run, near-duplicates, and what two of its splits share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from project_config import Settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted, table
from utils.questions import SPLITS, Question
from utils.squad import leakage
from utils.squad_metrics import normalize_answer

from .duplicates import PAIRED, DisjointSets, duplicate_pairs, key_words, paragraph_numbers, text_similarity
from .nearest import cosines, nearest
from .section import Section
from .style import percent

__all__ = ["NEIGHBOURS", "nearest", "neighbours", "similar", "similar_lines", "similar_records"]

NEIGHBOURS = 10
"""Nearest neighbours of each question that the section looks at."""

COLUMNS = {
    "id_a": "str",
    "id_b": "str",  # of the same split as a, or of a later one
    "split_a": "str",
    "split_b": "str",
    "kind": "str",  # near-duplicate (in one split) or leakage (between two)
    "shared": "str",  # question and context, question, or context
    "similarity": "float64",  # cosine of the latent vectors, NaN without a model
    "text_similarity": "float64",  # Jaccard similarity of the questions' strings of four letters
    "same_answer": "boolean",  # whether a gold of one is a gold of the other; null where one is unlabeled
    "title_a": "str",
    "title_b": "str",
    "question_a": "str",
    "question_b": "str",
}
"""The columns of near_duplicates and their types."""

_BOTH, _QUESTION, _CONTEXT = "question and context", "question", "context"


def similar(run: RunTables, question_id: str, k: int, settings: Settings) -> pd.DataFrame:
    """The samples most like one, the most similar first.

    Args:
        run: with a model.
        question_id: whose neighbours are wanted.
        k: how many, at least 1; there may be fewer others.
        settings: ``latent`` is read.

    Returns:
        Columns ``id, similarity, split, title, question, prediction, gold, exact``. Prediction and gold "" stand for
        no answer; gold (the first one) and exact are null for unlabeled questions.

    Raises:
        RunError: if the run has no such question or no finite latent vectors.
    """
    row = run.row(question_id)
    indices, similarities = nearest(run.latent(settings.latent), k, np.array([row]))
    rows = run.questions.iloc[indices[0]].reset_index(drop=True)
    golds = [
        next(iter(golds), "") if labeled else None
        for golds, labeled in zip(rows["golds"], rows["labeled"], strict=True)
    ]
    rows = rows.assign(similarity=similarities[0].astype(np.float64), gold=pd.Series(golds, dtype="str"))
    return rows[["id", "similarity", "split", "title", "question", "prediction", "gold", "exact"]]


def similar_lines(run: RunTables, question_id: str, found: pd.DataFrame) -> list[str]:
    """What ``similar`` found, for people."""
    asked = run.questions.iloc[run.row(question_id)]
    head = f"{question_id} ({asked['split']}, {asked['title']}): {_asked(asked['question'], asked['prediction'])}"
    marks = {1.0: "right", 0.0: "wrong"}
    rows = [[row.id, f"{row.similarity:.3f}", row.split, marks.get(row.exact, "?")] for row in found.itertuples()]
    asks = [_asked(row.question, row.prediction) for row in found.itertuples()]
    lines = table([["id", "similarity", "split", "answer"], *rows])
    return [head, "", lines[0], *(f"{line}  {ask}" for line, ask in zip(lines[1:], asks, strict=True))]


def similar_records(found: pd.DataFrame) -> list[dict[str, Any]]:
    """What ``similar`` found, for JSON."""
    records: list[dict[str, Any]] = found.astype(object).where(found.notna(), None).to_dict("records")
    return records


def neighbours(run: RunTables, settings: Settings) -> Section:
    """Near-duplicates, leakage between splits, and how well nearest neighbours go together.

    A near-duplicate asks the same about the same (or nearly the same) paragraph in nearly the same words. It is found
    by its text (see ``duplicates``); the nearest latent vectors, where the run has them, bring forward more pairs to
    be tried. Between two splits such a pair is leakage; so is the same question about another paragraph, and another
    question about the same one, where each question is paired with one of an earlier split.

    Args:
        run: with or without a model.
        settings: ``latent`` is read.

    Returns:
        ``near_duplicates``: a row a pair, with ``COLUMNS``: leakage first, most shared first, then by text similarity.

    Raises:
        RunError: if latent vectors are not finite.
    """
    rows = run.questions
    vectors = run.latent(settings.latent) if run.vectors else None
    indices = nearest(vectors, NEIGHBOURS)[0] if vectors is not None else np.empty((len(rows), 0), np.int64)
    pairs = _pairs(rows, indices)
    left, right = pairs["a"].to_numpy(np.int64), pairs["b"].to_numpy(np.int64)
    similarity = cosines(vectors, left, right) if vectors is not None else np.nan
    result = _described(rows, pairs.assign(similarity=similarity))
    findings = [*_duplicates_found(result), *_leakage_found(rows, result), *_agreement_found(rows, indices)]
    sentences = [sentence for sentence, _ in findings]
    facts = {key: value for _, some in findings for key, value in some.items()}
    empty = None if len(result) else "No question is asked twice, and no two splits share a question or a context."
    return Section("near_duplicates", "Near-duplicates and leakage", result, sentences, facts, {}, empty)


def _asked(question: str, prediction: str) -> str:
    return f"{question.strip()} -> {prediction or '(no answer)'}"


def _pairs(rows: pd.DataFrame, indices: NDArray[np.int64]) -> pd.DataFrame:
    """Rows ``a`` and ``b`` of each pair, and what they share."""
    keys = [key_words(question) for question in rows["question"]]
    paragraphs = paragraph_numbers(rows["context"].tolist())
    splits = rows["split"].map(SPLITS.index).to_numpy(np.int64)
    close = duplicate_pairs(keys, paragraphs, _answers(rows), _near_rows(indices, paragraphs))
    same = [(a, b) if splits[a] <= splits[b] else (b, a) for a, b in close]
    done = {b for a, b in same if splits[a] < splits[b]}
    asked = [pair for pair in _first_of_earlier(keys, splits) if paragraphs[pair[0]] != paragraphs[pair[1]]]
    asked = [(a, b) for a, b in asked if b not in done]
    read = [(a, b) for a, b in _most_alike(rows["question"].tolist(), paragraphs, splits) if b not in done]
    found = [(_BOTH, same), (_QUESTION, asked), (_CONTEXT, read)]
    return pd.DataFrame(
        [(a, b, shared) for shared, pairs in found for a, b in pairs], columns=["a", "b", "shared"]
    ).astype({"a": np.int64, "b": np.int64, "shared": "str"})


def _answers(rows: pd.DataFrame) -> list[str]:
    """The normalised first gold of each question, or the prediction where it is unlabeled; "" for no answer."""
    return [
        normalize_answer(next(iter(golds), "") if labeled else prediction)
        for golds, labeled, prediction in zip(rows["golds"], rows["labeled"], rows["prediction"], strict=True)
    ]


def _near_rows(indices: NDArray[np.int64], paragraphs: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Pairs of nearest neighbours that belong to one paragraph."""
    row, place = np.nonzero(paragraphs[indices] == paragraphs[:, None])
    return zip(row.tolist(), indices[row, place].tolist(), strict=True)


def _first_of_earlier(keys: list[Any], splits: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Each row with the first row of an earlier split that has its key."""
    first: dict[Any, int] = {}
    for row in np.argsort(splits, kind="stable").tolist():
        other = first.setdefault(keys[row], row)
        if splits[other] < splits[row]:
            yield other, row


def _most_alike(
    questions: list[str], paragraphs: NDArray[np.int64], splits: NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """Each row with the most similar one of an earlier split in its paragraph, of the first ``PAIRED`` there."""
    members: dict[int, list[int]] = {}
    for row in np.argsort(splits, kind="stable").tolist():
        group = members.setdefault(int(paragraphs[row]), [])
        earlier = [other for other in group if splits[other] < splits[row]]
        if earlier:
            yield max(earlier, key=lambda other: text_similarity(questions[other], questions[row])), row
        if len(group) < PAIRED:
            group.append(row)


def _described(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The table, with ``COLUMNS``, of pairs of rows."""
    sides = {side: rows.iloc[pairs[side]].reset_index(drop=True) for side in "ab"}
    columns = {
        f"{column}_{side}": sides[side][column] for side in sides for column in ("id", "split", "title", "question")
    }
    described = pairs.assign(
        **columns,
        kind=np.where(columns["split_a"] == columns["split_b"], "near-duplicate", "leakage"),
        text_similarity=[
            text_similarity(*two) for two in zip(columns["question_a"], columns["question_b"], strict=True)
        ],
        same_answer=[_same_answer(*two) for two in zip(*(_golds(side) for side in sides.values()), strict=True)],
    )
    described["rank"] = described["shared"].map([_BOTH, _QUESTION, _CONTEXT].index)
    by = ["kind", "rank", "text_similarity", "a", "b"]
    order = described.sort_values(by, ascending=[True, True, False, True, True])
    return order.reset_index(drop=True)[list(COLUMNS)].astype(COLUMNS)


def _golds(rows: pd.DataFrame) -> list[set[str] | None]:
    """The normalised golds of each question, empty for no answer, None where it is unlabeled."""
    return [
        {normalize_answer(gold) for gold in golds} if labeled else None
        for golds, labeled in zip(rows["golds"], rows["labeled"], strict=True)
    ]


def _same_answer(one: set[str] | None, other: set[str] | None) -> bool | None:
    if one is None or other is None:
        return None
    return bool(one & other) or one == other


Finding = tuple[str, Mapping[str, float | str | int]]


def _duplicates_found(result: pd.DataFrame) -> Iterator[Finding]:
    close = result[result["kind"] == "near-duplicate"]
    numbers = {key: number for number, key in enumerate(pd.unique(pd.concat([close["id_a"], close["id_b"]])))}
    sets = DisjointSets(len(numbers))
    for a, b in zip(close["id_a"], close["id_b"], strict=True):
        sets.join(numbers[a], numbers[b])
    groups = len(sets.groups())
    counts = {"near_duplicate_pairs": len(close), "near_duplicate_groups": groups}
    if close.empty:
        yield "Within a split, no question is asked twice in nearly the same words about the same paragraph.", counts
        return
    pairs = close["split_a"].value_counts()
    where = ", ".join(f"{counted(pairs[split], 'pair')} in {split}" for split in SPLITS if split in pairs)
    text = f"{len(numbers):,} questions are asked again in nearly the same words about the same paragraph, in "
    yield f"{text}{counted(groups, 'group')} ({where}).", counts
    known = close["same_answer"].dropna()
    differ = int((~known.astype(bool)).sum())
    if differ:
        text = f"In {differ:,} of the {counted(len(known), 'labeled pair')} the golds have nothing in common: "
        yield f"{text}a label is wrong there, or the questions differ in meaning.", {"near_duplicates_disagree": differ}


def _leakage_found(rows: pd.DataFrame, result: pd.DataFrame) -> Iterator[Finding]:
    pairs = int((result["kind"] == "leakage").sum())
    splits = [split for split in SPLITS if (rows["split"] == split).any()]
    if len(splits) < 2:
        yield "The run has one split only, so nothing is said about leakage.", {"leakage_pairs": pairs}
        return
    if not pairs:
        yield f"No two of the splits {', '.join(splits)} share a question or a context.", {"leakage_pairs": pairs}
        return
    alike = int((result["kind"].eq("leakage") & result["shared"].eq(_BOTH)).sum())
    text = f"{counted(pairs, 'pair')} of questions {'leaks' if pairs == 1 else 'leak'} from one split into another, "
    yield f"{text}{alike:,} of them nearly the same in question and context.", {"leakage_pairs": pairs}
    data = {split: _questions(rows[rows["split"] == split]) for split in splits}
    for leak in leakage(data):
        earlier, later = leak.splits
        shares = "has" if leak.count == 1 else "have"
        text = f"{counted(leak.count, 'question')} of {later} {shares} the same {leak.what} as one of {earlier}"
        yield f"{text}, e.g. {', '.join(leak.examples)}.", {f"leaked_{leak.what}_{earlier}_{later}": leak.count}


def _questions(rows: pd.DataFrame) -> list[Question]:
    return [Question(row.id, row.title, row.question, row.context, ()) for row in rows.itertuples()]


def _agreement_found(rows: pd.DataFrame, indices: NDArray[np.int64]) -> Iterator[Finding]:
    """How often the nearest neighbours of a question have its answer type."""
    if not indices.size:
        return
    types = rows["answer_type"].where(rows["labeled"].astype(bool), rows["prediction_type"]).to_numpy()
    share = float((types[indices] == types[:, None]).mean())
    counts = pd.Series(types).value_counts().to_numpy()
    chance = float((counts * (counts - 1)).sum() / (len(types) * (len(types) - 1)))
    yield (
        f"Of the {counted(indices.shape[1], 'nearest neighbour')} of a question, {percent(share, 0)} have its answer "
        f"type; {percent(chance, 0)} would by chance.",
        {"neighbours_same_answer_type": share, "neighbours_same_answer_type_by_chance": chance},
    )
