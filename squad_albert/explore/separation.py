"""How far two splits lie apart in latent space: whether a classifier can tell their questions from each other.

A title's questions are never on both sides of a fold. Splits mostly share no title, and the questions of an article
lie close together; so a classifier that has seen some of an article's questions knows the others by their article,
and would tell apart any two splits, even two random halves of the titles. Judged by titles that it has never
seen, it can only use what holds for one split's titles in general: a shift of the population.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .intervals import LEVEL
from .latent import Float32

FOLDS = 5
RESAMPLES = 500


@dataclass(frozen=True)
class Separation:
    """The chance that the classifier ranks a question of the second split above one of the first: 0.5 is guessing."""

    auc: float
    low: float
    high: float
    folds: int


@dataclass(frozen=True, eq=False)
class _Fold:
    """Questions that were left out, their scores by a classifier of the others as levels from the lowest."""

    levels: NDArray[np.int64]
    second: NDArray[np.bool_]
    titles: NDArray[np.int64]


def separation(points: Float32, second: NDArray[np.bool_], titles: pd.Series[str], seed: int) -> Separation | None:
    """The cross-validated AUC of a logistic regression, with a bootstrap interval over titles.

    Args:
        points: float32 [N, D].
        second: bool [N], whether a question is of the second split.
        titles: [N], of the questions.
        seed: of folds and bootstrap.

    Returns:
        None where fewer than two titles of a split leave nothing to judge the classifier by.
    """
    codes = pd.factorize(titles)[0]
    folds = min(FOLDS, len(np.unique(codes[second])), len(np.unique(codes[~second])))
    judged = _judged(points, second, codes, folds, seed) if folds > 1 else []
    if not judged:
        return None
    auc = _auc(judged, np.ones(codes.max() + 1))
    draw = np.random.default_rng(seed)
    counts = draw.multinomial(codes.max() + 1, np.full(codes.max() + 1, 1 / (codes.max() + 1)), RESAMPLES)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile([_auc(judged, count) for count in counts], [tail, 1 - tail])
    return Separation(auc, float(low), float(high), folds)


def _judged(
    points: Float32, second: NDArray[np.bool_], titles: NDArray[np.int64], folds: int, seed: int
) -> list[_Fold]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # The weights make up for splits of unequal size.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    judged = []
    for seen, unseen in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(points, second, titles):
        if len(np.unique(second[seen])) == 2 == len(np.unique(second[unseen])):  # else there is nothing to compare
            scores = classifier.fit(points[seen], second[seen]).decision_function(points[unseen])
            levels = np.unique(scores, return_inverse=True)[1]
            judged.append(_Fold(levels, second[unseen], titles[unseen]))
    return judged


def _auc(judged: list[_Fold], weight: NDArray[np.float64] | NDArray[np.int64]) -> float:
    """Over all pairs within a fold, as scores of different classifiers cannot be compared; NaN if there is no pair."""
    won = pairs = 0.0
    for fold in judged:
        weights = weight[fold.titles]
        size = fold.levels.max() + 1
        first = np.bincount(fold.levels, weights * ~fold.second, size)
        second = np.bincount(fold.levels, weights * fold.second, size)
        won += float(second @ (np.cumsum(first) - first / 2))
        pairs += float(first.sum() * second.sum())
    return won / pairs if pairs else np.nan
