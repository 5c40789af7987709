"""How sure it is that one of two systems answers the same questions better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

DRAWS = 5_000
"""Resamples of the bootstrap."""

_ENTRIES = 1 << 22  # drawn units held at once


@dataclass(frozen=True)
class Interval:
    """A mean difference with its 95 % interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(differences: NDArray[np.float64], units: NDArray[np.int64], seed: int) -> list[Interval]:
    """Mean differences with percentile intervals, from resamples of whole units.

    Questions of one unit stay together in every resample, so that what they have in common does not pass for
    evidence. The mean of a resample is over its questions, however many its units have.

    Args:
        differences: float64 [N, M], of each question in each of M measures; N at least 1.
        units: int64 [N], the unit that each question belongs to, numbered from 0 without gaps.
        seed: of the draws.

    Returns:
        An interval for each measure.

    Example:
        >>> gain = paired_bootstrap(np.array([[1.0], [0.0], [1.0], [1.0]]), np.array([0, 1, 2, 3]), seed=7)[0]
        >>> gain.mean, gain.low, gain.high
        (0.75, 0.25, 1.0)

    Source: B. Efron and R. Tibshirani (1993), An introduction to the bootstrap, chapters 8 and 13; for systems that
    answer the same items, P. Koehn (2004), Statistical significance tests for machine translation evaluation, EMNLP.
    """
    count = int(units.max()) + 1
    columns = [*differences.T, np.ones(len(units))]
    sums = np.stack([np.bincount(units, weights=column, minlength=count) for column in columns], axis=1)
    draw = np.random.default_rng(seed)
    means = []
    for first in range(0, DRAWS, max(1, _ENTRIES // count)):
        height = min(max(1, _ENTRIES // count), DRAWS - first)
        drawn = draw.integers(count, size=(height, count)) + np.arange(height)[:, None] * count
        totals = np.bincount(drawn.ravel(), minlength=height * count).reshape(height, count) @ sums
        means.append(totals[:, :-1] / totals[:, -1:])
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5], axis=0)
    mean = differences.mean(axis=0)
    return [Interval(*map(float, ends)) for ends in zip(mean, low, high, strict=True)]


def mcnemar(fixed: int, broke: int) -> float:
    """The exact two-sided p of McNemar's test: how often chance alone would part the changes at least so unevenly.

    Args:
        fixed: questions that only the second system answers rightly.
        broke: questions that only the first one does.

    Example:
        >>> mcnemar(9, 1), mcnemar(0, 0)
        (0.021484375, 1.0)

    Source: Q. McNemar (1947), Note on the sampling error of the difference between correlated proportions,
    Psychometrika 12.
    """
    return float(binomtest(fixed, fixed + broke).pvalue) if fixed + broke else 1.0
