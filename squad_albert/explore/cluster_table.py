"""A row for each cluster: its scores, and what it is made of in words."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .density import NONE, nearest_centre
from .describe import shares, typical_terms
from .intervals import LEVEL, mean_interval, wilson
from .latent import Float32
from .problems import RIGHT
from .reasons import reason

SCORES = ["loss", "loss_low", "loss_high", "errors", "errors_low", "errors_high"]
COLUMNS = [
    "cluster", "rank", "error_rank", "size", "labeled", *SCORES, "above", "terms", "question_types", "answer_types",
    "titles", "reason", "example", "central",
]  # fmt: skip

_DIGITS = 2  # decimals of mean losses that count in a ranking
_CENTRAL = 5  # questions nearest the centre that are named


def cluster_table(questions: pd.DataFrame, labels: NDArray[np.int64], points: Float32) -> pd.DataFrame:
    """The clusters by rank.

    Args:
        questions: Q questions of a run, with ``problem`` as ``problems`` gives it.
        labels: int64 [Q], their clusters 0, 1, ..., or ``NONE``.
        points: float32 [Q, D], where they lie.

    Returns:
        ``COLUMNS``: ``rank`` by mean loss, ``error_rank``, both of equal ones the larger first, the ``size``, how many
        of them are ``labeled``, their mean ``loss`` and share of ``errors`` with ends of their intervals, whether the
        mean loss is surely ``above`` that of all (by intervals wide enough for that many clusters), ``terms`` (list),
        ``question_types``, ``answer_types``, ``titles``, ``reason``, the id of an ``example`` of it, and ``central``
        (ids).
    """
    terms = typical_terms(_texts(questions), labels)
    central = nearest_centre(points, labels, _CENTRAL)
    wrong = questions[questions["problem"].notna() & (questions["problem"] != RIGHT)]
    mean, titles = questions["loss"].mean(), questions["title"].nunique()
    level = 1 - (1 - LEVEL) / max(1, len(terms))
    rows = []
    for cluster, part in questions[labels != NONE].groupby(labels[labels != NONE]):
        text, example = reason(part, wrong, titles)
        rows.append({
            "cluster": cluster, "size": len(part), **_scores(part, mean, level),
            "terms": terms[cluster], "question_types": shares(part["question_type"]),
            "answer_types": shares(part["answer_type"].where(part["labeled"], part["prediction_type"])),
            "titles": shares(part["title"]), "reason": text, "example": example,
            "central": questions["id"].iloc[central[cluster]].tolist(),
        })  # fmt: skip
    return _ranked(pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(SCORES, float)))


def _texts(questions: pd.DataFrame) -> list[str]:
    columns = zip(questions["question"], questions["prediction"], questions["golds"].tolist(), strict=True)
    return ["\n".join((asked, answer, *golds[:1])) for asked, answer, golds in columns]


def _scores(part: pd.DataFrame, mean: float, level: float) -> dict[str, float | int | bool]:
    """Scores of a cluster's labeled questions, NaN where there are none."""
    part = part[part["labeled"]]
    if part.empty:
        return {"labeled": 0, "above": False} | dict.fromkeys(SCORES, math.nan)
    wrong = int((part["exact"] < 1).sum())
    ends = (*mean_interval(part["loss"], low=0.0), *wilson(wrong, len(part)))
    scores = dict(zip(SCORES, (part["loss"].mean(), *ends[:2], wrong / len(part), *ends[2:]), strict=True))
    return {"labeled": len(part), "above": mean_interval(part["loss"], level, low=0.0)[0] > mean} | scores


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """With both ranks, 1 for the highest mean; clusters without labels come last, the largest first.

    Mean losses count as they are shown, so that the last digits of logits decide nothing.
    """
    table["error_rank"] = _rank(table["errors"], table["size"])
    table["rank"] = _rank(table["loss"].round(_DIGITS), table["size"])
    return table.sort_values("rank", ignore_index=True)


def _rank(values: pd.Series[float], then: pd.Series[float]) -> NDArray[np.int64]:
    order = np.lexsort((-then.to_numpy(float), -values.to_numpy(float)))  # of equal ones, the lower number first
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank
