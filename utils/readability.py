"""How hard a text is to read: the Automated Readability Index, which needs no list of words or syllables.

Source: R. J. Senter and E. A. Smith, "Automated Readability Index", AMRL-TR-66-220, Aerospace Medical Research
Laboratories, Wright-Patterson Air Force Base, Ohio, 1967.
"""

from __future__ import annotations

from .words import INSIDE_WORDS, WORD, sentence_spans, words


def readability(text: str) -> float | None:
    """The Automated Readability Index: about the years of schooling that a reader needs.

    ``4.71 * characters / words + 0.5 * words / sentences - 21.43``, where characters are letters and digits.

    Returns:
        The index, which is negative for the simplest texts, or None for a text without words.

    Example:
        >>> round(readability("The owl flies. It sees a mouse."), 2)
        -4.2
    """
    found = words(text)
    if not found:
        return None
    characters = sum(map(len, found)) - sum(map("".join(found).count, INSIDE_WORDS))
    sentences = sum(bool(WORD.search(text, start, end)) for start, end in sentence_spans(text))
    return 4.71 * characters / len(found) + 0.5 * len(found) / sentences - 21.43
