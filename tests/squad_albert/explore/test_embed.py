from __future__ import annotations

import sys
from contextlib import contextmanager

import numpy as np
import pytest

from squad_albert.explore import embed
from squad_albert.explore.embed import umap_plane


@pytest.fixture(scope="module")
def blobs():
    """Three groups of 30 points in ten dimensions, and which is whose."""
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(3), 30)
    centres = rng.normal(0, 8, (3, 10))
    return (centres[groups] + rng.normal(size=(90, 10))).astype(np.float32), groups


def own_group_is_nearest(plane, groups):
    away = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(away, np.inf)
    return (groups[away.argmin(axis=1)] == groups).mean()


def test_it_keeps_neighbours_together_and_the_seed_decides(blobs):
    points, groups = blobs
    plane = umap_plane(points, 7)
    assert plane.shape == (90, 2)
    assert plane.dtype == np.float32
    assert np.isfinite(plane).all()
    assert own_group_is_nearest(plane, groups) == 1
    np.testing.assert_array_equal(umap_plane(points, 7), plane)
    assert not np.allclose(umap_plane(points, 8), plane)


def test_umap_is_imported_without_greetings(blobs, monkeypatch):
    inside = []

    @contextmanager
    def quiet():
        inside.append("umap" in sys.modules)
        yield
        inside.append("umap" in sys.modules)

    monkeypatch.setattr(embed, "quiet_tensorflow", quiet)
    umap_plane(blobs[0], 7)
    assert inside[1:] == [True]


def test_what_is_not_fitted_is_placed_among_its_neighbours(blobs, monkeypatch):
    points, groups = blobs
    monkeypatch.setattr(embed, "FITTED", 60)
    fitted = []
    monkeypatch.setattr(
        embed, "_fit", lambda chosen, draw, fit=embed._fit: fitted.append(len(chosen)) or fit(chosen, draw)
    )
    plane = umap_plane(points, 7)
    assert fitted == [60]
    assert np.isfinite(plane).all()
    assert own_group_is_nearest(plane, groups) == 1


@pytest.mark.parametrize("points", [np.zeros((20, 2)), np.repeat(np.eye(2), 10, axis=0)])
def test_points_that_coincide_have_places_all_the_same(points):
    assert np.isfinite(umap_plane(points.astype(np.float32), 7)).all()
