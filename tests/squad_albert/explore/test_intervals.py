from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


LOSSES = st.lists(st.floats(0, 1e4, allow_subnormal=False), min_size=1, max_size=12)
SHARES = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=12)
LEVELS = st.sampled_from([0.95, 0.998, 0.99995])


@settings(deadline=None)
@given(LOSSES, LEVELS)
def test_the_interval_of_a_mean_loss_never_goes_below_zero(values: list[float], level: float):
    low, high = mean_interval(values, level, low=0.0)
    assert 0 <= low <= np.mean(values) * (1 + 1e-9)
    assert high >= np.mean(values) * (1 - 1e-9)


@settings(deadline=None)
@given(SHARES, LEVELS)
def test_the_interval_of_a_mean_share_keeps_within_its_bounds(values: list[float], level: float):
    low, high = mean_interval(values, level, low=0.0, high=1.0)
    assert 0 <= low <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= high <= 1


def test_bounded_intervals_cover_the_mean_about_as_often_as_they_say():
    rng = np.random.default_rng(7)
    losses = [mean_interval(rng.gamma(1.0, 2.0, size=20), low=0.0) for _ in range(2000)]
    assert np.mean([low <= 2.0 <= high for low, high in losses]) == pytest.approx(0.95, abs=0.04)
    shares = [mean_interval(rng.beta(2.0, 6.0, size=20), low=0.0, high=1.0) for _ in range(2000)]
    assert np.mean([low <= 0.25 <= high for low, high in shares]) == pytest.approx(0.95, abs=0.03)


def test_far_from_a_bound_it_makes_no_difference():
    values = np.random.default_rng(7).normal(500.0, 1.0, size=50)
    assert mean_interval(values, low=0.0) == pytest.approx(mean_interval(values), rel=1e-5)


def test_one_bounded_value_says_no_more_than_the_bounds():
    assert mean_interval([0.3], low=0.0, high=1.0) == (0.0, 1.0)
    assert mean_interval([0.3], low=0.0) == (0.0, math.inf)
