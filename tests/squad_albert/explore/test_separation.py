from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from squad_albert.explore.separation import _auc, _Fold, separation


def population(seed, titles=40, each=6, shift=0.0, of_title=1.0):
    """Questions of titles that each lie in a place of their own; every other title is of the second split."""
    rng = np.random.default_rng(seed)
    title = np.repeat(np.arange(titles), each)
    second = title % 2 == 1
    points = rng.normal(0, of_title, (titles, 5))[title] + rng.normal(size=(len(title), 5))
    points[:, 0] += shift * second
    return points.astype(np.float32), second, pd.Series([f"title {number}" for number in title])


def test_it_grows_with_the_distance():
    found = [separation(*population(7, shift=shift), seed=7) for shift in (0.0, 1.5, 8.0)]
    assert found[0].low <= 0.5 <= found[0].high
    assert found[1].low > 0.5
    assert found[0].auc < found[1].auc < found[2].auc
    assert found[2].low > 0.98
    assert all(one.low <= one.auc <= one.high <= 1 and one.folds == 5 for one in found)


def test_articles_that_lie_apart_are_no_difference_between_splits():
    """A classifier that knew each article by its other questions would tell the splits apart with certainty."""
    found = [separation(*population(seed, of_title=10.0), seed=7) for seed in range(6)]
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.8
    assert max(one.auc for one in found) < 0.75


def test_the_interval_is_wider_with_fewer_titles():
    few, many = (separation(*population(7, titles=titles, each=each), 7) for titles, each in ((10, 40), (200, 2)))
    assert few.high - few.low > 1.5 * (many.high - many.low)


def test_the_seed_decides():
    data = population(7, shift=1.0)
    assert separation(*data, seed=3) == separation(*data, seed=3)
    assert separation(*data, seed=3) != separation(*data, seed=4)


@pytest.mark.parametrize("titles", [2, 3])
def test_one_title_of_a_split_is_too_little(titles):
    assert separation(*population(7, titles=titles), seed=7) is None


def test_the_same_points_everywhere_are_not_told_apart():
    points, second, titles = population(7)
    found = separation(np.zeros_like(points), second, titles, 7)
    assert (found.auc, found.low, found.high) == (0.5, 0.5, 0.5)


def test_pairs_are_those_within_a_fold_and_count_by_their_titles():
    rng = np.random.default_rng(7)
    scores, second, title = rng.integers(0, 9, (2, 30)), rng.random((2, 30)) < 0.4, rng.integers(0, 5, (2, 30))
    folds = [
        _Fold(np.unique(one, return_inverse=True)[1], kind, name)
        for one, kind, name in zip(scores, second, title, strict=True)
    ]
    weight = np.array([1, 0, 3, 2, 1])
    pairs = [kind @ weight[name] * (~kind @ weight[name]) for kind, name in zip(second, title, strict=True)]
    single = [
        roc_auc_score(kind, one, sample_weight=weight[name])
        for one, kind, name in zip(scores, second, title, strict=True)
    ]
    assert _auc(folds[:1], np.ones(5)) == pytest.approx(roc_auc_score(second[0], scores[0]))
    assert _auc(folds, weight) == pytest.approx(np.average(single, weights=pairs))
