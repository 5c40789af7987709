"""How near the words of a question stand to a place in its context: evidence for an answer that needs no model."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping

from utils.words import WORD, content_words, sentence_spans

Span = tuple[int, int]

REACH = 16
"""Words of distance over which a word of the question loses weight by a factor of e."""

_STEM = 5  # first letters that are compared, so that opened and opening are one word


def stems(text: str) -> frozenset[str]:
    """The content words of a text, cut to their first letters.

    >>> sorted(stems("When was the opening of Tarn's bridge?"))
    ['bridg', 'openi', 'tarn']
    """
    return frozenset(word[:_STEM] for word in content_words(text))


def rarity(questions: Iterable[frozenset[str]]) -> dict[str, float]:
    """How much each stem tells, by how few of the questions have it: its inverse document frequency.

    >>> {stem: round(weight, 2) for stem, weight in rarity([frozenset({"tarn"}), frozenset({"tarn", "ulm"})]).items()}
    {'tarn': 0.41, 'ulm': 1.1}
    """
    sets = list(questions)
    counts = Counter(sorted(stem for some in sets for stem in some))
    return {stem: math.log((1 + len(sets)) / count) for stem, count in counts.items()}


class Context:
    """A context, taken to pieces once for all of its questions."""

    def __init__(self, text: str) -> None:
        words = [(match.group().lower(), *match.span()) for match in WORD.finditer(text)]
        self._stems = [word.removesuffix("'s").removesuffix("\u2019s")[:_STEM] for word, _, _ in words]
        self._starts = [start for _, start, _ in words]
        self._ends = [end for _, _, end in words]
        self._sentences = [start for start, _ in sentence_spans(text)]
        self._known = frozenset(self._stems)
        self._length = len(text)

    def nearness(self, asked: Mapping[str, float], span: Span) -> float:
        """How near a question's words stand to a span: from 0, in other sentences, to 1, inside it or beside it.

        Args:
            asked: the stems of the question with their weights.
            span: characters of the context.

        Returns:
            The mean by weight over the stems that the context has at all; NaN if it has none.
        """
        weight = sum(asked[stem] for stem in sorted(asked.keys() & self._known))
        if not weight:
            return math.nan
        first, last = self._sentence(span)
        before, after = bisect_right(self._ends, span[0]), bisect_left(self._starts, span[1])
        nearest: dict[str, int] = {}
        for place in range(bisect_left(self._starts, first), bisect_left(self._starts, last)):
            stem = self._stems[place]
            if stem in asked:
                distance = max(before - place, place - after + 1, 0)
                nearest[stem] = min(distance, nearest.get(stem, distance))
        return sum(asked[stem] * math.exp(-distance / REACH) for stem, distance in nearest.items()) / weight

    def _sentence(self, span: Span) -> Span:
        """The characters of the sentences that a span lies in."""
        first = self._sentences[bisect_right(self._sentences, span[0]) - 1]
        behind = bisect_left(self._sentences, span[1])
        return first, self._sentences[behind] if behind < len(self._sentences) else self._length
