"""Shares and entropy of attention, on weights whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from squad_albert.explore.attention_measures import NEAR, SHARES, Parts, chances, entropy, shares

IDS = np.array([2, 11, 12, 13, 3, 12, 14, 15, 14, 3], np.int32)  # [CLS] a b c [SEP] b d e d [SEP]
PARTS = Parts(slice(1, 4), slice(5, 9), slice(6, 8))
SIZE = len(IDS)


def moved(step: int) -> np.ndarray:
    """Every token attends to the one that many places on, in two layers of one head."""
    return np.broadcast_to(np.eye(SIZE, k=step, dtype=np.float32), (2, 1, SIZE, SIZE))


def to(*tokens: int) -> np.ndarray:
    weights = np.zeros((2, 1, SIZE, SIZE), np.float32)
    weights[..., list(tokens)] = 1 / len(tokens)
    return weights


def test_names_and_shapes() -> None:
    found = shares(to(0), IDS, PARTS)
    assert tuple(found) == SHARES
    assert {value.shape for value in found.values()} == {(2, 1)}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (to(6, 7), {"question_to_answer": 1, "question_to_context": 1, "answer_to_question": 0, "special": 0}),
        (to(5, 7), {"question_to_answer": 0.5, "question_to_context": 1, "context_to_question": 0}),
        (to(1, 6), {"answer_to_question": 0.5, "context_to_question": 0.5, "question_to_answer": 0.5}),
        (to(0, 4, 9), {"special": 1, "question_to_context": 0, "question_to_answer": 0}),
        (moved(-1), {"previous": 0.9, "before": 0.9, "next": 0, "after": 0, "itself": 0}),
        (moved(2), {"next": 0, "after": 0.8, "before": 0}),
        (moved(-NEAR - 1), {"previous": 0, "before": 0}),
        (moved(0), {"itself": 1, "before": 0, "after": 0, "same_token": 0}),
        (to(5), {"same_token": 1 / 4}),  # of the two b and the two d, one b attends to the other
    ],
)
def test_shares_of_known_weights(weights: np.ndarray, expected: dict[str, float]) -> None:
    found = shares(weights, IDS, PARTS)
    for name, value in expected.items():
        assert found[name][1, 0] == pytest.approx(value, abs=1e-6), name


def test_without_an_answer_or_a_token_twice_there_is_nothing_to_measure() -> None:
    found = shares(to(0), np.arange(SIZE, dtype=np.int32), PARTS._replace(answer=None))
    empty = {name for name, value in found.items() if np.isnan(value).all()}
    assert empty == {"question_to_answer", "answer_to_question", "same_token"}
    assert not any(np.isnan(found[name]).any() for name in set(SHARES) - empty)


def test_special_tokens_are_no_same_tokens() -> None:
    assert shares(moved(5), np.array([3, 1, 2, 4, 5, 3, 6, 7, 8, 9], np.int32), Parts(slice(1, 4), slice(6, 9), None))[
        "same_token"
    ].shape == (2, 1)
    ids = np.array([3, 11, 12, 13, 3, 14, 15, 16, 17, 3], np.int32)
    assert np.isnan(shares(to(0), ids, PARTS)["same_token"]).all()


def test_chances_are_the_shares_of_even_attention() -> None:
    found = chances(IDS, PARTS)
    assert found["question_to_context"] == pytest.approx(0.4)
    assert found["question_to_answer"] == pytest.approx(0.2)
    assert found["special"] == pytest.approx(0.3)
    assert found["same_token"] == pytest.approx(0.1)
    assert found["previous"] == pytest.approx(0.09)


def test_entropy() -> None:
    assert entropy(to(3)).tolist() == [[0.0], [0.0]]
    assert entropy(to(1, 2, 5, 6))[0, 0] == pytest.approx(2)
    weights = np.random.default_rng(1).dirichlet(np.ones(SIZE), (3, 2, SIZE)).astype(np.float32)
    expected = -(weights * np.log2(weights)).sum(axis=-1).mean(axis=-1)
    np.testing.assert_allclose(entropy(weights), expected, rtol=1e-4)
