"""Labels that look false or ambiguous, the most suspicious first, for a person to decide on.

Every signal has its blind spots: the model errs, a pronoun hides what a sentence is about, one answer may serve two
questions. So each counts by its surprise, the negative logarithm of the share of labels that show at least as much of
it (Fisher's way to combine tests), and surprises add up: nothing is weighted, and nothing was fitted.
``bench/labels.py`` measures how many planted false labels come first, by signal and together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from project_config import Settings
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted

from .label_signals import SIGNALS, Finding, findings
from .section import Section
from .style import quoted

COLUMNS = ["id", "rank", "score", "reason", "split", "title", "question", "gold", "prediction", *SIGNALS]
"""The columns of ``labels``; each signal's is NaN where it has nothing to say."""

NO_ANSWER = "no answer"
"""The gold of a question that has none."""

NOTHING = "nothing stands out"
"""The reason of a label that no signal speaks against more than against many others."""

TOLD = 0.1
"""A signal is given as a reason where at most this share of the labels shows as much of it."""

ROUNDED = {"model": 0}
"""Decimals of a signal's values that count, where they come of logits: their last digits differ between machines, and
many labels that a model is sure to contradict differ in nothing else."""

EXACT = 6
"""Decimals of the others."""

SCORE_DIGITS = 1
"""Decimals of the score by which labels are ranked, then by their ids."""

OUT_OF_FOLD = ["prediction", "nbest", "no_answer_probability", "f1"]
"""The columns that a fold's run knows better, as its model has not seen the label."""


def labels(run: RunTables, settings: Settings, folds: Sequence[RunTables] = ()) -> Section:
    """Ranks the labels of a run, the most suspicious first.

    Args:
        run: a run, as a rule over training and validation; with a model or without.
        settings: unused, as there is no choice in the signals.
        folds: runs by models that were trained without the questions that they answer; what these say of a question
            counts instead of what ``run`` says.

    Returns:
        ``labels``: a row for each labeled question with ``COLUMNS``.

    Raises:
        RunError: if a fold has none of the run's questions.
    """
    title = "Labels to review"
    rows = run.questions[run.questions["labeled"]].reset_index(drop=True)
    if rows.empty:
        why = "No question of the run is labeled. Evaluate a split with answers, such as train or validation."
        return Section("labels", title, pd.DataFrame(columns=COLUMNS), [], {}, empty=why)
    for fold in folds:
        rows = _out_of_fold(rows, fold)
    found = list(findings(rows))
    values = {name: np.array([one[name].value if name in one else np.nan for one in found]) for name in SIGNALS}
    rounded = {name: column.round(ROUNDED.get(name, EXACT)) for name, column in values.items()}
    surprises = pd.DataFrame({name: surprise(column) for name, column in rounded.items()})
    table = rows[["id", "split", "title", "question", "prediction"]].assign(
        **values,
        score=surprises.sum(axis=1).round(SCORE_DIGITS),
        gold=[next(iter(golds), NO_ANSWER) for golds in rows["golds"]],
        reason=[_reason(one, row) for one, row in zip(found, surprises.to_dict("records"), strict=True)],
    )
    table = table.sort_values(["score", "id"], ascending=[False, True], ignore_index=True)
    table["rank"] = np.arange(1, len(table) + 1)
    return _section(table[COLUMNS], by_model=run.windows is not None)


def surprise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The negative logarithm of the share of all values that are at least as high; 0 for NaN.

    >>> surprise(np.array([3.0, np.nan, 1.0, 1.0])).round(2).tolist()
    [1.39, 0.0, 0.29, 0.29]
    """
    share = pd.Series(values).rank(ascending=False, method="max") / max(1, len(values))
    return np.asarray((-np.log(share)).fillna(0.0), np.float64)


def _out_of_fold(rows: pd.DataFrame, fold: RunTables) -> pd.DataFrame:
    """The rows as the fold's run answers them, where it does."""
    known = fold.questions.drop_duplicates("id")
    if not rows["id"].isin(known["id"]).any():
        raise RunError(f"{fold.folder} answers none of the run's questions, so it is no fold of it. Leave it out.")
    better = {}  # made anew, as pandas turns lists into arrays where it casts them
    for name in OUT_OF_FOLD:
        theirs = dict(zip(known["id"], known[name], strict=True))
        values = [theirs.get(key, own) for key, own in zip(rows["id"], rows[name], strict=True)]
        better[name] = pd.Series(values, rows.index, object)
    return rows.assign(**better)


def _reason(found: dict[str, Finding], surprises: dict[str, float]) -> str:
    """What stands out, the most surprising first."""
    order = sorted(found, key=lambda name: -surprises[name])
    told = [found[name].reason for name in order if surprises[name] >= -math.log(TOLD)]
    return "; ".join(told) or NOTHING


def _section(table: pd.DataFrame, by_model: bool) -> Section:
    against = int((table["model"] > 0).sum())
    facts: dict[str, float | str | int] = {"labels": len(table), "contradicted": against}
    facts |= {f"{name}_findings": int(table[name].notna().sum()) for name in SIGNALS}
    first = table.iloc[0]
    if first["reason"] == NOTHING:
        sentences = [f"None of {counted(len(table), 'label')} stands out."]
    else:
        found = f"The most suspicious of {counted(len(table), 'label')} is {quoted(first['gold'])}"
        sentences = [
            f"{found} for {quoted(first['question'])}: {first['reason']}.",
            f"The list is ranked by {len(SIGNALS)} signals together: read from the top, and stop when page after page "
            "is right.",
        ]
    if against:
        who = "The model contradicts" if by_model else "The answers given contradict"
        sentences.append(f"{who} {counted(against, 'label')}. Mostly it is not the label that is wrong.")
    return Section("labels", "Labels to review", table, sentences, facts)
