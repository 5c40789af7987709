"""What one window says about each layer and head: how narrowly it attends, and which tokens give how much to which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

NEAR = 5
"""Tokens to either side that count as near."""

SHARES = (
    "question_to_context", "question_to_answer", "answer_to_question", "context_to_question", "special", "previous",
    "next", "itself", "before", "after", "same_token",
)  # fmt: skip
"""Each the mean share of attention that some tokens give to others.

``special`` is what question and context give to special tokens, ``same_token`` what a token gives to others of the
same id, where there are any; ``before`` and ``after`` are the ``NEAR`` tokens there.
"""


class Parts(NamedTuple):
    """Tokens of a window, padding left out."""

    question: slice  # at least one token
    context: slice  # at least one token
    answer: slice | None  # None: there is none in this window


def shares(weights: Float, ids: NDArray[np.int32], parts: Parts) -> dict[str, Float]:
    """Every one of ``SHARES``, by layer and head.

    Args:
        weights: float32 [layers, heads, n, n], rows sum to 1.
        ids: token ids, int [n].
        parts: where question, context and answer are.

    Returns:
        Float32 [layers, heads] each; NaN where a window has no such tokens.
    """
    size = len(ids)
    text = np.zeros(size, np.bool_)
    text[parts.question] = text[parts.context] = True
    masks = np.zeros((size, 4), np.float32)
    masks[parts.question, 0] = masks[parts.context, 1] = masks[~text, 3] = 1
    if parts.answer:
        masks[parts.answer, 2] = 1
    to_question, to_context, to_answer, to_special = np.moveaxis(weights @ masks, -1, 0)
    nothing = np.full(weights.shape[:2], np.nan, np.float32)
    near = {step: np.diagonal(weights, step, -2, -1).sum(axis=-1) / size for step in range(-NEAR, NEAR + 1)}
    return {
        "question_to_context": to_context[..., parts.question].mean(axis=-1),
        "question_to_answer": to_answer[..., parts.question].mean(axis=-1) if parts.answer else nothing,
        "answer_to_question": to_question[..., parts.answer].mean(axis=-1) if parts.answer else nothing,
        "context_to_question": to_question[..., parts.context].mean(axis=-1),
        "special": to_special[..., text].mean(axis=-1),
        "previous": near[-1],
        "next": near[1],
        "itself": near[0],
        "before": sum(near[-step] for step in range(1, NEAR + 1)),
        "after": sum(near[step] for step in range(1, NEAR + 1)),
        "same_token": _to_same(weights, _same(ids, text)),
    }


def chances(ids: NDArray[np.int32], parts: Parts) -> dict[str, float]:
    """What every one of ``SHARES`` would be if each token attended to all alike.

    >>> ids = np.array([2, 9, 3, 7, 7, 3], np.int32)
    >>> found = chances(ids, Parts(slice(1, 2), slice(3, 5), slice(3, 4)))
    >>> {name: round(found[name], 2) for name in ("question_to_context", "question_to_answer", "same_token")}
    {'question_to_context': 0.33, 'question_to_answer': 0.17, 'same_token': 0.17}
    """
    size = len(ids)
    even = np.full((1, 1, size, size), 1 / size, np.float32)
    return {name: float(value[0, 0]) for name, value in shares(even, ids, parts).items()}


def entropy(weights: Float) -> Float:
    """The mean entropy of the rows in bits, float32 [layers, heads]; log2 of n if all tokens are attended to alike.

    Args:
        weights: float32 [layers, heads, n, n], rows sum to 1.

    >>> float(entropy(np.full((1, 1, 4, 4), 0.25, np.float32))[0, 0])
    2.0
    """
    logs = np.maximum(weights, np.finfo(np.float32).tiny)
    np.log2(logs, out=logs)
    total: Float = -np.einsum("lhij,lhij->lh", weights, logs) / weights.shape[-1]
    return total


def _same(ids: NDArray[np.int32], text: NDArray[np.bool_]) -> Float:
    """1 where two different tokens of question or context have the same id, float32 [n, n]."""
    same = (ids[:, None] == ids) & text[:, None] & text
    np.fill_diagonal(same, False)
    floats: Float = same.astype(np.float32)
    return floats


def _to_same(weights: Float, same: Float) -> Float:
    count = int(same.any(axis=1).sum())
    if not count:
        return np.full(weights.shape[:2], np.nan, np.float32)
    total: Float = np.einsum("lhij,ij->lh", weights, same) / count
    return total
