from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from squad_albert.explore import density
from squad_albert.explore.density import NONE, dense_clusters, nearest_centre, smallest_cluster


def blobs(sizes, spread=0.3, seed=7):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.eye(len(sizes), 6) * 20
    return (centres[groups] + rng.normal(0, spread, (len(groups), 6))).astype(np.float32), groups


def test_dense_regions_are_clusters_the_largest_first():
    points, groups = blobs([20, 60, 30])
    far = np.random.default_rng(7).uniform(-200, 200, (6, 6)).astype(np.float32)
    labels = dense_clusters(np.concatenate([points, far]), 7)
    for group, cluster in enumerate([2, 0, 1]):
        assert set(labels[:110][groups == group]) <= {cluster, NONE}
        assert (labels[:110][groups == group] == cluster).mean() > 0.9
    assert set(labels[110:]) == {NONE}
    np.testing.assert_array_equal(dense_clusters(np.concatenate([points, far]), 7), labels)


def test_what_is_not_fitted_joins_its_nearest(monkeypatch):
    points, groups = blobs([200, 100, 60])
    monkeypatch.setattr(density, "FITTED", 120)
    labels = dense_clusters(points, 7)
    for group in range(3):
        assert (labels[groups == group] == group).mean() > 0.8
        assert set(labels[groups == group]) <= {group, NONE}


@pytest.mark.parametrize("count", [0, 1, 9])
def test_few_points_are_in_no_cluster(count):
    assert dense_clusters(np.zeros((count, 2), np.float32), 7).tolist() == [NONE] * count


def test_points_that_all_coincide_are_no_two_regions():
    assert set(dense_clusters(np.zeros((30, 2), np.float32), 7)) == {NONE}


def test_larger_runs_have_larger_clusters_but_not_in_proportion():
    sizes = [smallest_cluster(10**power) for power in range(1, 7)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 5
    assert all(after <= 4 * before for before, after in pairwise(sizes))


def test_those_nearest_the_centre_come_first():
    points = np.array([[0, 0], [9, 9], [4, 0], [1, 0], [9, 8], [-3, 0], [50, 50]], np.float32)
    labels = np.array([0, 1, 0, 0, 1, 0, NONE])
    first, second = nearest_centre(points, labels, 2)
    assert first.tolist() == [0, 3]  # the centre is (0.5, 0)
    assert sorted(second.tolist()) == [1, 4]
    assert nearest_centre(points, np.full(7, NONE), 2) == []


def test_a_cluster_of_nearly_everything_is_taken_apart() -> None:
    draw = np.random.default_rng(5)
    near = [draw.normal([8 * at, 0], 1, (40, 2)) for at in range(5)]
    far = draw.normal([0, 400], 1, (20, 2))
    labels = dense_clusters(np.concatenate([*near, far]).astype(np.float32), 7)
    assert len(set(labels[:200].tolist()) - {NONE}) >= 4
    assert np.bincount(labels[labels >= 0]).max() <= 0.25 * len(labels)


def test_of_clusters_of_one_size_that_of_the_first_point_comes_first():
    points = np.repeat(np.float32([[9, 9], [0, 0], [-9, 5]]), 8, axis=0) + draws(24) * np.float32(0.01)
    for order in (np.arange(24), np.arange(24)[::-1]):
        assert dense_clusters(points[order], 7).tolist() == [0] * 8 + [1] * 8 + [2] * 8


def draws(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32)
