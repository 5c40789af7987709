"""What a training run learns from: one source of questions or several, and what is held out of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utils.questions import Gold, Question
from utils.squad import load_data

from .training_settings import SourceSettings, TrainingSettings
from .unanswerable import unanswerable


@dataclass(frozen=True)
class TrainingData:
    """The questions of a run, and how often an epoch visits each of those to learn from."""

    train: list[Question]
    weights: NDArray[np.float64]  # [questions of train]
    validation: list[Question]


def load_training_data(settings: TrainingSettings) -> TrainingData:
    """The questions that a run's settings name.

    With ``sources``, a share of each source's contexts is held out to validate on; a context that several sources
    have, marks and spacing aside, is held out of all of them. Else ``data`` has a training and a validation split.

    Raises:
        DataError: if data is bad or missing.
    """
    if not settings.sources:
        data = load_data(settings.window_settings())
        train = data.get("train", [])
        made = unanswerable(train, settings.unanswerable, settings.seed)
        return TrainingData([*train, *made], np.ones(len(train) + len(made)), data.get("validation", []))
    train, weights, validation = [], [], []
    for source in settings.sources:
        questions = _read(source, settings)
        kept = [question for question in questions if not held_out(question.context, settings.held_out)]
        made = unanswerable(kept, settings.unanswerable, settings.seed)
        train += [*kept, *made]
        weights += [source.weight] * (len(kept) + len(made))
        unseen = [question for question in questions if held_out(question.context, settings.held_out)]
        validation += [*unseen, *unanswerable(unseen, settings.unanswerable, settings.seed)]
    return TrainingData(train, np.array(weights), validation)


def held_out(context: str, share: float) -> bool:
    """Whether a context is held out: a draw that hangs on its letters and digits alone.

    >>> held_out("Rain fell.", 0.5) == held_out("rain  fell", 0.5)
    True
    """
    letters = "".join(filter(str.isalnum, context.casefold()))
    return int.from_bytes(hashlib.sha256(letters.encode()).digest()[:6], "big") < share * 2**48


def agreed_first(golds: Sequence[Gold]) -> tuple[Gold, ...]:
    """The golds, with the one that most annotators gave, the shortest of equals, before the others.

    >>> [gold.text for gold in agreed_first([Gold("in 1874", 4), Gold("1874", 7), Gold("1874", 7)])]
    ['1874', 'in 1874', '1874']
    """
    counts = Counter(golds)
    first = min(golds, key=lambda gold: (-counts[gold], len(gold.text), gold.start), default=None)
    if first is None:
        return ()
    rest = list(golds)
    rest.remove(first)
    return (first, *rest)


def _read(source: SourceSettings, settings: TrainingSettings) -> list[Question]:
    read = settings.window_settings().model_copy(update={"data": source.data})
    data = load_data(read)
    questions = data.get("train") or next(iter(data.values()))
    name = Path(source.data).stem
    return [replace(question, id=f"{name}/{question.id}", golds=agreed_first(question.golds)) for question in questions]
