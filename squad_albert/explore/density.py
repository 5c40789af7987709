"""Clusters as dense regions, by HDBSCAN.

HDBSCAN takes time with the square of the points. So up to ``FITTED`` of them are clustered, and each other one joins
what its nearest fitted point belongs to, a cluster or none.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .latent import Float32, nearest_points

FITTED = 20_000
NONE = -1
"""The cluster of points in no dense region."""

_LEAST = 5  # points in a cluster
_NEARLY_ALL = 0.6  # the share of all points with which a cluster says nothing, and all are clustered more finely
_FINER = 0.25  # the largest share of a cluster then
_DIGITS = 3  # decimals of distances that count in a ranking
_CORE = 2  # points that make a region dense, the point itself among them; more of them leave too many outside


def smallest_cluster(count: int) -> int:
    """How many of ``count`` points make a cluster, at least.

    >>> [smallest_cluster(count) for count in (60, 600, 6_000, 100_000)]
    [5, 8, 26, 105]
    """
    return max(_LEAST, round(math.sqrt(count) / 3))


def dense_clusters(points: Float32, seed: int) -> NDArray[np.int64]:
    """The cluster of each point, int64 [N]: 0 is the largest, ``NONE`` for points in no dense region.

    Args:
        points: float32 [N, D]; of fewer than two clusters' worth of points, none is in a cluster.
        seed: of the draw of those that are fitted.
    """
    least = smallest_cluster(len(points))
    if len(points) < 2 * least:
        return np.full(len(points), NONE)
    fitted = np.random.default_rng(seed).permutation(len(points))[:FITTED]
    least = max(_LEAST, round(least * len(fitted) / len(points)))
    found = _found(points[fitted], least)
    labels = np.empty(len(points), np.int64)
    labels[fitted] = found
    rest = np.setdiff1d(np.arange(len(points)), fitted)
    if len(rest):
        labels[rest] = found[nearest_points(points[rest], points[fitted], 1)[0][:, 0]]
    return _by_size(labels)


def _found(points: Float32, least: int) -> NDArray[np.int64]:
    from sklearn.cluster import HDBSCAN

    shape = {"min_cluster_size": least, "min_samples": _CORE, "copy": True}
    found: NDArray[np.int64] = HDBSCAN(**shape).fit_predict(points)
    if np.bincount(found[found >= 0], minlength=1).max() > _NEARLY_ALL * len(points):
        found = HDBSCAN(**shape, max_cluster_size=round(_FINER * len(points))).fit_predict(points)
    return found


def nearest_centre(points: Float32, labels: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """For each cluster in order, the rows of those of its points that are nearest its centre, the nearest first.

    Args:
        points: float32 [N, D].
        labels: int64 [N], the clusters 0, 1, ..., or ``NONE``.
        most: how many of each are wanted.
    """
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(labels.max(initial=NONE) + 2))
    nearest = []
    for start, stop in pairwise(bounds):
        rows = order[start:stop]
        distances = np.linalg.norm(points[rows] - points[rows].mean(axis=0), axis=1).round(_DIGITS)
        nearest.append(rows[np.argsort(distances, kind="stable")[:most]])
    return nearest


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    found, first = np.unique(labels[labels >= 0], return_index=True)
    sizes = np.bincount(labels[labels >= 0])
    rank = np.empty(len(sizes) + 1, np.int64)
    rank[found[np.lexsort((first, -sizes))]] = np.arange(len(sizes))  # of equal sizes, that of the first point
    rank[NONE] = NONE
    return rank[labels]
