"""Which windows a training step sees, and as what tensors.

Every batch follows from the seed and its number alone, so that a resumed run goes on with
exactly the batches that the undisturbed run would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from utils.windows import Windows

POOL = 16
"""Batches drawn together and sorted by length, so that little padding is computed."""

FIRST_SHARE = 0.05
"""The share of the windows, the shortest, with which a curriculum begins."""


class BatchOrder:
    """The rows of each batch, an endless sequence cut off at ``batches``.

    Args:
        lengths: int ``[N]``, the tokens of every window.
        batch_size: windows in a batch.
        batches: how many batches there are in all.
        seed: decides the order.
        curriculum: the share of the batches over which the windows that may be drawn grow from the
            shortest ``FIRST_SHARE`` of all, slowly at first, to all of them; 0 draws from all at once.

    Attributes:
        start: the number of the first batch that is yielded; 0, or where a run resumes.
    """

    def __init__(
        self, lengths: NDArray[np.int32], batch_size: int, batches: int, seed: int, curriculum: float = 0.0
    ) -> None:
        self.by_length = np.argsort(lengths, kind="stable")
        self.lengths = lengths
        self.batch_size = batch_size
        self.batches = batches
        self.seed = seed
        self.curriculum = curriculum
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
        rows = self._shuffled(number * wanted, wanted) if not self.curriculum else self._drawn(number, wanted)
        rows = rows[np.argsort(self.lengths[rows], kind="stable")]
        batches: list[list[int]] = rows.reshape(POOL, self.batch_size).tolist()
        order = np.random.default_rng([self.seed, 1, number]).permutation(POOL)
        return [batches[index] for index in order]

    def _shuffled(self, first: int, wanted: int) -> NDArray[np.int64]:
        """Positions ``first`` and on of a sequence of permutations, one an epoch."""
        size, rows = len(self.lengths), np.empty(0, np.int64)
        while len(rows) < wanted:
            epoch, at = divmod(first + len(rows), size)
            permutation = np.random.default_rng([self.seed, 0, epoch]).permutation(size)
            rows = np.concatenate([rows, permutation[at : at + wanted - len(rows)]])
        return rows

    def _drawn(self, number: int, wanted: int) -> NDArray[np.int64]:
        """Draws from the windows that the curriculum has reached, each at most once where there are enough."""
        progress = min(1.0, number * POOL / (self.curriculum * self.batches))
        share = FIRST_SHARE + (1 - FIRST_SHARE) * progress**2
        reached = max(min(wanted, len(self.lengths)), round(share * len(self.lengths)))
        draw = np.random.default_rng([self.seed, 0, number])
        return self.by_length[draw.choice(reached, wanted, replace=reached < wanted)]


@dataclass(frozen=True)
class Noise:
    """Random tokens in training, from which a model learns to do without any single word, and with unknown ones.

    Attributes:
        share: of the question and context tokens, those of the answer apart, that become random ones.
        pieces: int ``[P]``, ids of the tokens that are put there.
        seed: with the rows of a batch decides what becomes of it.
    """

    share: float
    pieces: NDArray[np.int64]
    seed: int


class Collator:
    """Makes the tensors of a batch from a table of windows, cut to the longest of the batch.

    Args:
        windows: the split's windows.
        hints: what the auxiliary heads learn from, whole numbers per window ``[N]`` or per token ``[N, L]``,
            by the name that they get in a batch.
        noise: random tokens in place of some; None for none.
    """

    def __init__(
        self,
        windows: Windows,
        hints: Mapping[str, NDArray[Any]] | None = None,
        noise: Noise | None = None,
    ) -> None:
        self.windows = windows
        self.hints = hints or {}
        self.noise = noise

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
        for name, table in self.hints.items():
            batch[name] = (table[index] if table.ndim == 1 else table[index, :longest]).astype(np.int64)
        if self.noise:
            draw = np.random.default_rng([self.noise.seed, *rows])
            chosen = self._text(index, position) & (draw.random((len(index), longest)) < self.noise.share)
            batch["input_ids"][chosen] = draw.choice(self.noise.pieces, int(chosen.sum()))
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch.items()}

    def _text(self, index: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which tokens are of the question or the context, and not of the answer."""
        windows = self.windows

        def within(first: NDArray[np.int32], last: NDArray[np.int32]) -> NDArray[np.bool_]:
            return (position >= first[index, None]) & (position < last[index, None])

        text = within(windows.question_start, windows.question_end) | within(windows.context_start, windows.context_end)
        return text & ~within(windows.start, windows.end + 1)
