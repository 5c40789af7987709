"""The nearest vectors by cosine, found exactly in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from squad_albert.run_folder import RunError

Float32 = NDArray[np.float32]
Found = tuple[NDArray[np.int64], Float32]

_BLOCK_ENTRIES = 1 << 25  # similarities held at once: 128 MiB
_STRIPES = 32  # columns that one maximum stands for
_NOISE = np.float32(1e-5)  # more than two float32 products of unit vectors can differ by rounding
_SPARE = 64  # candidates kept beyond those wanted where very many vectors are the same but for noise


def nearest(vectors: Float32, k: int, rows: NDArray[np.integer] | None = None) -> tuple[NDArray[np.int64], Float32]:
    """The ``k`` vectors of the highest cosine for each row, found exactly.

    A block of rows is multiplied with all vectors in float32, so memory is bounded; what may be among the
    nearest is then measured in float64, so that the result depends neither on the blocks nor on the processor's
    order of summing. Of equal similarities the one of the lower index comes first. A vector of zeros has
    similarity 0 to all.

    Args:
        vectors: float [N, H]; may be memory-mapped.
        k: neighbours wanted; where there are fewer others, all of them come.
        rows: int [R], the rows whose neighbours are wanted; default: every row.

    Returns:
        Indices int64 and cosines float32, both [R, min(k, N - 1)], the nearest first, never the row itself.

    Raises:
        RunError: if a vector is not finite.
        ValueError: if ``k`` is below 1 or ``vectors`` has not two dimensions.

    Example:
        >>> indices, cosines = nearest(np.array([[1, 0], [0, 3], [5, 5]], np.float32), k=2)
        >>> indices.tolist(), np.rint(100 * cosines).tolist()
        ([[2, 1], [2, 0], [0, 1]], [[71.0, 0.0], [71.0, 0.0], [71.0, 71.0]])
    """
    if k < 1 or vectors.ndim != 2:
        raise ValueError(f"k is {k} and vectors have the shape {vectors.shape}; k must be 1 or more, vectors [N, H]")
    count = len(vectors)
    wanted = np.arange(count) if rows is None else np.asarray(rows, np.int64)
    k = min(k, max(count - 1, 0))
    indices, similarities = np.empty((len(wanted), k), np.int64), np.empty((len(wanted), k), np.float32)
    if not k:
        return indices, similarities
    units = _units(vectors)
    height = max(1, _BLOCK_ENTRIES // count)
    for first in range(0, len(wanted), height):
        block = wanted[first : first + height]
        part = slice(first, first + len(block))
        indices[part], similarities[part] = _nearest_of_block(units, block, k)
    return indices, similarities


def cosines(vectors: Float32, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """The cosine of each pair of rows, float64 [P]; 0 where a vector is zero.

    Args:
        vectors: float [N, H].
        left: int64 [P], rows.
        right: int64 [P], rows.

    Raises:
        RunError: if a vector is not finite.

    >>> cosines(np.array([[1, 0], [0, 3], [0, 5]], np.float32), np.array([0, 1]), np.array([1, 2])).tolist()
    [0.0, 1.0]
    """
    return _exact(_units(vectors), left, right)


def _units(vectors: Float32) -> Float32:
    """The vectors at length 1, float32 [N, H]; zeros stay zeros."""
    units = np.empty(vectors.shape, np.float32)
    for part in _parts(len(vectors), max(1, _BLOCK_ENTRIES // max(vectors.shape[1], 1) // 4)):
        exact = np.asarray(vectors[part], np.float64)
        odd = np.flatnonzero(~np.isfinite(exact).all(axis=1))
        if len(odd):
            raise RunError(
                f"the latent vector of row {part.start + odd[0]} is not finite. "
                "The model gives NaN or infinity there; mend the model, then make the run again."
            )
        exact /= np.maximum(np.abs(exact).max(axis=1, initial=0), np.finfo(np.float64).tiny)[:, None]
        length = np.linalg.norm(exact, axis=1)
        units[part] = exact / np.where(length > 0, length, 1)[:, None]
    return units


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, count)) for first in range(0, count, size))


def _nearest_of_block(units: Float32, block: NDArray[np.int64], k: int) -> tuple[NDArray[np.int64], Float32]:
    rough = units[block] @ units.T
    rough[np.arange(len(block)), block] = -np.inf
    row, column = _candidates(rough, k)
    cosine = _exact(units, block[row], column)
    order = np.lexsort((column, -cosine, row))
    row, column, cosine = row[order], column[order], cosine[order]
    best = (np.searchsorted(row, np.arange(len(block)))[:, None] + np.arange(k)).ravel()
    shape = len(block), k
    return column[best].reshape(shape), cosine[best].astype(np.float32).reshape(shape)


def _candidates(rough: Float32, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of all that may be among the nearest, int64 [C] both, at least ``k`` a row."""
    near = rough >= (_lower_bound(rough, k) - _NOISE)[:, None]
    most = 4 * k + _SPARE
    crowded = np.flatnonzero(near.sum(axis=1) > most)
    near[crowded] = False
    row, column = np.nonzero(near)
    if not len(crowded):
        return row, column
    # Masses of vectors are the same but for noise: of these the ones of lower index.
    keys = np.round(np.maximum(rough[crowded], -2) / _NOISE).astype(np.int64) * rough.shape[1]
    keys -= np.arange(rough.shape[1])
    first = np.argpartition(keys, -most, axis=1)[:, -most:]
    return np.concatenate([row, np.repeat(crowded, most)]), np.concatenate([column, first.ravel()])


def _lower_bound(rough: Float32, k: int) -> Float32:
    """A value that at least ``k`` entries of each row reach, float32 [B]: as a rule few more than ``k`` do."""
    rows, count = rough.shape
    stripes = count // _STRIPES
    if stripes >= 2 * k:  # the maximum of each stripe is much faster to find than the order of all
        rough = rough[:, : stripes * _STRIPES].reshape(rows, _STRIPES, stripes).max(axis=1)
    return np.partition(rough, -k, axis=1)[:, -k]


def _exact(units: Float32, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosines in float64 of pairs of rows, each pair summed in the same order wherever it comes."""
    cosines = np.empty(len(left))
    for part in _parts(len(left), max(1, _BLOCK_ENTRIES // units.shape[1] // 4)):
        cosines[part] = (units[left[part]].astype(np.float64) * units[right[part]]).sum(axis=1)
    return cosines
