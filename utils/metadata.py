"""What the engine knows about a sample beside its tensors: four groups of scalars, by which errors are grouped.

Every group has a table of its fields and their types, so that None is legal: it stands where there is nothing to
say, as for all that an unlabeled question would need an answer for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .answer_types import answer_type, is_quoted
from .question_types import question_type
from .questions import Question
from .readability import readability
from .sentiment import sentiment
from .squad_metrics import f1
from .windows import Windows
from .words import content_words, sentence_spans, words

Scalar = str | int | float | bool | None
Group = dict[str, Scalar]

QUESTION_TYPES: dict[str, type] = {"type": str, "tokens": int, "words": int, "readability": float}
"""The fields of the group ``question``; ``tokens`` are those that the model sees."""

ANSWER_TYPES: dict[str, type] = {
    "type": str,  # none where there is no answer
    "answerable": bool,
    "golds": int,  # gold answers; the fields below are of the first
    "agreement": float,  # mean F1 over all pairs of golds, None for fewer than two
    "tokens": int,
    "words": int,
    "position": int,  # context tokens before the answer
    "relative_position": float,  # the same as a share of the context's tokens
    "question_overlap": float,  # share of the question's content words that the answer's sentence has
}
"""The fields of the group ``answer``."""

CONTEXT_TYPES: dict[str, type] = {
    "title": str,  # of the article
    "tokens": int,
    "words": int,
    "sentences": int,
    "readability": float,
    "polarity": float,
    "subjectivity": float,
}
"""The fields of the group ``context``."""

WINDOW_TYPES: dict[str, type] = {"index": int, "count": int, "holds_answer": bool, "truncated_question": bool}
"""The fields of the group ``window``."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def leap_types(table: Mapping[str, type]) -> dict[str, Any]:
    """A table of types in the engine's terms, for ``tensorleap_metadata``.

    Example:
        >>> leap_types({"tokens": int})
        {'tokens': <DatasetMetadataType.int: 'int'>}
    """
    from code_loader.contract.enums import DatasetMetadataType

    names = {str: "string", int: "int", float: "float", bool: "boolean"}
    return {key: DatasetMetadataType(names[kind]) for key, kind in table.items()}


@dataclass(frozen=True, slots=True)
class _Context:
    sentences: list[tuple[int, int]]
    values: Group  # without the title


class SplitMetadata:
    """The metadata of a split's windows, each thing computed once per context or per question, when it is asked for.

    Without windows, a row stands for a question, and all that takes tokens is None.
    """

    def __init__(self, questions: Sequence[Question], windows: Windows | None) -> None:
        self._questions = questions
        self._windows = windows
        # Slicing a memory map itself costs ten times as much as slicing an array.
        self._offsets = None if windows is None else np.asarray(windows.offsets)
        self._question_groups: dict[int, Group] = {}
        self._answer_groups: dict[int, Group] = {}
        self._contexts: dict[str, _Context] = {}

    def question(self, row: int) -> Group:
        """The group ``question`` of a window, with the fields of ``QUESTION_TYPES``."""
        group = _once(self._question_groups, self._number(row), self._describe_question)
        return group.copy()

    def answer(self, row: int) -> Group:
        """The group ``answer`` of a window's question, with the fields of ``ANSWER_TYPES``."""
        group = _once(self._answer_groups, self._number(row), self._describe_answer)
        return group.copy()

    def context(self, row: int) -> Group:
        """The group ``context`` of a window's question, with the fields of ``CONTEXT_TYPES``."""
        number = self._number(row)
        return {"title": self._questions[number].title, **self._context(number).values}

    def window(self, row: int) -> Group:
        """The group ``window``, with the fields of ``WINDOW_TYPES``."""
        windows = self._windows
        if windows is None:
            return dict.fromkeys(WINDOW_TYPES)
        labeled = self._questions[windows.question[row]].labeled
        return {
            "index": int(windows.index[row]),
            "count": int(windows.count[row]),
            "holds_answer": bool(windows.holds_answer[row]) if labeled else None,
            "truncated_question": bool(windows.truncated_question[row]),
        }

    def _number(self, row: int) -> int:
        """The question that a row is of."""
        return row if self._windows is None else int(self._windows.question[row])

    def _describe_question(self, number: int) -> Group:
        text = self._questions[number].question
        return {
            "type": question_type(text),
            "tokens": self._question_tokens(number),
            "words": len(words(text)),
            "readability": readability(text),
        }

    def _question_tokens(self, number: int) -> int | None:
        if self._windows is None:
            return None
        row = self._windows.first[number]
        return int(self._windows.question_end[row] - self._windows.question_start[row])

    def _describe_answer(self, number: int) -> Group:
        question = self._questions[number]
        if not question.labeled:
            return dict.fromkeys(ANSWER_TYPES)
        values: Group = {"answerable": question.answerable, "golds": len(question.golds)}
        if not question.golds:
            return dict.fromkeys(ANSWER_TYPES) | values | {"type": "none"}
        gold = question.golds[0]
        quoted = is_quoted(question.context, gold.start, gold.text)
        return values | {
            "type": answer_type(gold.text, question.question, quoted=quoted),
            "agreement": _agreement([gold.text for gold in question.golds]),
            "words": len(words(gold.text)),
            **self._place(number),
            "question_overlap": _overlap(question, self._context(number).sentences),
        }

    def _place(self, number: int) -> Group:
        """Where the first gold is among the tokens of its context."""
        gold = self._questions[number].golds[0]
        spans = self._spans(number)
        if spans is None:
            return dict.fromkeys(("tokens", "position", "relative_position"))
        first = int(np.searchsorted(spans[:, 1], gold.start, "right"))  # tokens that end before the gold
        after = int(np.searchsorted(spans[:, 0], gold.start + len(gold.text)))  # tokens that begin before its end
        relative = first / len(spans) if len(spans) else None
        return {"tokens": max(0, after - first), "position": first, "relative_position": relative}

    def _context(self, number: int) -> _Context:
        return _once(self._contexts, self._questions[number].context, lambda text: self._describe_context(text, number))

    def _describe_context(self, text: str, number: int) -> _Context:
        sentences = sentence_spans(text)
        spans = self._spans(number)
        mood = sentiment(text)
        values: Group = {
            "tokens": None if spans is None else len(spans),
            "words": len(words(text)),
            "sentences": len(sentences),
            "readability": readability(text),
            "polarity": mood.polarity,
            "subjectivity": mood.subjectivity,
        }
        return _Context(sentences, values)

    def _spans(self, number: int) -> NDArray[np.int32] | None:
        """Characters of every token of a question's whole context, in order: int32 [n, 2]; None without windows."""
        windows = self._windows
        if windows is None or self._offsets is None:
            return None
        rows = range(windows.first[number], windows.first[number + 1])
        parts = [self._offsets[row, windows.context_start[row] : windows.context_end[row]] for row in rows]
        whole: NDArray[np.int32] = parts[0]
        if len(parts) > 1:
            shared = _shared(parts[0], parts[1])
            whole = np.concatenate([parts[0], *(part[shared:] for part in parts[1:])])
        return whole


def _once(cache: dict[KeyT, ValueT], key: KeyT, compute: Callable[[KeyT], ValueT]) -> ValueT:
    if key not in cache:
        cache[key] = compute(key)
    return cache[key]


def _shared(before: NDArray[np.int32], after: NDArray[np.int32]) -> int:
    """How many tokens two neighbouring windows of one question share: the longest end that is the other's beginning."""
    starts = np.flatnonzero((before == after[0]).all(axis=1)) if len(after) else ()
    tails = (before[start:] for start in starts)
    return next((len(tail) for tail in tails if np.array_equal(tail[: len(after)], after[: len(tail)])), 0)


def _agreement(golds: list[str]) -> float | None:
    if len(golds) < 2:
        return None
    if len(set(golds)) == 1:
        return 1.0
    return fmean(f1(one, [other]) for one, other in combinations(golds, 2))


def _overlap(question: Question, sentences: list[tuple[int, int]]) -> float | None:
    asked = content_words(question.question)
    if not asked:
        return None
    start, end = sentences[bisect_right(sentences, (question.golds[0].start, len(question.context))) - 1]
    return len(asked & content_words(question.context[start:end])) / len(asked)
