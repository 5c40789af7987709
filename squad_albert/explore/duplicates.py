"""Questions that are asked twice in nearly the same words, by their text alone, in a time that grows with their number.

Two questions about a paragraph are nearly the same if the key words of one are the key words of the other, in the
same order, but for words added before or after ("Exactly when did she sail?"); or if they have the same answer and
one has all key words of the other, in any order. Key words are all but articles, auxiliary verbs and the like,
without endings. So another name, number, question word or negation makes another question, however alike the letters.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from utils.words import word_set, words

Keys = tuple[str, ...]

MOST_ADDED = 12
"""Key words that one question may have more than the other; never more than the other has."""

PAIRED = 20
"""Of a larger group of questions, each is paired with the first only, so that the pairs stay few."""

_FEWEST_KEYS = 3  # questions of fewer key words are the same only if these are equal
_LETTERS = 4  # of the strings by which texts are compared
_SAME_CONTEXT = 0.8  # Jaccard similarity of word triples from which on contexts are one paragraph
_BANDS, _ROWS = 16, 4  # of MinHash: finds contexts of similarity 0.8 with a probability of 0.9998
_PRIME = (1 << 31) - 1

_FUNCTION_WORDS = word_set(
    "a an the of in on at is are was were be been being do does did has have had there that as for"
)
_QUESTION_WORDS = word_set("what who whom whose when where why how")
_ENDING = re.compile(r"(?<=\w{3})(?:e?s|ed|ing|e)$")


def key_words(question: str) -> Keys:
    """The words that make the question, in their order, without endings.

    >>> key_words("When was the Heron's mast built?"), key_words("In which year did Ada build masts?")
    (('when', 'heron', 'mast', 'built'), ('what', 'year', 'ada', 'build', 'mast'))
    """
    folded = [re.sub("['\u2019]s$", "", word) for word in words(question.casefold())]
    kept = [word for word in folded if word not in _FUNCTION_WORDS]
    return tuple("what" if word == "which" else _ENDING.sub("", word) if word.isalpha() else word for word in kept)


def text_similarity(one: str, other: str) -> float:
    """Jaccard similarity of the strings of four letters in two texts, case, punctuation and white space aside.

    >>> text_similarity("Who built it?", "who built it"), round(text_similarity("Who built it?", "Who sold it?"), 2)
    (1.0, 0.17)
    """
    left, right = (Counter(_letters(text)) for text in (one, other))
    return (left & right).total() / max((left | right).total(), 1)


def paragraph_numbers(contexts: Sequence[str]) -> NDArray[np.int64]:
    """The number of each context's paragraph, int64 [N]: one for contexts that are nearly the same.

    Contexts are nearly the same if 80 % of the triples of words in either are in both, or by way of a third one.

    >>> flight = "In that hard and early spring an owl flew over the river to the far woods"
    >>> paragraph_numbers(["A brook runs.", flight, flight + ".", "An owl sat still."]).tolist()
    [0, 1, 1, 3]
    """
    first = {context: number for number, context in reversed(list(enumerate(contexts)))}
    texts = sorted(first, key=first.__getitem__)
    triples = [_triples(text) for text in texts]
    sets = DisjointSets(len(texts))
    buckets: dict[tuple[int, bytes], int] = {}
    for number, hashes in enumerate(_min_hashes(triples)):
        for band in range(_BANDS):
            other = buckets.setdefault((band, hashes[band].tobytes()), number)
            if sets.root(other) != sets.root(number) and _jaccard(triples[other], triples[number]) >= _SAME_CONTEXT:
                sets.join(other, number)
    numbers = {text: first[texts[sets.root(place)]] for place, text in enumerate(texts)}
    return np.array([numbers[context] for context in contexts], np.int64)


def same_question(one: Keys, other: Keys, same_answer: bool) -> bool:
    """Whether two questions about a paragraph ask the same, by their key words.

    Args:
        one: key words of a question.
        other: key words of the other.
        same_answer: whether both have the same answer, which is not `no answer`.

    >>> same_question(("when", "heron", "sail"), ("exact", "when", "heron", "sail"), same_answer=False)
    True
    >>> same_question(("when", "heron", "sail"), ("when", "heron", "first", "sail"), same_answer=False)
    False
    >>> same_question(("when", "heron", "sail"), ("when", "heron", "first", "sail"), same_answer=True)
    True
    """
    short, long = sorted((one, other), key=len)
    if short == long:
        return True
    if len(short) < _FEWEST_KEYS or len(long) - len(short) > min(len(short), MOST_ADDED):
        return False
    return short in _parts(long) or (same_answer and not Counter(short) - Counter(long))


def duplicate_pairs(
    keys: Sequence[Keys],
    paragraphs: NDArray[np.int64],
    answers: Sequence[str],
    candidates: Iterable[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Pairs of questions that are nearly the same, by their rows, in order.

    Args:
        keys: key words of each question.
        paragraphs: int [N], the paragraph of each.
        answers: normalised answer of each, "" for none.
        candidates: pairs of rows that some other similarity brought forward, to be tried as well.

    Returns:
        Pairs of rows ``(a, b)`` with ``a < b``: every two of a group in which each is nearly the same as some other.
        In a group of more than ``PAIRED`` the first is paired with every other one.
    """
    sets = DisjointSets(len(keys))
    whole: dict[Hashable, int] = {}
    for row, key in enumerate(keys):
        sets.join(whole.setdefault((paragraphs[row], key), row), row)
    for row, key in enumerate(keys):
        for part in _parts(key):
            if (paragraphs[row], part) in whole:
                sets.join(whole[paragraphs[row], part], row)
    for one, other in (*_of_same_answer(paragraphs, answers), *candidates):
        same_answer = bool(answers[one]) and answers[one] == answers[other]
        if paragraphs[one] == paragraphs[other] and same_question(keys[one], keys[other], same_answer):
            sets.join(one, other)
    return sorted(pair for group in sets.groups() for pair in _pairs(group))


class DisjointSets:
    """Numbers from 0 on that are joined into sets; the lowest number of a set is its root."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def root(self, number: int) -> int:
        """The lowest number of the set."""
        while self._above[number] != number:
            self._above[number] = number = self._above[self._above[number]]
        return number

    def join(self, one: int, other: int) -> None:
        """Makes one set of two."""
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low

    def groups(self) -> list[list[int]]:
        """The sets of more than one number, each in order."""
        members: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self._above)):
            members[self.root(number)].append(number)
        return [group for group in members.values() if len(group) > 1]


def _letters(text: str) -> Iterator[str]:
    plain = f" {' '.join(words(text.casefold()))} "
    return (plain[start : start + _LETTERS] for start in range(max(len(plain) - _LETTERS, 0) + 1))


def _parts(key: Keys) -> Iterator[Keys]:
    """What is left of key words when some are cut off at the ends, none of them a question word."""
    for cut in range(1, min(len(key) // 2, MOST_ADDED, len(key) - _FEWEST_KEYS) + 1):
        for start in range(cut + 1):
            end = len(key) - cut + start
            if _QUESTION_WORDS.isdisjoint(key[:start] + key[end:]):
                yield key[start:end]


def _of_same_answer(paragraphs: NDArray[np.int64], answers: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of rows with the same paragraph and answer: of very many, each with those that come next."""
    rows: dict[Hashable, list[int]] = defaultdict(list)
    for row, answer in enumerate(answers):
        if answer:
            rows[paragraphs[row], answer].append(row)
    for group in rows.values():
        for place, row in enumerate(group):
            yield from ((row, other) for other in group[place + 1 : place + PAIRED])


def _pairs(group: list[int]) -> Iterator[tuple[int, int]]:
    if len(group) <= PAIRED:
        return combinations(group, 2)
    return ((group[0], other) for other in group[1:])


def _triples(text: str) -> NDArray[np.int64]:
    """Numbers below ``_PRIME`` for the triples of words in a text, each once, in order; a short text is one triple."""
    marks = [crc32(word.encode()) >> 2 for word in words(text.casefold())]
    numbers = np.array(marks if len(marks) > 2 else [*marks, 0, 0, 0][:3], np.int64)
    return np.unique((numbers[:-2] * 31 + numbers[1:-1] * 7 + numbers[2:]) % _PRIME)


def _min_hashes(sets: Sequence[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    """MinHash signatures, int64 [bands, rows] each: the lowest value of each of some random permutations."""
    draw = np.random.default_rng(0)  # any permutations will do: what they bring forward is measured exactly
    factor, shift = draw.integers(1, _PRIME, (2, _BANDS * _ROWS))
    for numbers in sets:
        yield ((numbers[:, None] * factor + shift) % _PRIME).min(axis=0).reshape(_BANDS, _ROWS)


def _jaccard(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
