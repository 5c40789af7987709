"""A map of many dimensions on a plane, by UMAP.

Up to ``FITTED`` points are fitted, whatever there is of them, so that time stays nearly linear; the others are placed
among the nearest of those. Neighbours are found exactly, so that the same seed gives the same map on the same machine
(not on another one: keep the coordinates).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utils.files import scratch_folder

from .latent import Float32, nearest_points

FITTED = 20_000
NEIGHBOURS = 15
"""Neighbours of a point that UMAP tries to keep beside it, the point itself among them."""

_PROCESS = Path(__file__).with_name("umap_process.py")
_PLACED_BY = 3  # fitted neighbours that a further point is placed between


def umap_plane(points: Float32, seed: int) -> Float32:
    """Coordinates on a plane, float32 [N, 2], all finite.

    Args:
        points: float32 [N, D], N at least ``NEIGHBOURS``, their first two dimensions those of the widest spread.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    fitted = np.arange(len(points))
    if len(points) > FITTED:
        fitted = np.sort(draw.choice(len(points), FITTED, replace=False))
    plane = np.empty((len(points), 2), np.float32)
    plane[fitted] = _fit(points[fitted], draw)
    rest = np.setdiff1d(np.arange(len(points)), fitted)
    if len(rest):
        plane[rest] = _between(points[rest], points[fitted], plane[fitted])
    return plane


def _fit(points: Float32, draw: np.random.Generator) -> Float32:
    indices, distances = nearest_points(points, points, NEIGHBOURS)
    seed = int(draw.integers(2**31))
    with scratch_folder("squad-albert-umap") as scratch:
        given, start = scratch / "given.npz", _start(points, draw)
        np.savez(given, indices=indices, distances=distances, start=start, seed=np.int64(seed))
        subprocess.run([sys.executable, "-P", str(_PROCESS), str(scratch)], check=True)
        plane: Float32 = np.load(scratch / "plane.npy")
    return plane


def _start(points: Float32, draw: np.random.Generator) -> NDArray[np.float64]:
    """The principal components, which keep what lies far apart; with noise, so that no two points coincide."""
    spread = float(points[:, 0].std()) or 1.0
    return points[:, :2] + draw.normal(0, 1e-3 * spread, (len(points), 2))


def _between(points: Float32, fitted: Float32, plane: Float32) -> Float32:
    """Places points between those fitted ones that are nearest to them, the nearer the closer."""
    indices, distances = nearest_points(points, fitted, _PLACED_BY)
    weights = 1 / np.maximum(distances, 1e-6)
    weights /= weights.sum(axis=1, keepdims=True)
    placed: Float32 = (weights[:, :, None] * plane[indices]).sum(axis=1)
    return placed
