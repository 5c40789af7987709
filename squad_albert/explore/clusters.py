"""Clusters of questions that are alike to the model, by loss and by errors, with the reason where one is visible.

Twice: over all questions, and over those of the highest loss by themselves, as a few hard ones among many easy ones
of their kind may not stand out in a cluster of all of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from project_config import Settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted

from .cluster_table import cluster_table
from .density import NONE, dense_clusters
from .latent import Space
from .problems import MARKS, problems
from .section import Section
from .style import number, percent

NAME, TITLE = "clusters", "High-loss clusters"
HIGH_SHARE = 0.1
"""The share of the labeled questions, those of the highest loss, that are clustered by themselves."""

_TOLD = 3  # clusters of each kind that have a sentence


def clusters(run: RunTables, space: Space, settings: Settings) -> Section:
    """The clusters of a run in words.

    Args:
        run: a run; its unlabeled questions are clustered, too, but count for neither loss nor errors.
        space: its latent space.
        settings: ``seed``.

    Returns:
        ``clusters`` as in ``cluster_table``, 0 the largest. ``more`` has ``high_loss_clusters``, the same of the
        questions of the highest loss, and ``cluster_members``: ``id``, ``cluster`` and ``high_loss_cluster`` of each
        question, -1 for none.
    """
    questions = run.questions.assign(problem=problems(run.questions))
    every, high = np.full((2, len(questions)), NONE)
    limit = _limit(questions["loss"])
    if not space.empty:
        every = dense_clusters(space.points, settings.seed)
        rows = np.flatnonzero(questions["loss"] > limit)
        high[rows] = dense_clusters(space.points[rows], settings.seed)
    points = space.points if not space.empty else np.zeros((len(questions), 2), np.float32)
    table, high_table = (cluster_table(questions, labels, points) for labels in (every, high))
    members = pd.DataFrame({"id": questions["id"].to_numpy(), "cluster": every, "high_loss_cluster": high})
    more = {"high_loss_clusters": high_table, "cluster_members": members}
    if table.empty and high_table.empty:
        few = (
            f"HDBSCAN finds no dense region among {counted(len(questions), 'question')}. Explore a run of more of them."
        )
        return Section(NAME, TITLE, table, [], {}, more, space.empty or few)
    facts = _facts(questions, members, table, high_table, limit)
    return Section(NAME, TITLE, table, _sentences(facts, table, high_table), facts, more)


def _limit(loss: pd.Series[float]) -> float:
    """The loss that is exceeded by those that are clustered by themselves; infinite if none is known."""
    known = loss.dropna()
    return float(known.quantile(1 - HIGH_SHARE)) if len(known) else np.inf


def _facts(
    questions: pd.DataFrame, members: pd.DataFrame, table: pd.DataFrame, high_table: pd.DataFrame, limit: float
) -> dict[str, Any]:
    labeled = questions[questions["labeled"]]
    marks = (questions["problem"] == MARKS).to_numpy()
    explained = np.isin(members["cluster"], _for_marks(table))
    explained |= np.isin(members["high_loss_cluster"], _for_marks(high_table))
    facts: dict[str, Any] = {
        "questions": len(questions),
        "labeled": len(labeled),
        "clusters": len(table),
        "outside": float((members["cluster"] == NONE).mean()),
        "high_loss_clusters": len(high_table),
    }
    if len(labeled):
        facts |= {
            "loss": float(labeled["loss"].mean()),
            "errors": float((labeled["exact"] < 1).mean()),
            "above": int(table["above"].sum()),
            "high_loss_limit": limit,
            "high_loss_questions": int((questions["loss"] > limit).sum()),
            "marks": int(marks.sum()),
            "marks_explained": int((marks & explained).sum()),
        }
    return facts


def _for_marks(table: pd.DataFrame) -> list[int]:
    """The clusters of which ``MARKS`` are the reason."""
    found: list[int] = table["cluster"][table["reason"].str.contains(MARKS, regex=False)].tolist()
    return found


def _sentences(facts: dict[str, Any], table: pd.DataFrame, high_table: pd.DataFrame) -> list[str]:
    made = (
        f"{counted(facts['clusters'], 'cluster')} of {counted(facts['questions'], 'question')}; "
        f"{percent(facts['outside'], 0)} lie in no dense region and belong to none."
    )
    if not facts["labeled"]:
        return [made, "No question is labeled, so the clusters are ranked by size.", *_told("Cluster", table)]
    sentences = [
        *hardest_sentences(table, facts),
        made,
        f"Over all, the mean loss is {number(facts['loss'])} and {percent(facts['errors'])} of the answers are wrong.",
    ]
    if facts["clusters"] > 1:
        sentences.append(
            f"What is surely harder is judged by intervals widened for {facts['clusters']} comparisons. Those shown "
            "are not, and rather too narrow, as the questions of a paragraph depend on each other."
        )
    sentences += _told("Cluster", table)
    if len(high_table):
        sentences += [
            f"The questions of a loss above {number(facts['high_loss_limit'])} make "
            f"{counted(len(high_table), 'cluster')} by themselves ({counted(facts['high_loss_questions'], 'question')} "
            "in all). They were chosen for their loss, so only what they share says something.",
            *_told("High-loss cluster", high_table),
        ]
    if facts["marks"]:
        named = ", ".join(
            [f"cluster {cluster}" for cluster in _for_marks(table)]
            + [f"high-loss cluster {cluster}" for cluster in _for_marks(high_table)]
        )
        sentences.append(
            f"Answers that are {MARKS}: {facts['marks']:,}; in clusters of which that is the reason: "
            f"{facts['marks_explained']:,} ({named or 'there is none'}). The official rules forgive most marks, the "
            "loss does not."
        )
    return sentences


def hardest_sentences(table: pd.DataFrame, facts: Mapping[str, Any]) -> list[str]:
    """How many clusters are surely harder than the whole, and the first of them, ranked and told by mean loss."""
    if len(table) < 2:
        return []
    above = table[table["above"]]
    if above.empty:
        return [f"None of the {len(table)} clusters has a mean loss surely above that of all questions."]
    first = above.iloc[0]
    return [
        f"Clusters with a mean loss surely above that of all questions: {len(above)} of {len(table)}. The hardest of "
        f"them is cluster {first['cluster']}: {_mean_loss(first)}, over all {number(facts['loss'])}; "
        f"{percent(first['errors'], 0)} of its answers are wrong, over all {percent(facts['errors'], 0)}."
    ]


def _mean_loss(row: Any) -> str:
    between = f" ({number(row.loss_low)} to {number(row.loss_high)})" if np.isfinite(row.loss_high) else ""
    return f"mean loss {number(row.loss)}{between}"


def _told(name: str, table: pd.DataFrame) -> list[str]:
    return [_describe(name, row) for row in table.head(_TOLD).itertuples()]


def _describe(name: str, row: Any) -> str:
    scores = ""
    if row.labeled:
        scores = (
            f", {_mean_loss(row)}, errors {percent(row.errors, 0)} ({percent(row.errors_low, 0)} to "
            f"{percent(row.errors_high, 0)})"
        )
    terms = f" Typical terms: {', '.join(row.terms)}." if row.terms else ""
    reason = f" Visible: {row.reason}." if row.reason else ""
    return (
        f"{name} {row.cluster}: {counted(row.size, 'question')}{scores}.{terms} Questions: {row.question_types}; "
        f"answers: {row.answer_types}; titles: {row.titles}.{reason}"
    )
