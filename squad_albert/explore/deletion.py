"""Deletion curves: does masking the tokens that a method calls important hurt more than masking others?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from squad_albert.attribution import Attributor
from squad_albert.targets import Targets

from .intervals import mean_interval

Float = NDArray[np.float32]

SHARES = (0.05, 0.2)
"""Of the tokens of question and context that are masked, at least one."""

COLUMNS = {
    "method": "str",
    "samples": "int64",
    **dict.fromkeys(["share", "loss", "low", "high", "random_loss"], "float64"),
    **dict.fromkeys(["difference", "difference_low", "difference_high"], "float64"),
}


def deletion_curve(
    attributor: Attributor, targets: Targets, scores: Mapping[str, Float], draw: np.random.Generator
) -> pd.DataFrame:
    """The mean loss as the tokens that lower it most are masked, against as many random tokens of the same samples.

    Args:
        attributor: the model.
        targets: samples; with one alone the intervals have no ends.
        scores: of every token by method, ``[b, L]``, of the first b samples.
        draw: for the random tokens, the same ones for every method.

    Returns:
        A row a method and share, 0 first: ``loss`` with its 95 % interval ``low`` to ``high``; ``random_loss``;
        ``difference`` of the two over the same samples, with its interval.
    """
    noise = draw.random(targets.replaceable.shape, np.float32)
    masked_at_random = _masked_losses(attributor, targets, noise)
    rows = []
    for method, values in scores.items():
        part = targets[np.arange(len(values))]
        masked = _masked_losses(attributor, part, values)
        for share, loss, random in zip(
            (0.0, *SHARES), [part.loss, *masked], [part.loss, *masked_at_random[:, : len(part)]], strict=True
        ):
            gain = loss - random
            between = mean_interval(gain) if share else (0.0, 0.0)
            ends = mean_interval(loss, low=0.0)
            rows.append((method, len(part), share, loss.mean(), *ends, random.mean(), gain.mean(), *between))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _masked_losses(attributor: Attributor, targets: Targets, scores: Float) -> Float:
    """The losses with the tokens of the lowest scores masked, by share and sample: ``[shares, B]``."""
    order = np.where(targets.replaceable, scores, np.inf).argsort(axis=1, kind="stable")
    rank = order.argsort(axis=1, kind="stable")
    tokens = targets.replaceable.sum(axis=1)
    counts = np.maximum(1, np.rint(np.outer(SHARES, tokens)))
    masked = (rank < counts[..., None]) & targets.replaceable  # [shares, B, L]
    altered = np.where(masked, attributor.mask, targets.input_ids).astype(np.int32).reshape(-1, rank.shape[1])
    samples = np.tile(np.arange(len(targets)), len(SHARES))
    return attributor.losses(targets, samples, altered).reshape(len(SHARES), -1)
