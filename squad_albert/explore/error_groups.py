"""Which groups of questions explain most errors: parts of the data, titles and types of questions and answers, alike.

The measure is the errors of a group beyond its share, those that it has more than as many questions of its split
usually have (the weighted relative accuracy of subgroup discovery, times the questions). A small group that is always
wrong then comes before a large one that is nearly as good as all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from squad_albert.measures import parts

from .intervals import wilson
from .slices import SIGNIFICANT, holm
from .style import percent, quoted

FEWEST = 5
"""Questions that a group must have."""

GROUPS = {"part": "part", "title": "title", "question type": "question_type", "answer type": "answer_type"}
"""By what questions are grouped, with the column."""

COLUMNS = {
    **dict.fromkeys(["split", "group", "value"], "str"),
    **dict.fromkeys(["questions", "of", "errors", "all_errors"], "int64"),
    **dict.fromkeys(["excess", "error", "error_low", "error_high", "rest_error", "p", "p_adjusted"], "float64"),
}


def error_groups(labeled: pd.DataFrame) -> pd.DataFrame:
    """The groups of each split, those that explain most of its errors first.

    Args:
        labeled: labeled questions of a run.

    Returns:
        A row a group of at least ``FEWEST`` questions that is not the whole split: ``questions`` ``of`` how many,
        ``errors`` of how many in all (``all_errors``), the ``excess``, errors beyond its share; the share of ``error``
        with its Wilson interval, ``rest_error`` in the rest of the split; ``p``, the chance of as many errors among as
        many questions drawn from the split, and ``p_adjusted`` for all groups of the split (Holm).
    """
    found = [_groups_of(part, str(split)) for split, part in labeled.groupby("split", sort=False)]
    return pd.DataFrame([row for rows in found for row in rows], columns=list(COLUMNS)).astype(COLUMNS)


def surely_worse(groups: pd.DataFrame, split: str, group: str | None = None) -> pd.DataFrame:
    """The groups of a split, optionally of one kind, that surely have more errors than the rest of it."""
    chosen = (groups["split"] == split) & (groups["p_adjusted"] <= SIGNIFICANT)
    return groups[chosen if group is None else chosen & (groups["group"] == group)]


def error_sentences(labeled: pd.DataFrame, groups: pd.DataFrame, split: str) -> list[str]:
    """Where the errors of a split are, the finding first."""
    right = labeled.loc[labeled["split"] == split, "exact"] == 1
    if right.all() or not right.any():
        return [f"Every answer in {split} is {'right' if right.all() else 'wrong'}."]
    worse = surely_worse(groups, split)
    if worse.empty:
        if split not in set(groups["split"]):
            return []
        return [f"No part of {split}, no title and no type of question is surely answered worse than the rest."]
    first = worse.iloc[0]
    share = first["errors"] / first["all_errors"]
    finding = f"Most errors in {split} are" if share > 0.5 else f"Errors in {split} are most out of proportion"
    return [
        f"{finding} in {_named(first)}: {first['errors']:,} of {first['all_errors']:,} ({percent(share, 0)}), from "
        f"{percent(first['questions'] / first['of'], 0)} of the questions.",
        f"Of its {first['questions']:,} answers {percent(first['error'], 0)} are wrong "
        f"({percent(first['error_low'], 0)} to {percent(first['error_high'], 0)}), of the others "
        f"{percent(first['rest_error'], 0)}.",
    ]


def _named(row: pd.Series[Any]) -> str:
    if row["group"] == "answer type" and row["value"] == "none":
        return "questions without an answer"
    return f"{row['group']} {quoted(row['value'])}"


def _groups_of(questions: pd.DataFrame, split: str) -> list[dict[str, Any]]:
    wrong = questions["exact"] < 1
    of, all_errors = len(questions), int(wrong.sum())
    rows = []
    for group, column in GROUPS.items():
        values = parts(list(questions["id"])) if group == "part" else questions[column]
        for value, some in wrong.groupby(np.array(values, object)) if values is not None else ():
            if FEWEST <= len(some) < of:
                rows.append({"split": split, "group": group, "value": value} | _errors(some, of, all_errors))
    for row, p in zip(rows, holm(np.array([row["p"] for row in rows]), len(rows)), strict=True):
        row["p_adjusted"] = float(p)
    kinds = list(GROUPS)  # of groups of the same questions, the first kind is told
    return sorted(rows, key=lambda row: (-round(row["excess"], 6), kinds.index(row["group"]), row["value"]))


def _errors(wrong: pd.Series[bool], of: int, all_errors: int) -> dict[str, float | int]:
    questions, errors = len(wrong), int(wrong.sum())
    low, high = wilson(errors, questions)
    return {
        "questions": questions,
        "of": of,
        "errors": errors,
        "all_errors": all_errors,
        "excess": errors - questions * all_errors / of,
        "error": errors / questions,
        "error_low": low,
        "error_high": high,
        "rest_error": (all_errors - errors) / (of - questions),
        "p": float(stats.hypergeom.sf(errors - 1, of, all_errors, questions)),
    }
