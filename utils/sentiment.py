"""Polarity and subjectivity of a text, by the lexicon that TextBlob carries inside its own package.

The lexicon is that of pattern.en (T. De Smedt and W. Daelemans, "Pattern for Python", JMLR 13, 2012). Scoring with
it opens no corpus of NLTK's, so nothing is downloaded and no home folder is needed.
"""

from __future__ import annotations

from typing import NamedTuple


class Sentiment(NamedTuple):
    """Polarity from -1 (negative) to 1 (positive); subjectivity from 0 (factual) to 1 (opinion)."""

    polarity: float
    subjectivity: float


def sentiment(text: str) -> Sentiment:
    """The mean polarity and subjectivity of the words that the lexicon knows; both 0 where it knows none.

    Example:
        >>> sentiment("A lovely evening.")
        Sentiment(polarity=0.5, subjectivity=0.75)
    """
    from textblob.en import sentiment as score  # it imports NLTK: 0.4 s that not everyone needs to wait

    polarity, subjectivity = score(text)
    return Sentiment(float(polarity), float(subjectivity))
