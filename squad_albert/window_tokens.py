"""The tokens of a window as a person reads them: cut from the question and the context, not from the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from utils.questions import Question
from utils.windows import Windows

from .window_words import BLANK, question_spans

Segment = Literal["question", "context", "special"]


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the characters that it stands for."""

    text: str  # as written in the question or the context; of a special token its name
    segment: Segment
    start: int  # characters [start, end) of the question or of the context; 0, 0 for a special token
    end: int


def window_tokens(
    questions: Sequence[Question], windows: Windows, rows: Iterable[int], tokenizer: Tokenizer
) -> list[list[Token]]:
    """Every token of some windows in its order, padding left out.

    Args:
        questions: for each row the question that the window is of.
        windows: the windows of a split.
        rows: which of them.
        tokenizer: that the windows were made with.
    """
    spans = question_spans(questions, tokenizer)
    return [
        _tokens(question, asked, windows, row, tokenizer)
        for question, asked, row in zip(questions, spans, rows, strict=True)
    ]


def _tokens(
    question: Question, asked: NDArray[np.int32], windows: Windows, row: int, tokenizer: Tokenizer
) -> list[Token]:
    """The tokens of one window, given the spans of its question's."""
    question_start, question_end = int(windows.question_start[row]), int(windows.question_end[row])
    context_start, context_end = int(windows.context_start[row]), int(windows.context_end[row])
    asked = asked[: question_end - question_start]
    context_spans = windows.offsets[row, context_start:context_end].tolist()
    ids = windows.input_ids[row].tolist()

    def special(first: int, stop: int) -> list[Token]:
        return [Token(tokenizer.id_to_token(number) or BLANK, "special", 0, 0) for number in ids[first:stop]]

    return [
        *special(0, question_start),
        *(_token(question.question, "question", *span) for span in asked.tolist()),
        *special(question_end, context_start),
        *(_token(question.context, "context", *span) for span in context_spans),
        *special(context_end, int(windows.length[row])),
    ]


def _token(text: str, segment: Segment, start: int, end: int) -> Token:
    shown = text[start:end].strip()
    if shown:
        start = end - len(text[start:end].lstrip())
    return Token(shown or BLANK, segment, start, start + len(shown))
