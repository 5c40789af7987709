"""How sure a share or a mean is: 95 % confidence intervals."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit

LEVEL = 0.95
"""The confidence of an interval, unless more is wanted."""


def wilson(successes: int, total: int) -> tuple[float, float]:
    """Wilson's score interval of a share, which is sensible for few cases and for shares near 0 and 1.

    Args:
        successes: how many cases have the property.
        total: how many cases there are, at least 1.

    Returns:
        Its ends, both within [0, 1].

    >>> [round(end, 3) for end in wilson(5, 10)]
    [0.237, 0.763]
    >>> wilson(0, 10)[0]
    0.0

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share = successes / total
    centre = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low, high = (centre - half) / (1 + z * z / total), (centre + half) / (1 + z * z / total)
    return max(0.0, low) if successes else 0.0, min(1.0, high) if successes < total else 1.0


def difference_interval(one: tuple[int, int], other: tuple[int, int]) -> tuple[float, float]:
    """Newcombe's interval of the difference of two independent shares, by Wilson's of each.

    Args:
        one: how many cases have the property, and how many cases there are, at least 1.
        other: the same of those whose share is taken off.

    Returns:
        Its ends, both within [-1, 1].

    >>> [round(end, 4) for end in difference_interval((56, 70), (48, 80))]
    [0.0524, 0.3339]

    Source: R. G. Newcombe (1998), Interval estimation for the difference between independent proportions, method 10.
    Statistics in Medicine 17.
    """
    (low, high), (other_low, other_high) = wilson(*one), wilson(*other)
    share, other_share = one[0] / one[1], other[0] / other[1]
    difference = share - other_share
    return (
        max(-1.0, difference - math.hypot(share - low, other_high - other_share)),
        min(1.0, difference + math.hypot(high - share, other_share - other_low)),
    )


def mean_interval(
    values: ArrayLike, level: float = LEVEL, low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """Student's interval of a mean; of bounded values, one that keeps within their bounds.

    Bounded below, it is Student's of the logarithm, bounded on both sides, Student's of the logit, each with the
    standard error that the delta method gives, so that it is wider to the side where the values may lie far off.

    Args:
        values: independent measurements, at least one, all finite.
        level: its confidence; of several intervals all hold their means with confidence c if each has 1 - (1 - c) / n
            (Bonferroni).
        low: what no value is below; 0 for a loss.
        high: what no value is above, given only with ``low``; 1 for a share.

    Returns:
        Its ends; for one value, which says nothing about spread, the bounds.

    >>> [round(end, 3) for end in mean_interval([1.0, 2.0, 3.0])]
    [-0.484, 4.484]
    >>> [round(end, 3) for end in mean_interval([1.0, 2.0, 3.0], low=0.0)]
    [0.578, 6.926]
    >>> [round(end, 3) for end in mean_interval([0.0, 0.0, 0.3], low=0.0, high=1.0)]
    [0.001, 0.93]

    Source: W. Q. Meeker, G. J. Hahn and L. A. Escobar (2017), Statistical Intervals, 2nd ed., on the delta method.
    """
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) == 1:
        return low, high
    half = float(stdtrit(len(array) - 1, (1 + level) / 2) * array.std(ddof=1) / math.sqrt(len(array)))
    if half == 0 or math.isinf(low):
        return mean - half, mean + half
    if math.isinf(high):
        with np.errstate(over="ignore", under="ignore"):  # of a mean that nearly nothing is known about
            factor = np.exp(half / (mean - low))
            return low + float((mean - low) / factor), low + float((mean - low) * factor)
    share = (mean - low) / (high - low)
    half /= (high - low) * share * (1 - share)
    ends = expit(logit(share) + np.array([-half, half]))
    return low + (high - low) * float(ends[0]), low + (high - low) * float(ends[1])
