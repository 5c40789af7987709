"""Which tokens matter and what is attended to: slow beside an answer, so one at a time, in threads of their own."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from model.attention import open_attention
from model.differentiable import DifferentiableError
from model.runtime import Model
from project_config import ProjectError, Settings
from squad_albert.attend import Attended, attend
from squad_albert.attribution import Attributor
from squad_albert.explain import question_attributions
from squad_albert.window_words import Word
from utils.questions import Question

from .errors import ConflictError, NotFoundError
from .jobs import Check, Job, Jobs

Record = dict[str, Any]

SHOWN_WORDS = 24
"""Context words in a picture of attention: those that the question attends to most, beside the answer's."""

OPEN_MODELS = 4
"""Models that stay open: those of runs may be others than the server's own."""


class Inspecting:
    """Explains answers and shows attention, for any model folder, opened at the first use.

    Attention is cheap beside an explanation, and does not wait behind one.

    Args:
        most_waiting: requests of each kind that may wait; more are refused.
    """

    def __init__(self, most_waiting: int = 16) -> None:
        self._explanations = Jobs("explanations", most_waiting)
        self._attentions = Jobs("views of attention", most_waiting)
        self._opening = threading.Lock()
        self._attributors = lru_cache(OPEN_MODELS)(_open_attributor)
        self._attention = lru_cache(OPEN_MODELS)(_open_attention)
        self._warming: threading.Thread | None = None

    def explain(self, folder: Path, settings: Settings, question: Question, method: str) -> Job[Record]:
        """Which tokens drive the loss; see ``explanation``."""

        def work(check: Check) -> Record:
            attributor = self._attributor(folder, settings)
            attributor.check = check
            return explanation(attributor, settings, question, method)

        return self._explanations.begin(work)

    def attend(
        self, folder: Path, settings: Settings, question: Question, layer: int | None, head: int | None
    ) -> Job[Record]:
        """What the question attends to; see ``attention``."""
        return self._attentions.begin(
            lambda check: attention(
                attend(self._attention(folder, _Key(settings)), question, settings, check), layer, head
            )
        )

    def warm(self, folder: Path, settings: Settings) -> None:
        """Makes gradients ready beside all else, where they can be had: it takes ten seconds, most of them imports."""

        def work() -> None:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)  # of this thread alone, on Linux
            with suppress(ProjectError):  # who asks for gradients is told
                self._attributor(folder, settings).warm()

        self._warming = threading.Thread(target=work, name="warming")
        self._warming.start()

    def close(self) -> None:
        """Does what was taken in, and ends."""
        self._explanations.close()
        self._attentions.close()
        if self._warming:
            self._warming.join()

    def _attributor(self, folder: Path, settings: Settings) -> Attributor:
        with self._opening:
            return self._attributors(folder, _Key(settings))


class _Key:
    """Settings as a key of a cache: equal where all of them are."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._text = settings.model_dump_json()

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text


def _open_attributor(folder: Path, key: _Key) -> Attributor:
    return Attributor(folder, key.settings)


def _open_attention(folder: Path, key: _Key) -> Model:
    return open_attention(folder, key.settings)


def explanation(attributor: Attributor, settings: Settings, question: Question, method: str) -> Record:
    """Which tokens raise or lower the loss.

    Returns:
        As ``squad_albert.explain.attributions`` gives it, with ``method``, ``answer`` and, of each of ``tokens``, one
        ``score``.

    Raises:
        ConflictError: if the method needs gradients, and they cannot be had.
    """
    try:
        found = question_attributions(attributor, question, settings, [method])
    except DifferentiableError as error:
        raise ConflictError(str(error), "method") from error
    tokens = [
        {**{key: token[key] for key in ("token", "segment", "start", "end")}, "score": token[method]}
        for token in found["tokens"]
    ]
    kept = {key: found[key] for key in ("question", "context", "window", "windows", "target", "loss")}
    return {"method": method, "answer": found["prediction"], **kept, "tokens": tokens}


def attention(attended: Attended, layer: int | None, head: int | None) -> Record:
    """What the words of a question attend to, in one layer and head or on average.

    Returns:
        ``layers`` and ``heads`` (how many there are), ``layer`` and ``head`` (null: the mean), ``answer``,
        ``question_words`` and ``context_words`` (``text, start, end``, and whether it is ``in_answer``), ``weights``
        (a row a question word, a column a context word) and ``main``: for each question word the context word that
        it attends to most.

    Raises:
        NotFoundError: if the model has no such layer or head.
    """
    layers = _chosen(layer, attended.layers, "layer")
    heads = _chosen(head, attended.heads, "head")
    mean = attended.mean(layers, heads)
    asked = attended.question_words
    shown = attended.top_context_words(mean, SHOWN_WORDS)
    answer = set(attended.answer_words) if attended.answer.text else set()
    main = [(number, max(attended.context_words, key=lambda at: mean[number, at])) for number in asked if shown]
    return {
        "layers": attended.layers,
        "heads": attended.heads,
        "layer": layer,
        "head": head,
        "answer": attended.answer.text,
        "question_words": [_word(attended.words[number]) for number in asked],
        "context_words": [{**_word(attended.words[number]), "in_answer": number in answer} for number in shown],
        "weights": mean[asked][:, shown].astype(float).round(6).tolist(),
        "main": [
            {
                "question_word": attended.words[number].text,
                "context_word": attended.words[at].text,
                "start": attended.words[at].start,
                "end": attended.words[at].end,
                "weight": float(mean[number, at]),
            }
            for number, at in main
        ],
    }


def _word(word: Word) -> Record:
    return {"text": word.text, "start": word.start, "end": word.end}


def _chosen(number: int | None, count: int, what: str) -> list[int]:
    if number is None:
        return list(range(count))
    if number > count:
        raise NotFoundError(f"the model has no {what} {number}: its {what}s are 1 to {count}.", what)
    return [number - 1]
