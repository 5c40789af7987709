"""The words of a window: its tokens joined to what a person reads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from utils.questions import Question
from utils.tokenizer import token_spans
from utils.windows import Windows
from utils.words import WORD

Spans = NDArray[np.int32]

BLANK = "·"
"""What stands for a token without a visible character."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a mark or a special token, and the tokens that it is made of."""

    text: str  # cut from the question or the context; of a special token its name
    segment: Literal["question", "context", "special"]
    start: int  # characters [start, end) of the question or of the context; 0, 0 for a special token
    end: int
    first: int  # tokens [first, stop) of the window
    stop: int

    @property
    def is_mark(self) -> bool:
        """Whether there is no letter or digit in it."""
        return not WORD.search(self.text)


def question_spans(questions: Sequence[Question], tokenizer: Tokenizer) -> list[Spans]:
    """The characters [start, end) of every token of each question, int32 [n, 2]."""
    asked = [question.question.lstrip() for question in questions]
    return [
        spans + np.int32(len(question.question) - len(text))
        for question, text, spans in zip(questions, asked, token_spans(asked, tokenizer), strict=True)
    ]


def question_words(question: Question, spans: Spans, windows: Windows, row: int) -> list[Word]:
    """The words of the question in a window, as ``window_words`` gives them."""
    first, stop = int(windows.question_start[row]), int(windows.question_end[row])
    return list(_joined(question.question, spans[: stop - first], "question", first))


def window_words(question: Question, spans: Spans, windows: Windows, row: int, tokenizer: Tokenizer) -> list[Word]:
    """Every token of a window, padding left out, in words: in the window's order, each token in one word.

    A word is a run of letters and digits as ``utils.words`` has it; every other mark stands by itself. A token
    belongs to the word of its first visible character.

    Args:
        question: the question that the window is of.
        spans: its ``question_spans``.
        windows: the windows of a split.
        row: which of them.
        tokenizer: that the windows were made with.
    """
    question_end, context_start = int(windows.question_end[row]), int(windows.context_start[row])
    context_end = int(windows.context_end[row])
    ids = windows.input_ids[row].tolist()

    def special(start: int, stop: int) -> list[Word]:
        return [Word(str(tokenizer.id_to_token(ids[at])), "special", 0, 0, at, at + 1) for at in range(start, stop)]

    return [
        *special(0, int(windows.question_start[row])),
        *question_words(question, spans, windows, row),
        *special(question_end, context_start),
        *_joined(question.context, windows.offsets[row, context_start:context_end], "context", context_start),
        *special(context_end, int(windows.length[row])),
    ]


def join_words(weights: NDArray[np.float32], words: Sequence[Word]) -> NDArray[np.float32]:
    """Attention between tokens, as attention between words: ``[..., n, n]`` becomes ``[..., w, w]``.

    A word attends as its tokens do on average, and is attended to as all of them together: rows still sum to 1.

    >>> words = [Word("[CLS]", "special", 0, 0, 0, 1), Word("owl", "question", 0, 3, 1, 3)]
    >>> join_words(np.array([[0.5, 0.25, 0.25], [1, 0, 0], [0, 1, 0]], np.float32), words).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    first = [word.first for word in words]
    size = np.array([[word.stop - word.first] for word in words], np.float32)
    joined: NDArray[np.float32] = np.add.reduceat(np.add.reduceat(weights, first, axis=-1), first, axis=-2)
    joined /= size
    return joined


def _joined(text: str, spans: Spans, segment: Literal["question", "context"], first: int) -> Iterator[Word]:
    matches = list(WORD.finditer(text))
    starts = [match.start() for match in matches]

    def word_of(token: int) -> tuple[str, int]:
        start = int(spans[token, 0])
        visible = next((at for at in range(start, len(text)) if not text[at].isspace()), len(text))
        number = bisect_right(starts, visible) - 1
        return ("word", number) if number >= 0 and visible < matches[number].end() else ("mark", visible)

    for _, group in groupby(range(len(spans)), word_of):
        tokens = list(group)
        start, end = int(spans[tokens[0], 0]), int(spans[tokens[-1], 1])
        shown = text[start:end].strip()
        start = end - len(text[start:end].lstrip()) if shown else start
        yield Word(shown or BLANK, segment, start, start + len(shown), first + tokens[0], first + tokens[-1] + 1)
