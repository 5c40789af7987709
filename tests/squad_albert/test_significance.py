from __future__ import annotations

from math import comb

import numpy as np
import pytest

from squad_albert import significance
from squad_albert.significance import mcnemar, paired_bootstrap


def width(interval: significance.Interval) -> float:
    return interval.high - interval.low


def test_the_interval_is_that_of_the_mean():
    draw = np.random.default_rng(1)
    differences = draw.normal(0.3, 2, (400, 2))
    for column, interval in enumerate(paired_bootstrap(differences, np.arange(400), seed=2)):
        values = differences[:, column]
        half = 1.96 * values.std() / np.sqrt(400)
        assert interval.mean == pytest.approx(values.mean())
        assert [interval.low, interval.high] == pytest.approx(
            [values.mean() - half, values.mean() + half], abs=0.05 * half * 2
        )


def test_it_covers_the_truth_as_often_as_it_says():
    draw = np.random.default_rng(3)
    samples = draw.normal(0, 1, (150, 60, 1))
    intervals = [paired_bootstrap(sample, np.arange(60), seed)[0] for seed, sample in enumerate(samples)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert 0.88 <= covered <= 0.99


def test_questions_of_a_unit_stay_together():
    draw = np.random.default_rng(4)
    units = np.repeat(np.arange(50), 8)
    alike = np.repeat(draw.normal(size=50), 8)[:, None]
    together, alone = (paired_bootstrap(alike, each, seed=5)[0] for each in (units, np.arange(400)))
    assert width(together) > 2 * width(alone)
    assert width(together) == pytest.approx(2 * 1.96 * alike[::8].std() / np.sqrt(50), rel=0.1)


def test_the_mean_is_over_questions_however_large_the_units():
    differences = np.array([[1.0]] * 9 + [[0.0]])
    units = np.array([0] * 9 + [1])
    interval = paired_bootstrap(differences, units, seed=6)[0]
    assert (interval.mean, interval.low, interval.high) == (pytest.approx(0.9), 0.0, 1.0)


def test_the_seed_decides_and_the_blocks_do_not(monkeypatch):
    differences = np.random.default_rng(7).normal(size=(90, 1))
    found = paired_bootstrap(differences, np.arange(90), seed=8)
    assert found == paired_bootstrap(differences, np.arange(90), seed=8)
    assert found != paired_bootstrap(differences, np.arange(90), seed=9)
    monkeypatch.setattr(significance, "_ENTRIES", 500)
    assert found == paired_bootstrap(differences, np.arange(90), seed=8)


def test_one_question():
    assert paired_bootstrap(np.array([[1.0]]), np.array([0]), seed=1) == [significance.Interval(1.0, 1.0, 1.0)]


@pytest.mark.parametrize(("fixed", "broke"), [(10, 3), (3, 10), (5, 5), (0, 6), (0, 0), (1, 0)])
def test_mcnemar_is_the_binomial_test(fixed, broke):
    total = fixed + broke
    tail = sum(comb(total, count) for count in range(min(fixed, broke) + 1)) / 2**total
    assert mcnemar(fixed, broke) == pytest.approx(min(1.0, 2 * tail))
