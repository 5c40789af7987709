from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from project_config import Settings
from squad_albert.explore import latent
from squad_albert.explore.latent import MOST_DIMENSIONS, nearest_points, space
from tests.tiny_run import tiny_run


def run_with(vectors):
    run = tiny_run(questions=len(vectors))
    return replace(run, vectors=run.vectors | {"answer": np.asarray(vectors, np.float32)})


def distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def test_it_is_a_rotation_of_the_standardised_vectors():
    vectors = np.random.default_rng(7).normal([5, -3, 0], [0.1, 10, 1], (40, 3)) @ [[1, 0, 1], [0, 1, 1], [0, 0, 1]]
    found = space(run_with(vectors), Settings())
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    assert found.empty is None
    assert found.points.dtype == np.float32
    assert found.kept == pytest.approx(1)
    np.testing.assert_allclose(distances(found.points), distances(standard), atol=1e-4)
    covariance = np.cov(found.points.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)  # uncorrelated
    assert list(np.diag(covariance)) == sorted(np.diag(covariance), reverse=True)  # the widest spread first


def test_no_dimension_counts_more_for_its_unit():
    vectors = np.random.default_rng(7).normal(size=(40, 4))
    found, scaled = (space(run_with(values), Settings()) for values in (vectors, vectors * [1, 1000, 0.001, 7] + 3))
    np.testing.assert_allclose(found.points, scaled.points, atol=1e-3)


def test_many_dimensions_are_cut_and_the_share_kept_is_told():
    vectors = np.random.default_rng(7).normal(size=(200, 80))
    found = space(run_with(vectors), Settings())
    assert found.points.shape == (200, MOST_DIMENSIONS)
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    assert found.kept == pytest.approx((found.points**2).sum() / (standard**2).sum(), abs=1e-4)
    assert 0.7 < found.kept < 0.95


def test_blocks_change_nothing(monkeypatch):
    run = tiny_run(questions=50)
    whole = space(run, Settings())
    monkeypatch.setattr(latent, "_BLOCK", 7)
    np.testing.assert_allclose(space(run, Settings()).points, whole.points, atol=1e-4)


def test_the_setting_chooses_the_vectors():
    run = tiny_run(questions=30)
    chosen = [space(run, Settings(latent=name)).points for name in ("cls", "answer", "context")]
    assert not any(np.allclose(chosen[a], chosen[b]) for a, b in ((0, 1), (1, 2), (0, 2)))


@pytest.mark.parametrize("vectors", [np.full((9, 4), 0.3), np.outer(np.arange(9), [1, 2, 0, -1]), np.ones((1, 4))])
def test_flat_vectors_still_have_a_plane(vectors):
    found = space(run_with(vectors), Settings())
    assert found.points.shape == (len(vectors), 2)
    assert np.isfinite(found.points).all()
    assert not found.points[:, 1].any()
    assert found.kept == pytest.approx(float(np.ptp(vectors[:, 0]) > 0))


def test_without_good_vectors_it_says_what_is_missing():
    lacking = space(tiny_run(model=False), Settings())
    assert lacking.points.shape == (0, 2)
    assert "without a model" in lacking.empty
    spoilt = np.ones((20, 4))
    spoilt[3, 1] = np.nan
    assert "not finite" in space(run_with(spoilt), Settings()).empty


def test_nearest_points_are_the_nearest():
    rng = np.random.default_rng(7)
    queries, points = (rng.normal(size=(count, 5)).astype(np.float32) for count in (9, 60))
    indices, found = nearest_points(queries, points, 4)
    true = np.linalg.norm(queries[:, None] - points[None], axis=-1)
    np.testing.assert_array_equal(indices, np.argsort(true, axis=1)[:, :4])
    np.testing.assert_allclose(found, np.sort(true, axis=1)[:, :4], rtol=1e-5)
