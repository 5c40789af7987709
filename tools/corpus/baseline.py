"""The baseline that has learned nothing: the nearest sentence, and in it the first span of the type asked for.

The nearest sentence shares the most words with the question. The question word decides the type: a name for
``who``, a year for ``when`` and ``what year``, a number for ``how many``. Spans that the question itself holds are
passed over, as nobody asks for what is known. Without a fitting span there is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from utils.questions import Question
from utils.squad_metrics import evaluate, group_scores
from utils.words import sentence_spans, words

_NUMBER_WORDS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_AMOUNT = rf"\d[\d,.]*\d|\d|{_NUMBER_WORDS}"
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_AND_MORE = r"(?: (?:of (?:the )?|and )?[A-Z]\w+)"

_DATE = rf"\d{{1,2}} (?:{_MONTH}) \d{{4}}"
_YEAR = r"\b1\d{3}\b"
_NUMBER = rf"\b(?:{_AMOUNT})\b"
_PERCENT = rf"{_NUMBER} per ?cent"
_MEASURE = rf"(?!{_YEAR}){_NUMBER}(?: million)? [a-z]+"
_NAME = rf"(?<!\d )\b[A-Z]\w+{_AND_MORE}+|(?<=[a-z,] )[A-Z]\w+"  # one capital that opens a sentence is no name
_TITLE = r'"[^"]+"'
_REASON = r"(?<=because )[^,.]+"
_MANNER = r"(?<=\bby )\w+ing\b[^,.]*"

_TYPES: tuple[tuple[str, str], ...] = (
    (r"\bwhy\b|\breason\b", _REASON),
    (r"\bhow many\b|\bnumber\b", _NUMBER),
    (r"\bpercent|\bshare\b|\bproportion\b", _PERCENT),
    (r"\bhow (?:much|long|high|tall|heavy|large|big|deep|far)\b|\b(?:length|weight|height|sum|price|cost)\b", _MEASURE),
    (r"\bhow\b|\b(?:way|method|means)\b", _MANNER),
    (r"\byear\b", _YEAR),
    (r"\bwhen\b|\bdate\b|\bday\b", f"{_DATE}|{_YEAR}"),
    (r"\bsong\b|\balbum\b|\btreatise\b|\btitle\b", _TITLE),
    (r"", f"{_TITLE}|{_NAME}"),
)  # fmt: skip
"""What in a question asks for which type, the first that fits; who, where, what and which ask for a name."""


def answer(question: str, context: str) -> str:
    """The baseline's answer; the empty text where the nearest sentence has no span of the type.

    Example:
        >>> answer("When was the mill built?", "The mill was built by Ann in 1874. It burnt in 1902.")
        '1874'
    """
    asked = _folded(question)
    sentences = [context[start:end] for start, end in sentence_spans(context)]
    nearest = max(sentences, key=lambda sentence: len(asked & _folded(sentence)))
    wanted = next(span for cue, span in _TYPES if re.search(cue, question, re.IGNORECASE))
    spans = (match.group() for match in re.finditer(wanted, nearest))
    return next((span for span in spans if not _folded(span) <= asked), "")


def scores(
    questions: Sequence[Question], *groupings: Callable[[Question], str]
) -> tuple[dict[str, float], list[dict[str, dict[str, float]]]]:
    """The official figures of the baseline's answers, overall and by each grouping of the questions.

    Raises:
        ScoreError: if a question is unlabeled, or there is none.
    """
    answers = {question.id: answer(question.question, question.context) for question in questions}
    return evaluate(answers, questions), [group_scores(answers, questions, grouping) for grouping in groupings]


def _folded(text: str) -> set[str]:
    return {word.removesuffix("'s") for word in words(text.lower())}
