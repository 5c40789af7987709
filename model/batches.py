"""Which windows a training step sees, and as what tensors.

Every batch follows from the seed and its number alone, so that a resumed run goes on with
exactly the batches that the undisturbed run would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from utils.windows import Windows

POOL = 16
"""Batches drawn together and sorted by length, so that little padding is computed."""


class BatchOrder:
    """The rows of each batch, an endless sequence cut off at ``batches``.

    Args:
        lengths: int ``[N]``, the tokens of every window.
        batch_size: windows in a batch.
        batches: how many batches there are in all.
        seed: decides the order.
        weights: float ``[N]``, how often an epoch visits each window, a fraction in that share of the epochs.

    Attributes:
        start: the number of the first batch that is yielded; 0, or where a run resumes.
    """

    def __init__(
        self, lengths: NDArray[np.int32], batch_size: int, batches: int, seed: int, weights: NDArray[np.float64]
    ) -> None:
        self.lengths = lengths
        self.weights = weights
        self.batch_size = batch_size
        self.batches = batches
        self.seed = seed
        self.start = 0

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        pool_number = -1
        pool: list[list[int]] = []
        for batch in range(self.start, self.batches):
            if batch // POOL != pool_number:
                pool_number = batch // POOL
                pool = self._pool(pool_number)
            yield pool[batch % POOL]

    def _pool(self, number: int) -> list[list[int]]:
        wanted = POOL * self.batch_size
        rows = self._shuffled(number * wanted, wanted)
        rows = rows[np.argsort(self.lengths[rows], kind="stable")]
        batches: list[list[int]] = rows.reshape(POOL, self.batch_size).tolist()
        order = np.random.default_rng([self.seed, 1, number]).permutation(POOL)
        return [batches[index] for index in order]

    def _shuffled(self, first: int, wanted: int) -> NDArray[np.int64]:
        """Positions ``first`` and on of the epochs, one behind the other, each in an order of its own."""
        found, epoch = np.empty(0, np.int64), 0
        while len(found) < wanted:
            rows = self._epoch(epoch)
            if first < len(rows):
                order = np.random.default_rng([self.seed, 0, epoch]).permutation(rows)
                found = np.concatenate([found, order[first : first + wanted - len(found)]])
            first, epoch = max(0, first - len(rows)), epoch + 1
        return found

    def _epoch(self, number: int) -> NDArray[np.int64]:
        """The rows of an epoch. A row of weight 0.4 is in two of any five, which ones is drawn for each row."""
        phase = np.random.default_rng([self.seed, 2]).random(len(self.weights))
        visits = np.floor(self.weights * (number + 1) + phase) - np.floor(self.weights * number + phase)
        return np.repeat(np.arange(len(self.weights)), visits.astype(np.int64))


class Collator:
    """Makes the tensors of a batch from a table of windows, cut to the longest of the batch.

    Args:
        windows: the split's windows.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __call__(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        """int64 ``[B, L]`` inputs, bool ``[B, L]`` legal answer tokens, int64 ``[B]`` targets."""
        windows, index = self.windows, np.asarray(rows)
        longest = int(windows.length[index].max())
        position = np.arange(longest)
        context_start, context_end = windows.context_start[index, None], windows.context_end[index, None]
        length = windows.length[index, None]
        batch = {
            "input_ids": windows.input_ids[index, :longest].astype(np.int64),
            "attention_mask": (position < length).astype(np.int64),
            "token_type_ids": ((position >= context_start) & (position < length)).astype(np.int64),
            "legal": ((position >= context_start) & (position < context_end)) | (position == 0),
            "start_positions": windows.start[index].astype(np.int64),
            "end_positions": windows.end[index].astype(np.int64),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch.items()}
