"""The latent space that the map, the clusters and their composition share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from project_config import Settings
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MOST_DIMENSIONS = 50
"""Principal components that are kept."""

VECTORS_OF = {"cls": "[CLS]", "context": "the contexts", "answer": "the answers given"}
"""What the latent vectors of each name stand for."""

_BLOCK = 8192  # vectors that are standardised at once
_NEGLIGIBLE = 1e-6  # share of the largest variance below which a component is rounding


@dataclass(frozen=True, eq=False)
class Space:
    """The vectors of a run, standardised, in the coordinates of their principal components."""

    points: Float32  # [Q, D], D from 2 to MOST_DIMENSIONS, the widest spread first; [0, 2] where there are no vectors
    kept: float = 0.0  # share of the standardised variance that the D components hold
    empty: str | None = None  # why there are no vectors, and what to do about it


def space(run: RunTables, settings: Settings) -> Space:
    """The space of the chosen latent vectors; without points where the run has no vectors, or some not finite.

    Each dimension is standardised, so that none counts more for its unit. The components are those of the exact
    covariance, so that nothing is drawn; the largest loading of each is positive.

    Args:
        run: a run.
        settings: ``latent``.
    """
    try:
        vectors = run.latent(settings.latent)
    except RunError as error:
        return Space(np.zeros((0, 2), np.float32), empty=str(error))
    mean, scale = _moments(vectors)
    covariance = np.zeros((vectors.shape[1],) * 2)
    for block in _blocks(vectors):
        standard = ((block - mean) / scale).astype(np.float32)
        covariance += standard.T @ standard
    axes, kept = _principal_axes(covariance)
    parts = [(((block - mean) / scale) @ axes).astype(np.float32) for block in _blocks(vectors)]
    return Space(np.concatenate(parts), kept)


def nearest_points(queries: Float32, points: Float32, count: int) -> tuple[NDArray[np.int64], Float32]:
    """The nearest points to each query, found exactly.

    Args:
        queries: float32 [M, D].
        points: float32 [N, D], N at least ``count``.
        count: how many are wanted.

    Returns:
        Indices int64 and distances float32, both [M, count], the nearest first.

    >>> indices, distances = nearest_points(np.zeros((1, 2), np.float32), np.eye(2, dtype=np.float32) * [[3], [2]], 2)
    >>> indices.tolist(), distances.tolist()
    ([[1, 0]], [[2.0, 3.0]])
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points)
    distances, indices = index.kneighbors(queries)
    return indices, distances.astype(np.float32)


def _blocks(vectors: Float32) -> Iterator[Float32]:
    return (vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK))


def _moments(vectors: Float32) -> tuple[Float64, Float64]:
    """Mean and standard deviation of each dimension; 1 for one that never changes, which then stays at zero."""
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in _blocks(vectors)) / len(vectors)
    squares = sum(((block - mean) ** 2).sum(axis=0) for block in _blocks(vectors))
    scale = np.sqrt(squares / len(vectors))
    return mean, np.where(scale > _NEGLIGIBLE * np.maximum(np.abs(mean), 1e-30), scale, 1.0)


def _principal_axes(covariance: Float64) -> tuple[Float64, float]:
    """The axes as columns [H, D], and the share of the variance along them; a missing second axis is zero."""
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    used = int((variances[:MOST_DIMENSIONS] > _NEGLIGIBLE * variances[0]).sum())
    axes = axes[:, :used]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(used)])
    total = variances.sum()
    padding = np.zeros((len(axes), max(0, 2 - used)))
    return np.hstack([axes, padding]), float(variances[:used].sum() / total) if total > 0 else 0.0
