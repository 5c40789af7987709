"""One window -> the model's inputs and the ground truth of one sample, each a look-up in the split's windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .questions import Question
from .windows import Windows, sample_ids

Float = NDArray[np.float32]

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
"""The model's inputs, in its order."""


@dataclass(frozen=True)
class SplitData:
    """All that is known about a split; the engine hands it to every function with a sample's id."""

    questions: Sequence[Question]
    windows: Windows
    row_of: dict[str, int]  # sample id -> row in windows, in their order

    @classmethod
    def of(cls, questions: Sequence[Question], windows: Windows) -> SplitData:
        """The split that these questions and their windows make.

        Raises:
            ValueError: if two samples share an id.
        """
        row_of = {sample: row for row, sample in enumerate(sample_ids(questions, windows))}
        if len(row_of) < len(windows):
            raise ValueError(f"{len(windows)} windows have only {len(row_of)} different ids; question ids must differ")
        return cls(questions, windows, row_of)

    def question(self, sample_id: str) -> Question:
        """The question that a sample is a window of."""
        number = int(self.windows.question[self.row_of[sample_id]])
        return self.questions[number]


def input_ids(split: SplitData, sample_id: str) -> Float:
    """Token ids, padded: float32 [L], as the engine gives a model nothing else."""
    ids: Float = split.windows.input_ids[split.row_of[sample_id]].astype(np.float32)
    return ids


def attention_mask(split: SplitData, sample_id: str) -> Float:
    """1 over every token that is not padding: float32 [L]."""
    return _ones(split.windows, 0, split.windows.length[split.row_of[sample_id]])


def token_type_ids(split: SplitData, sample_id: str) -> Float:
    """1 over the context and the special token after it: float32 [L]."""
    row = split.row_of[sample_id]
    return _ones(split.windows, split.windows.context_start[row], split.windows.length[row])


def start(split: SplitData, sample_id: str) -> Float:
    """One-hot of the first token of the gold, or of [CLS] where the window holds none: float32 [L]."""
    token = split.windows.start[split.row_of[sample_id]]
    return _ones(split.windows, token, token + 1)


def end(split: SplitData, sample_id: str) -> Float:
    """One-hot of the last token of the gold, or of [CLS] where the window holds none: float32 [L]."""
    token = split.windows.end[split.row_of[sample_id]]
    return _ones(split.windows, token, token + 1)


def _ones(windows: Windows, first: int | np.int32, end: int | np.int32) -> Float:
    values = np.zeros(windows.max_length, np.float32)
    values[first:end] = 1
    return values
