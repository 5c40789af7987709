from __future__ import annotations

import subprocess

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


@pytest.fixture
def drawn(monkeypatch):
    """Instead of UMAP the start itself; of how many points."""
    counts = []

    def run(command, *, check):
        with np.load(f"{command[-1]}/given.npz") as given:
            counts.append(len(given["indices"]))
            np.save(f"{command[-1]}/plane.npy", given["start"].astype(np.float32))

    monkeypatch.setattr(embed.subprocess, "run", run)
    return counts


def own_group_is_nearest(plane, groups):
    away = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(away, np.inf)
    return (groups[away.argmin(axis=1)] == groups).mean()


def test_it_keeps_neighbours_together_quietly_and_the_seed_decides(blobs, capfd):
    points, groups = blobs
    plane = umap_plane(points, 7)
    assert plane.shape == (90, 2)
    assert plane.dtype == np.float32
    assert np.isfinite(plane).all()
    assert own_group_is_nearest(plane, groups) == 1
    np.testing.assert_array_equal(umap_plane(points, 7), plane)
    assert capfd.readouterr() == ("", "")


def test_another_seed_draws_another_map(blobs, drawn):
    assert not np.allclose(umap_plane(blobs[0], 7), umap_plane(blobs[0], 8))


def test_what_is_not_fitted_is_placed_among_its_neighbours(blobs, drawn, monkeypatch):
    points, groups = blobs
    monkeypatch.setattr(embed, "FITTED", 60)
    plane = umap_plane(points, 7)
    assert drawn == [60]
    assert np.isfinite(plane).all()
    assert own_group_is_nearest(plane, groups) > 0.95


def test_points_that_coincide_have_places_all_the_same():
    assert np.isfinite(umap_plane(np.zeros((20, 2), np.float32), 7)).all()


def test_a_drawing_that_fails_is_no_map(blobs, monkeypatch, tmp_path):
    (tmp_path / "process.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(embed, "_PROCESS", tmp_path / "process.py")
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        umap_plane(blobs[0], 7)
