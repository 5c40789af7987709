"""What a model attends to when it reads one question and its context, word by word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.attention import read_attention
from model.runtime import Model
from project_config import ProjectError, Settings
from utils.decoders import LOWEST, Answer, decode
from utils.questions import DataError, Question
from utils.windows import build_windows

from .window_words import Word, join_words, question_spans, window_words

Float = NDArray[np.float32]

_NUMBER = re.compile(r"\s*\d{1,9}\s*")


class AttentionError(ProjectError):
    """A layer or head that the model does not have was asked for."""


@dataclass(frozen=True, eq=False)
class Attended:
    """A question, its answer, and what every layer and head attends to in the window that the answer is from."""

    question: Question
    answer: Answer  # as it was given; the empty text is no answer
    words: list[Word]
    tokens: list[str]  # n, as the tokenizer writes them
    weights: Float  # [layers, heads, n, n]; rows sum to 1
    window: int  # 0, 1, ... of the windows that the context takes
    windows: int

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return len(self.weights)

    @property
    def heads(self) -> int:
        """How many heads a layer has."""
        return int(self.weights.shape[1])

    @cached_property
    def word_weights(self) -> Float:
        """Attention between words, ``[layers, heads, w, w]``, as ``join_words`` has it."""
        return join_words(self.weights, self.words)

    @cached_property
    def question_words(self) -> list[int]:
        """The numbers of the words of the question."""
        return [number for number, word in enumerate(self.words) if word.segment == "question"]

    @cached_property
    def context_words(self) -> list[int]:
        """The numbers of the words of this window's part of the context."""
        return [number for number, word in enumerate(self.words) if word.segment == "context"]

    @cached_property
    def answer_words(self) -> list[int]:
        """The numbers of the words that the answer touches; [CLS], word 0, for no answer."""
        first, last = self.answer.token_start, self.answer.token_end
        return [number for number, word in enumerate(self.words) if word.first <= last and word.stop > first]

    def mean(self, layers: Sequence[int], heads: Sequence[int]) -> Float:
        """Attention between words, ``[w, w]``, the mean over layers and heads, which count from 0."""
        chosen: Float = self.word_weights[np.ix_(layers, heads)].mean(axis=(0, 1))
        return chosen

    def top_context_words(self, mean: Float, count: int) -> list[int]:
        """The context words that the question attends to most, and those of the answer, in their order.

        Args:
            mean: attention between words, ``[w, w]``.
            count: how many, beside those of the answer.
        """
        found = mean[self.question_words].sum(axis=0)[self.context_words]
        top = {self.context_words[at] for at in np.argsort(-found, kind="stable")[:count]}
        return sorted(top | (set(self.answer_words) - {0}))


def attend(model: Model, question: Question, settings: Settings, check: Callable[[], None] = lambda: None) -> Attended:
    """Answers a question and keeps what the model attended to.

    A context that takes several windows is seen in the one that the answer is from.

    Args:
        model: opened by ``model.attention.open_attention``.
        question: a question and its context; golds are not needed.
        settings: as for ``Model``, and whether `no answer` may be given: unless ``never``.
        check: called before each window; what it raises ends the work.

    Raises:
        DataError: if question or context is empty.
        ModelError: if the model fails.
    """
    for name, text in (("question", question.question), ("context", question.context)):
        if not text.strip():
            raise DataError(f"the {name} is empty. Give some text with --{name}.")
    windows = build_windows([question], model.tokenizer, settings, cache=False)
    logits = np.full((len(windows), windows.max_length, 2), LOWEST, np.float32)
    for row in range(len(windows)):  # one by one, as the attention of several at once may be very large
        check()
        weights, logits[row, : windows.length[row]] = read_attention(model, windows, row)
    [decoded] = decode(logits, windows, [question], settings)
    answer = decoded.best(settings.no_answer != "never", settings.no_answer_threshold)
    row = answer.window
    if row < len(windows) - 1:
        weights, _ = read_attention(model, windows, row)
    [spans] = question_spans([question], model.tokenizer)
    ids = windows.input_ids[row, : windows.length[row]].tolist()
    return Attended(
        question,
        answer,
        window_words(question, spans, windows, row, model.tokenizer),
        [str(model.tokenizer.id_to_token(number)) for number in ids],
        weights,
        row,
        len(windows),
    )


def chosen(text: str, count: int, what: str) -> list[int]:
    """The layers or heads that a text names, counting from 0.

    Args:
        text: ``all``, or numbers and ranges from 1 on, with commas between them.
        count: how many there are.
        what: layers or heads.

    Raises:
        AttentionError: if the text is anything else, or names one that is not there.

    >>> chosen("1,3-4", 4, "layers")
    [0, 2, 3]
    """
    if text.strip() == "all":
        return list(range(count))
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (_NUMBER.fullmatch(first) and _NUMBER.fullmatch(last or first)):
            raise AttentionError(f"`{text}` names no {what}. Write all, or numbers and ranges such as 1,3-4.")
        named = range(int(first), int(last or first) + 1)
        if not 1 <= int(first) <= named.stop - 1 <= count:
            raise AttentionError(f"the model has no {what} {part}: its {what} are 1 to {count}. Or write all.")
        numbers.update(named)
    return sorted(number - 1 for number in numbers)


def summary(attended: Attended, layers: Sequence[int], heads: Sequence[int]) -> dict[str, Any]:
    """What the chosen layers and heads attend to, for people and for JSON.

    Args:
        attended: a question.
        layers: which, counting from 0.
        heads: which of each of these layers.

    Returns:
        ``question``, ``answer`` (empty for no answer), ``probability``, ``layers`` and ``heads`` (from 1), ``window``
        and ``windows``; ``question_words``: for each word of the question the context word that it attends to most,
        with ``share`` of all its attention; ``main_attended``: the word of the question that the answer attends to
        most, marks apart, and its share of the answer's attention to the question; ``by_head``: for each layer and
        head the share of the question's attention that the answer gets (``question_to_answer``), and ``chance``,
        which is what it would get if all tokens were attended to alike. For no answer, [CLS] takes its place.
    """
    mean = attended.mean(layers, heads)
    asked, context, answer = attended.question_words, attended.context_words, attended.answer_words
    from_answer = mean[answer].mean(axis=0)
    main = main_word(from_answer[asked], [attended.words[number] for number in asked])
    return {
        "question": attended.question.question,
        "answer": attended.answer.text,
        "probability": attended.answer.probability,
        "layers": [layer + 1 for layer in layers],
        "heads": [head + 1 for head in heads],
        "window": attended.window + 1,
        "windows": attended.windows,
        "question_words": [_most(attended, mean[number], number, context) for number in asked],
        "main_attended": {
            "word": attended.words[asked[main]].text,
            "share": float(from_answer[asked[main]] / from_answer[asked].sum()),
        },
        "by_head": [_head(attended, layer, head) for layer in layers for head in heads],
    }


def main_word(weights: Float, words: Sequence[Word]) -> int:
    """The place of the word with the highest weight; a mark only where there is nothing else.

    >>> who, mark = Word("Who", "question", 0, 3, 1, 2), Word("?", "question", 3, 4, 2, 3)
    >>> main_word(np.array([0.25, 0.75]), [who, mark])
    0
    """
    marks = np.array([word.is_mark for word in words])
    return int(np.where(marks & ~marks.all(), -1, weights).argmax())


def _most(attended: Attended, row: Float, number: int, among: Sequence[int]) -> dict[str, Any]:
    """The word among some that a word attends to most."""
    best = among[int(row[among].argmax())]
    word = attended.words[best]
    return {
        "word": attended.words[number].text,
        "context_word": word.text,
        "start": word.start,
        "end": word.end,
        "share": float(row[best]),
    }


def _head(attended: Attended, layer: int, head: int) -> dict[str, Any]:
    first, last = attended.answer.token_start, attended.answer.token_end
    words = [attended.words[number] for number in attended.question_words]
    asked = slice(words[0].first, words[-1].stop)
    weights = attended.weights[layer, head]
    return {
        "layer": layer + 1,
        "head": head + 1,
        "question_to_answer": float(weights[asked, first : last + 1].sum(axis=1).mean()),
        "chance": (last + 1 - first) / len(weights),
    }
