"""What speaks against a label: seven signals, each a number that is higher where the label is more likely false.

Signals read what the run has: no model is run, and nothing is fitted to labels that are known to be false.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from utils.answer_types import answer_type, is_quoted

from .nearness import Context, Span, rarity, stems
from .style import percent, quoted

LEAST_PROBABILITY = 1e-6
"""What an answer has at least: below, a model's probabilities say nothing more."""

SAME_QUESTION = 0.8
"""Shared over joint words of two questions from which on they ask the same."""

_DIGITS = 3  # decimals of probabilities by which answers are compared: the last ones differ between machines


@dataclass(frozen=True, slots=True)
class Finding:
    """What a signal says of a label."""

    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Rival:
    """What is answered rather than the label."""

    span: Span | None  # None: no answer
    probability: float  # of it and of all spans that overlap it
    label: float  # probability of the label: of all spans that overlap a gold, or of no answer
    given: bool = False  # whether all that is known is the answer, without a probability


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """The label of a question, and what it is compared with."""

    row: Any  # of the run's questions
    golds: list[Span]  # characters; empty: no answer
    rival: Rival | None  # None where the run has no other answer
    context: Context
    asked: Mapping[str, float]  # the stems of the question, with their weights
    usual: Callable[[str], float]  # how usual a type of answer is for such a question
    others: list[Label]  # all labels of questions about the context, this one among them

    def text(self, span: Span) -> str:
        """Characters of the context."""
        return str(self.row.context[slice(*span)])

    def told(self, span: Span) -> str:
        """The same in quotation marks, and where they stand if the label has the same words."""
        text = self.text(span)
        same = any(text == self.text(gold) for gold in self.golds)
        return f"{quoted(text)} at character {span[0]}" if same else quoted(text)

    def nearness(self, span: Span) -> float:
        """How near the question's words stand to characters of the context."""
        return self.context.nearness(self.asked, span)


def findings(questions: pd.DataFrame) -> Iterator[dict[str, Finding]]:
    """What the signals say of each label, by name; a signal that has nothing to say is not there.

    Args:
        questions: labeled questions of a run, with a model or without.
    """
    for label in _labels(questions):
        yield {name: found for name, signal in SIGNALS.items() if (found := signal(label))}


def rival(row: Any, golds: list[Span]) -> Rival | None:
    """The likeliest answer of a question that shares no character with a gold.

    Args:
        row: of the run's questions; without an n-best list its prediction is what the model answers.
        golds: characters of the label.
    """
    if not isinstance(row.nbest, list):
        return _given(row, golds)
    answers = [((one["start"], one["end"]), one["probability"]) for one in row.nbest]
    inside = sum(chance for span, chance in answers if any(overlap(span, gold) for gold in golds))
    outside = [(span, chance) for span, chance in answers if not any(overlap(span, gold) for gold in golds)]
    label = inside if golds else row.no_answer_probability
    best = max(outside, key=_by_probability, default=(None, 0.0))[0]
    chance = sum(chance for span, chance in outside if best and overlap(span, best))
    if golds and round(row.no_answer_probability, _DIGITS) >= round(chance, _DIGITS):
        return Rival(None, row.no_answer_probability, label)
    return Rival(best, chance, label) if best else None


def _by_probability(answer: tuple[Span, float]) -> tuple[float, int, int]:
    """The likelier one; of about the same probability, the earlier and then the shorter one."""
    (start, end), chance = answer
    return round(chance, _DIGITS), -start, -end


def _given(row: Any, golds: list[Span]) -> Rival | None:
    """The rival where all that is known is the text that was answered."""
    if not row.prediction:
        return Rival(None, 1.0, 0.0, given=True) if golds else None
    start = row.context.find(row.prediction)
    span = (start, start + len(row.prediction))
    if start < 0 or any(overlap(span, gold) for gold in golds) or row.f1 > 0:
        return None
    return Rival(span, 1.0, 0.0, given=True)


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a character.

    >>> overlap((0, 3), (2, 4)), overlap((0, 3), (3, 4))
    (True, False)
    """
    return one[0] < other[1] and other[0] < one[1]


def _labels(questions: pd.DataFrame) -> Iterator[Label]:
    asked = [stems(text) for text in questions["question"]]
    weights = rarity(asked)
    usual = _usual_types(questions)
    contexts: dict[str, Context] = {}
    others: defaultdict[str, list[Label]] = defaultdict(list)
    labels = []
    for row, some in zip(questions.itertuples(), asked, strict=True):
        if row.context not in contexts:
            contexts[row.context] = Context(row.context)
        golds = [(int(start), int(start) + len(text)) for start, text in zip(row.gold_starts, row.golds, strict=True)]
        label = Label(
            row,
            golds,
            rival(row, golds),
            contexts[row.context],
            {stem: weights[stem] for stem in sorted(some)},
            usual[row.question_type],
            others[row.context],
        )
        label.others.append(label)
        labels.append(label)
    return iter(labels)


def _usual_types(questions: pd.DataFrame) -> dict[str, Callable[[str], float]]:
    """For each type of question, the logarithm of the share that a type of answer has of its labels."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for asked, answered in zip(questions["question_type"], questions["answer_type"], strict=True):
        counts[asked][answered] += 1

    def usual(types: Counter[str]) -> Callable[[str], float]:
        return lambda name: math.log((types[name] + 0.5) / (types.total() + 0.5 * len(types)))

    return {asked: usual(types) for asked, types in counts.items()}


def _model(label: Label) -> Finding | None:
    """The odds of the rival against the label, as a natural logarithm."""
    if label.rival is None:
        return None
    better = label.rival
    odds = math.log(max(better.probability, LEAST_PROBABILITY) / max(better.label, LEAST_PROBABILITY))
    if better.given:
        return Finding(odds, f"the answer given is {label.told(better.span) if better.span else 'no answer'}")
    told = f"the model answers {label.told(better.span)}" if better.span else "the model sees no answer"
    return Finding(odds, f"{told} ({percent(better.probability, 0)}, the label {percent(better.label)})")


def _words(label: Label) -> Finding | None:
    """By how much the question's words stand nearer to the rival than to the label."""
    if not label.golds or label.rival is None or label.rival.span is None:
        return None
    nearer = label.nearness(label.rival.span) - label.nearness(label.golds[0])
    return _finding(nearer, f"the question's words stand nearer to {label.told(label.rival.span)}")


def _shared(label: Label) -> Finding | None:
    """By how much the words of another question, of the same answer, stand nearer to it."""
    same = [one for one in label.others if _in_one_place(one, label) and not _contained(one, label)]
    if not same:
        return None
    gold = label.golds[0]
    other = max(same, key=lambda one: one.nearness(gold))
    nearer = other.nearness(gold) - label.nearness(gold)
    return _finding(nearer, f"it also answers {quoted(other.row.question)} ({other.row.id})")


def _elsewhere(label: Label) -> Finding | None:
    """By how much the question's words stand nearer to another place that has the words of the label."""
    if not label.golds:
        return None
    places = [span for span in _places(label.text(label.golds[0]), label.row.context) if span not in label.golds]
    best = max(places, key=label.nearness, default=None)
    if best is None:
        return None
    nearer = label.nearness(best) - label.nearness(label.golds[0])
    return _finding(nearer, f"the question's words stand nearer to the same words at character {best[0]}")


def _twin(label: Label) -> Finding | None:
    """How alike a question of the same context is that has its answer in another place."""
    apart = [one for one in label.others if (one.golds or label.golds) and not _in_one_place(one, label)]
    other = max(apart, key=lambda one: _jaccard(one, label), default=None)
    if other is None or _jaccard(other, label) < SAME_QUESTION:
        return None
    answer = f"is {quoted(other.text(other.golds[0]))}" if other.golds else "has no answer"
    return Finding(_jaccard(other, label), f"nearly the same question {answer} ({other.row.id})")


def _type(label: Label) -> Finding | None:
    """How much more usual the rival's type of answer is than the label's, as a logarithm."""
    if not label.golds or label.rival is None or label.rival.span is None:
        return None
    text = label.text(label.rival.span)
    other = answer_type(text, label.row.question, quoted=is_quoted(label.row.context, label.rival.span[0], text))
    more = label.usual(other) - label.usual(label.row.answer_type)
    told = f"“{label.row.question_type}” is seldom answered by a {label.row.answer_type}, rather by a {other}"
    return Finding(more, told) if more > 0 else None


def _annotators(label: Label) -> Finding | None:
    """The share of pairs of golds that have no character in common."""
    pairs = [overlap(*pair) for pair in combinations(label.golds, 2)]
    if all(pairs):
        return None
    golds = " | ".join(dict.fromkeys(map(label.text, label.golds)))
    return Finding(1 - sum(pairs) / len(pairs), f"the annotators mark different places: {golds}")


def _finding(value: float, reason: str) -> Finding | None:
    return None if math.isnan(value) else Finding(value, reason)


def _in_one_place(one: Label, other: Label) -> bool:
    """Whether the first golds share a character."""
    return bool(one.golds and other.golds) and overlap(one.golds[0], other.golds[0])


def _jaccard(one: Label, other: Label) -> float:
    """Shared over joint words of two questions."""
    return len(one.asked.keys() & other.asked.keys()) / max(1, len(one.asked.keys() | other.asked.keys()))


def _contained(one: Label, other: Label) -> bool:
    """Whether one of two questions has all words of the other, and so may well ask the same."""
    return one.asked.keys() <= other.asked.keys() or other.asked.keys() <= one.asked.keys()


def _places(text: str, context: str) -> Iterator[Span]:
    """Where a text stands in a context."""
    start = context.find(text)
    while start >= 0:
        yield start, start + len(text)
        start = context.find(text, start + 1)


SIGNALS: dict[str, Callable[[Label], Finding | None]] = {
    "model": _model,
    "words": _words,
    "shared": _shared,
    "elsewhere": _elsewhere,
    "twin": _twin,
    "type": _type,
    "annotators": _annotators,
}
"""Every signal, by the name of its column."""
