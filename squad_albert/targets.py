"""The window of each question whose loss is explained, and the span that the loss is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.runtime import Model
from project_config import Settings
from utils.decoders import Answer, decode
from utils.loss import span_cross_entropy
from utils.questions import Question
from utils.windows import Windows, build_windows

Float = NDArray[np.float32]
Int = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Targets:
    """B windows, each with its target."""

    windows: Windows
    rows: Rows  # [B] which windows
    start: NDArray[np.integer[Any]]  # [B] first target token
    end: NDArray[np.integer[Any]]  # [B] last target token
    loss: Float  # [B] of the windows as they are

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, samples: Sequence[int] | Rows) -> Targets:
        return Targets(self.windows, self.rows[samples], self.start[samples], self.end[samples], self.loss[samples])

    @property
    def length(self) -> Int:
        """Tokens that are not padding, int32 ``[B]``."""
        return self.windows.length[self.rows]

    @property
    def input_ids(self) -> Int:
        """Token ids, int32 ``[B, L]``."""
        return self.windows.input_ids[self.rows]

    @cached_property
    def replaceable(self) -> NDArray[np.bool_]:
        """Which tokens are of the question or the context, ``[B, L]``."""
        windows = self.windows
        question = self.between(windows.question_start[self.rows], windows.question_end[self.rows])
        return question | self.between(windows.context_start[self.rows], windows.context_end[self.rows])

    def between(self, start: NDArray[Any], end: NDArray[Any]) -> NDArray[np.bool_]:
        """Which tokens stand at places [start, end), given for each window: ``[B, L]``."""
        places = np.arange(self.windows.max_length)
        inside: NDArray[np.bool_] = (places >= start[:, None]) & (places < end[:, None])
        return inside


def choose_targets(
    model: Model, questions: Sequence[Question], settings: Settings, window: int | None = None
) -> tuple[Targets, list[Answer]]:
    """One window of each question, with its target, and the answers that the model gives.

    The target is the first gold that is whole in the window, [CLS] where there is none, and the answer given where a
    question has no labels. Of several windows it is the one that the run's loss is of: of those that hold a gold the
    one with the lowest loss; where no window does, the one with the highest; without labels that of the answer.

    Args:
        model: a loaded model.
        questions: of any split.
        settings: as for ``Model``, and whether `no answer` may be given: unless ``never``.
        window: take this one of every question instead.

    Raises:
        ModelError: if the model fails.
    """
    windows = build_windows(questions, model.tokenizer, settings, cache=False)
    logits = model.logits(windows)
    allowed = settings.no_answer != "never"
    answers = [
        decoded.best(allowed, settings.no_answer_threshold) for decoded in decode(logits, windows, questions, settings)
    ]
    losses = _losses(logits, windows.start, windows.end)
    chosen = []
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        rows = np.arange(windows.first[number], windows.first[number + 1])
        row = _row(question, answer, rows, windows, losses) if window is None else int(rows[window])
        given = (answer.token_start, answer.token_end) if row == answer.window else (0, 0)
        chosen.append((row, *((windows.start[row], windows.end[row]) if question.labeled else given)))
    row_of, start, end = np.array(chosen, np.int64).reshape(-1, 3).T
    return Targets(windows, row_of, start, end, _losses(logits[row_of], start, end)), answers


def _losses(logits: Float, start: NDArray[Any], end: NDArray[Any]) -> Float:
    places = np.arange(logits.shape[1])
    return span_cross_entropy(logits, start[:, None] == places, end[:, None] == places)


def _row(question: Question, answer: Answer, rows: Rows, windows: Windows, losses: Float) -> int:
    if not question.labeled:
        return answer.window
    holding = rows[windows.holds_answer[rows]]
    return int(holding[losses[holding].argmin()] if len(holding) else rows[losses[rows].argmax()])
