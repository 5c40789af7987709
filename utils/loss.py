"""The loss: how unlikely a model finds the gold start and end tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


def span_cross_entropy(logits: NDArray[Any], start: NDArray[Any], end: NDArray[Any]) -> Float32:
    """Cross-entropy of the start token plus that of the end token.

    Args:
        logits: float [B, L, 2] of any precision, start and end.
        start: one-hot [B, L].
        end: one-hot [B, L].

    Returns:
        float32 [B].

    Example:
        >>> logits = np.zeros((1, 4, 2), np.float16)
        >>> first = np.eye(4)[:1]
        >>> span_cross_entropy(logits, first, first).round(3)  # 2 ln 4
        array([2.773], dtype=float32)
    """
    both = cross_entropy(logits[..., 0], start) + cross_entropy(logits[..., 1], end)
    return both.astype(np.float32)


def cross_entropy(logits: NDArray[Any], one_hot: NDArray[Any]) -> Float64:
    """-log softmax(logits) at the hot token: [B, L] and one-hot [B, L] -> float64 [B].

    Computed in float64 relative to the largest logit, so that nothing overflows, whatever the engine stored.
    """
    values = np.asarray(logits, np.float64)
    peak = values.max(axis=-1)
    log_sum = np.log(np.exp(values - peak[..., None]).sum(axis=-1)) + peak
    hot = np.argmax(one_hot, axis=-1)
    return np.asarray(log_sum - np.take_along_axis(values, hot[..., None], axis=-1)[..., 0])
