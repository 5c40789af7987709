"""A context cut where golds and answer begin and end, so that a page can mark both and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a context that is marked in one way."""

    text: str
    gold: bool = False
    answer: bool = False


def stretches(context: str, golds: Iterable[Span], answer: Span | None) -> list[Stretch]:
    """The stretches that together are the context.

    Args:
        context: the text.
        golds: characters ``[start, end)`` of each gold answer; they may overlap.
        answer: those of the answer given; None for no answer.

    >>> [(part.text, part.gold, part.answer) for part in stretches("on 4 May 1871", [(3, 13)], (5, 13))]
    [('on ', False, False), ('4 ', True, False), ('May 1871', True, True)]
    """
    wanted = list(golds)
    cuts = sorted({0, len(context), *(place for span in [*wanted, *([answer] if answer else [])] for place in span)})
    places = [place for place in cuts if 0 <= place <= len(context)]
    return [
        Stretch(context[start:end], _inside(start, end, wanted), _inside(start, end, [answer] if answer else []))
        for start, end in pairwise(places)
    ]


def overlap(golds: Sequence[Span], answer: Span | None) -> str:
    """How the answer lies to the nearest gold, in words.

    >>> overlap([(3, 13)], (5, 13)), overlap([], None), overlap([(0, 2)], (5, 9))
    ('8 of 10 characters', 'both say no answer', 'none')
    """
    if not golds or answer is None:
        return "both say no answer" if not golds and answer is None else "none"
    shared = [(max(0, min(answer[1], end) - max(answer[0], start)), start, end) for start, end in golds]
    most, start, end = max(shared, key=lambda one: one[0] / (max(answer[1], one[2]) - min(answer[0], one[1])))
    if (start, end) == answer:
        return "the same characters"
    return f"{most} of {max(answer[1], end) - min(answer[0], start)} characters" if most else "none"


def _inside(start: int, end: int, spans: Iterable[Span]) -> bool:
    return any(first <= start and end <= last for first, last in spans)
