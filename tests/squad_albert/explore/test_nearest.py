from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from squad_albert.explore import nearest as module
from squad_albert.explore.nearest import cosines, nearest
from squad_albert.run_folder import RunError


def by_hand(vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The same by the definition: every cosine in float64, all sorted."""
    exact = vectors.astype(np.float64)
    length = np.linalg.norm(exact, axis=1, keepdims=True)
    exact = exact / np.where(length > 0, length, 1)
    every = (exact[:, None] * exact[None]).sum(axis=2)
    np.fill_diagonal(every, -np.inf)
    order = np.argsort(-every, axis=1, kind="stable")[:, : min(k, len(vectors) - 1)]
    return order, np.take_along_axis(every, order, axis=1)


def some_vectors(count: int, width: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


@given(count=st.integers(1, 70), width=st.integers(1, 9), k=st.integers(1, 80), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_equals_the_definition(count, width, k, seed):
    vectors = some_vectors(count, width, seed)
    indices, similarities = nearest(vectors, k)
    _, wanted = by_hand(vectors, k)
    assert similarities.shape == wanted.shape
    np.testing.assert_allclose(similarities, wanted, atol=1e-6)
    np.testing.assert_allclose(cosines(vectors, *pairs(indices)), wanted.ravel(), atol=1e-6)
    assert all(len(set(row) | {place}) == len(row) + 1 for place, row in enumerate(indices.tolist()))


def pairs(indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.repeat(np.arange(len(indices)), indices.shape[1]), indices.ravel()


def test_equals_the_definition_where_stripes_are_used():
    vectors = some_vectors(900, 12, seed=1)
    indices, similarities = nearest(vectors, 5)
    wanted, wanted_similarities = by_hand(vectors, 5)
    np.testing.assert_array_equal(indices, wanted)
    np.testing.assert_allclose(similarities, wanted_similarities, atol=1e-6)


@pytest.mark.parametrize("copies", [3, 400])  # few, and so many that they crowd a row
def test_of_equal_vectors_the_first_come_first(copies):
    vectors = np.concatenate([some_vectors(30, 7, seed=2), np.repeat(some_vectors(1, 7, seed=3), copies, axis=0)])
    indices, similarities = nearest(vectors, 6)
    equal = list(range(30, 30 + copies))
    for row in equal[:5]:
        others = [other for other in equal if other != row][:6]
        assert indices[row, : len(others)].tolist() == others
        assert similarities[row, : len(others)].tolist() == [1.0] * len(others)
    for row in range(30):  # equal similarities come in the order of the rows
        places = [place for place in indices[row].tolist() if place in equal]
        assert places == equal[: len(places)]


def test_blocks_do_not_matter(monkeypatch):
    vectors = np.repeat(some_vectors(150, 33, seed=4), 2, axis=0)
    indices, similarities = nearest(vectors, 9)
    rows = np.array([7, 299, 7, 0])
    some = nearest(vectors, 9, rows)
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 1)
    for one, other in ((nearest(vectors, 9), (indices, similarities)), (some, (indices[rows], similarities[rows]))):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_a_zero_vector_is_like_none():
    vectors = np.array([[0, 0], [1, 0], [-1, 0], [0, 0]], np.float32)
    indices, similarities = nearest(vectors, 3)
    assert indices.tolist() == [[1, 2, 3], [0, 3, 2], [0, 3, 1], [0, 1, 2]]
    assert similarities.tolist() == [[0, 0, 0], [0, 0, -1], [0, 0, -1], [0, 0, 0]]


def test_length_does_not_matter():
    vectors = some_vectors(40, 5, seed=5)
    scale = np.logspace(-30, 30, 40)[:, None].astype(np.float32)
    np.testing.assert_array_equal(nearest(vectors * scale, 4)[0], nearest(vectors, 4)[0])


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_be_near_to(count):
    indices, similarities = nearest(np.ones((count, 3), np.float32), 5)
    assert indices.shape == similarities.shape == (count, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(bad):
    vectors = some_vectors(6, 3, seed=6)
    vectors[4, 1] = bad
    with pytest.raises(RunError, match=r"row 4 is not finite.*make the run again"):
        nearest(vectors, 2)


def test_arguments_that_make_no_sense():
    with pytest.raises(ValueError, match="k is 0"):
        nearest(np.ones((3, 2), np.float32), 0)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        nearest(np.ones(3, np.float32), 1)


def test_memory_mapped_vectors(tmp_path):
    vectors = some_vectors(50, 6, seed=7)
    np.save(tmp_path / "latent.npy", vectors)
    mapped = np.load(tmp_path / "latent.npy", mmap_mode="r")
    np.testing.assert_array_equal(nearest(mapped, 3)[0], nearest(vectors, 3)[0])
