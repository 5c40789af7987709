from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from squad_albert.explore.intervals import mean_interval, wilson


@pytest.mark.parametrize(("successes", "total"), [(0, 1), (1, 1), (0, 30), (30, 30), (7, 30), (29, 30), (223, 500)])
def test_wilson_equals_scipys_and_holds_the_share(successes, total):
    low, high = wilson(successes, total)
    expected = stats.binomtest(successes, total).proportion_ci(0.95, method="wilson")
    assert (low, high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))
    assert 0 <= low <= successes / total <= high <= 1
    mirrored = wilson(total - successes, total)
    assert (1 - high, 1 - low) == (pytest.approx(mirrored[0]), pytest.approx(mirrored[1]))


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_mean_interval_covers_the_mean_as_often_as_it_says(level):
    rng = np.random.default_rng(7)
    intervals = [mean_interval(rng.normal(2.0, 3.0, size=8), level) for _ in range(2000)]
    covered = np.mean([low <= 2.0 <= high for low, high in intervals])
    assert covered == pytest.approx(level, abs=0.02)


def test_one_value_bounds_nothing_and_equal_values_leave_no_doubt():
    assert mean_interval([3.0]) == (-math.inf, math.inf)
    assert mean_interval([3.0, 3.0, 3.0]) == (3.0, 3.0)
