"""How well the run answers, by split and by kind of question, and whether its probabilities can be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from squad_albert.run_tables import RunTables
from squad_albert.tables import counted

from .error_groups import FEWEST, error_groups, error_sentences, surely_worse
from .intervals import LEVEL, mean_interval, wilson
from .section import Section
from .style import number, percent, quoted

GROUPS = {"question type": "question_type", "answer type": "answer_type"}
"""By what the scores are broken down, with the column of the questions."""

BINS = 10
"""Bins of the calibration curve, of equal numbers of questions."""

LOSS_DIGITS = 2
"""Decimals of a mean loss by which titles are ranked: those that are shown."""

SCORES = [
    "split", "group", "value", "questions", "exact", "exact_low", "exact_high", "f1", "loss", "loss_low", "loss_high"
]  # fmt: skip
CALIBRATION = ["split", "questions", "probability", "exact", "exact_low", "exact_high"]


def overview(run: RunTables) -> Section:
    """Scores by split, question type, answer type and title, and the calibration of the answers' probabilities.

    Args:
        run: with or without a model; without, it has no loss and no calibration.

    Returns:
        ``overview``: a row a group with ``split, group (all, answerable, question type, answer type), value,
        questions``, exact match with its Wilson interval, F1, and mean loss with its interval;
        ``overview_titles``: the same by title, those with at least ``FEWEST`` questions, the lowest upper end of the
        interval first, so that few questions do not make a title bad by chance;
        ``error_groups``: which groups explain most errors, see there;
        ``calibration``: a row a bin with the mean probability of the answer given and the share that is right.
    """
    title = "Overview"
    labeled = run.questions[run.questions["labeled"]]
    groups = error_groups(labeled)
    more = {"overview_titles": _titles(labeled), "calibration": _calibration(labeled), "error_groups": groups}
    counts = _counts(run.questions["split"])
    if labeled.empty:
        why = "No question is labeled, so there is nothing to score. Add a labeled split with --split."
        return Section("overview", title, _frame([], SCORES), [counts], {}, more, why)
    table = _scores(labeled)
    split = headline_split(list(labeled["split"].unique()))
    sentences = [*error_sentences(labeled, groups, split), _score_sentence(table), counts]
    sentences += [*_worse_sentence(groups, split, "question type"), *_calibration_sentence(more["calibration"])]
    sentences += [*_worse_sentence(groups, split, "title"), *_loss_sentence(labeled, more["overview_titles"])]
    return Section("overview", title, table, sentences, _facts(table, more["calibration"]), more)


def calibration_error(calibration: pd.DataFrame) -> float:
    """Expected calibration error: the mean distance of probability and share of right answers, weighted by questions.

    >>> bins = pd.DataFrame({"questions": [1, 3], "probability": [0.5, 0.9], "exact": [0.5, 0.5]})
    >>> round(calibration_error(bins), 3)
    0.3
    """
    distance = (calibration["probability"] - calibration["exact"]).abs()
    return float(np.average(distance, weights=calibration["questions"]))


def headline_split(splits: list[str]) -> str:
    """The split whose scores say most about unseen questions."""
    return next((split for split in ("test", "validation") if split in splits), splits[0])


def _scores(labeled: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for split, part in labeled.groupby("split", sort=False):
        rows.append(_score(part, split, "all", "all"))
        answerable = part["answerable"].map({True: "with answer", False: "without answer"})
        for group, values in {"answerable": answerable, **{name: part[key] for name, key in GROUPS.items()}}.items():
            rows += [_score(some, split, group, value) for value, some in part.groupby(values)]
    return _frame(rows, SCORES)


def _score(part: pd.DataFrame, split: Any, group: str, value: Any) -> dict[str, Any]:
    right = int((part["exact"] == 1).sum())
    low, high = wilson(right, len(part))
    loss = part["loss"].dropna()
    loss_low, loss_high = mean_interval(loss, low=0.0) if len(loss) > 1 else (np.nan, np.nan)
    return {
        "split": split,
        "group": group,
        "value": value,
        "questions": len(part),
        "exact": right / len(part),
        "exact_low": low,
        "exact_high": high,
        "f1": part["f1"].mean(),
        "loss": loss.mean(),
        "loss_low": loss_low,
        "loss_high": loss_high,
    }


def _titles(labeled: pd.DataFrame) -> pd.DataFrame:
    large = labeled[labeled.groupby(["split", "title"])["title"].transform("size") >= FEWEST]
    rows = [_score(part, split, "title", title) for (split, title), part in large.groupby(["split", "title"])]
    table = _frame(rows, SCORES)
    return table.sort_values(["exact_high", "value", "split"], ignore_index=True)


def _calibration(labeled: pd.DataFrame) -> pd.DataFrame:
    """Bins of equal counts by the probability of the answer given, which may be `no answer`."""
    rows = []
    given = np.where(labeled["prediction"] == "", labeled["no_answer_probability"], labeled["confidence"])
    for split, part in labeled.assign(given=given.astype(float)).dropna(subset="given").groupby("split", sort=False):
        order = part.sort_values(["given", "id"])
        for rows_of_bin in np.array_split(np.arange(len(order)), min(BINS, len(order))):
            some = order.iloc[rows_of_bin]
            right = int((some["exact"] == 1).sum())
            low, high = wilson(right, len(some))
            rows.append(dict(zip(CALIBRATION, (split, len(some), some["given"].mean(), right / len(some), low, high),
                                 strict=True)))  # fmt: skip
    return _frame(rows, CALIBRATION)


def _facts(table: pd.DataFrame, calibration: pd.DataFrame) -> dict[str, float | str | int]:
    facts: dict[str, float | str | int] = {}
    for row in table[table["group"] == "all"].itertuples():
        facts |= {f"{row.split}_questions": int(row.questions), f"{row.split}_exact": float(row.exact)}
        facts[f"{row.split}_f1"] = float(row.f1)
    for split, bins in calibration.groupby("split", sort=False):
        facts[f"{split}_calibration_error"] = calibration_error(bins)
    return facts


def _counts(splits: pd.Series[str]) -> str:
    counts = splits.value_counts(sort=False)
    of = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
    return f"{counted(len(splits), 'question')}: {of}."


def _score_sentence(table: pd.DataFrame) -> str:
    parts = [
        f"{percent(row.exact)} in {row.split} ({percent(row.exact_low)} to {percent(row.exact_high)})"
        for row in table[table["group"] == "all"].itertuples()
    ]
    return f"Answers that match exactly: {', '.join(parts)}."


def _worse_sentence(groups: pd.DataFrame, split: str, kind: str) -> list[str]:
    """The groups of a kind that are surely answered worse, unless it is the one that was told first of all."""
    every, worse = surely_worse(groups, split), surely_worse(groups, split, kind)
    if worse.empty or (len(worse) == 1 and worse.index[0] == every.index[0]):
        return []
    first = worse.iloc[0]
    return [
        f"Surely answered worse than the rest of {split}: {counted(len(worse), kind)}, first {quoted(first['value'])}: "
        f"{percent(1 - first['error'])} of {first['questions']:,} answers are right, of the others "
        f"{percent(1 - first['rest_error'])}."
    ]


def _calibration_sentence(calibration: pd.DataFrame) -> list[str]:
    if calibration.empty:
        return []
    split = headline_split(list(calibration["split"].unique()))
    bins = calibration[calibration["split"] == split]
    claimed, right = (float(np.average(bins[name], weights=bins["questions"])) for name in ("probability", "exact"))
    gap = claimed - right
    what = "well calibrated on average" if abs(gap) < 0.02 else "overconfident" if gap > 0 else "underconfident"
    return [
        f"In {split}, the model gives its answers a mean probability of {percent(claimed)}, and {percent(right)} are "
        f"right: it is {what} (expected calibration error {100 * calibration_error(bins):.1f} points)."
    ]


def _loss_sentence(labeled: pd.DataFrame, titles: pd.DataFrame) -> list[str]:
    """The title of the highest mean loss, if that is surely above the mean of its split, among so many titles."""
    if len(titles) < 2 or titles["loss"].isna().any():
        return []
    highest = titles.assign(loss=titles["loss"].round(LOSS_DIGITS)).sort_values(
        ["loss", "value", "split"], ascending=[False, True, True]
    )
    row = titles.loc[highest.index[0]]
    of_split = labeled[labeled["split"] == row["split"]]
    loss = of_split.loc[of_split["title"] == row["value"], "loss"]
    low, _ = mean_interval(loss, 1 - (1 - LEVEL) / len(titles), low=0.0)
    mean = of_split["loss"].mean()
    if not low > mean:
        return []
    return [
        f"The title of the highest loss is {quoted(row['value'])}: {number(row['loss'])} on average, over all of "
        f"{row['split']} {number(mean)}; {percent(row['exact'])} of its {row['questions']:,} answers are right."
    ]


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """A table that has its columns and their types even without a row."""
    text = {"split", "group", "value"}
    kinds = {name: "str" if name in text else "int64" if name == "questions" else "float64" for name in columns}
    return pd.DataFrame(rows, columns=columns).astype(kinds)
