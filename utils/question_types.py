"""What kind of question it is, by its question word."""

from __future__ import annotations

import re

TYPES = ("what", "who", "when", "where", "which", "why", "how", "how many", "how much", "other")
"""Every question type."""

_WORD = re.compile(
    r"\b(how\s+many|how\s+much|how|what|who|whom|whose|when|where|which|why)(?:['\u2019](?:s|re|d|ll|ve)|s|re)?\b", re.I
)
_OPENING = re.compile(r"(?:[^\w]*(?:(?:and|but|so|then|about|after|against|along|among|around|as|at|before|behind|by"
    r"|during|for|from|in|into|near|of|on|onto|out|over|since|through|to|toward|towards|under|until|upon|with|within"
    r"|without|according|except|besides|because|up)\b\s*)*)[^\w]*", re.I)  # fmt: skip
_AUXILIARY = re.compile(
    r"\s+(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|else)\b", re.I
)
_SUBORDINATE = ("when", "where")  # "When the mill burnt, who ..." asks who


def question_type(question: str) -> str:
    """One of ``TYPES``: the question word that the question is about, or ``other``.

    The word that opens the question counts (after a preposition, too), unless it opens a subordinate clause; else the
    last one that follows a comma, else the last one.

    Example:
        >>> question_type("In what year did the mill burn?"), question_type("The mill burnt how many times?")
        ('what', 'how many')
        >>> question_type("When the mill burnt, who saved the miller?"), question_type("Name the miller.")
        ('who', 'other')
    """
    found = list(_WORD.finditer(question))
    if not found:
        return "other"
    return _name(_asking(question, found))


def _asking(question: str, found: list[re.Match[str]]) -> re.Match[str]:
    first, after_comma = found[0], [match for match in found[1:] if question[: match.start()].rstrip().endswith(",")]
    if _OPENING.fullmatch(question, 0, first.start()):
        subordinate = first.group(1).lower() in _SUBORDINATE and not _AUXILIARY.match(question, first.end())
        return after_comma[-1] if subordinate and after_comma else first
    if question[: first.start()].rstrip().endswith(","):
        after_comma = [first, *after_comma]
    return (after_comma or found)[-1]


def _name(match: re.Match[str]) -> str:
    word = " ".join(match.group(1).lower().split())
    return "who" if word in ("whom", "whose") else word
