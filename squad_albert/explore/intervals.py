"""How sure a share or a mean is: 95 % confidence intervals."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

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


def mean_interval(values: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Student's interval of a mean.

    Args:
        values: independent measurements, at least one, all finite.
        level: its confidence; of several intervals all hold their means with confidence c if each has 1 - (1 - c) / n
            (Bonferroni).

    Returns:
        Its ends; for one value, which says nothing about spread, minus and plus infinity.

    >>> [round(end, 3) for end in mean_interval([1.0, 2.0, 3.0])]
    [-0.484, 4.484]
    """
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) == 1:
        return -math.inf, math.inf
    half = float(stdtrit(len(array) - 1, (1 + level) / 2) * array.std(ddof=1) / math.sqrt(len(array)))
    return mean - half, mean + half
