"""Why a cluster of questions is hard, as far as it shows: the problem most of it has, or the title it is made of."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .intervals import wilson
from .problems import MARKS, only_marks_differ
from .style import quoted

_FEWEST = 3  # problems of one kind that are a reason
_MARKS_SHARE = 0.3  # of a cluster's problems that are MARKS if these are its reason: they are easily mended
_SHARE = 0.5  # the same of every other kind
_DIGITS = 2  # decimals of a loss that count in a ranking
_ONE_TITLE = 0.6  # of a cluster's questions that are of a title that makes it up


def reason(part: pd.DataFrame, wrong: pd.DataFrame, titles: int) -> tuple[str, str]:
    """The reason in words, and the id of a question as an example; both "" if none is visible.

    A kind of problem is a reason if a large share of the cluster's problems are of it, and surely a larger one than of
    all other problems.

    Args:
        part: the questions of a cluster; ``id``, ``title``, ``loss``.
        wrong: all questions with a problem; also ``problem``, ``prediction`` and ``golds``.
        titles: how many titles there are over all.
    """
    here = wrong["id"].isin(part["id"])
    problem, cases = _main_problem(wrong["problem"], here)
    texts, example = [], ""
    if problem:
        worst = wrong.loc[cases].round({"loss": _DIGITS}).sort_values(["loss", "id"], ascending=[False, True])
        example = str(worst["id"].iloc[0])
        texts.append(
            f"{len(worst)} of {here.sum()} problems are “{problem}”{_share_of_loss(worst['loss'], part['loss'])}, "
            f"such as {_example(worst.iloc[0])}"
        )
    frequent = part["title"].value_counts(normalize=True)
    if titles > 1 and frequent.iloc[0] >= _ONE_TITLE:
        texts.append(f"one title makes it up: {frequent.index[0]} ({frequent.iloc[0] * 100:.0f} %)")
    return "; ".join(texts), example


def _main_problem(kinds: pd.Series[str], here: pd.Series[bool]) -> tuple[str, pd.Index]:
    """The kind of problem that is a reason ("" if there is none), and the rows of those that have it here."""
    counts = kinds[here].value_counts()
    total = int(counts.sum())
    elsewhere = kinds[~here].value_counts(normalize=True)
    for kind, least in ((MARKS, _MARKS_SHARE), *((kind, _SHARE) for kind in counts.index[:1])):
        count = int(counts.get(kind, 0))
        if count >= max(_FEWEST, least * total) and wilson(count, total)[0] > elsewhere.get(kind, 0.0):
            return kind, kinds.index[here & (kinds == kind)]
    return "", kinds.index[:0]


def _share_of_loss(cases: pd.Series[float], part: pd.Series[float]) -> str:
    return f", with {cases.sum() / part.sum() * 100:.0f} % of the loss" if part.sum() > 0 else ""


def _example(case: pd.Series[Any]) -> str:
    golds = case["golds"]
    gold = next((gold for gold in golds if only_marks_differ(case["prediction"], gold)), "".join(golds[:1]))
    given, label = (quoted(text) if text else "no answer" for text in (case["prediction"], gold))
    return f"{given} where the label is {label}"
