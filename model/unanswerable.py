"""Questions without an answer, made from questions with one, for data that has few.

A model that never saw a question without an answer always gives one. So one thing that a question says is replaced by
another of its kind that the text does not have: a name, a number, or a word by its opposite. The text stays, and with
it something of the right kind, as in the questions of SQuAD 2.0's annotators (Rajpurkar et al., 2018, *Know What You
Don't Know*). Questions about a text from which the answer was taken, or about another text, are easier to make, but
teach that few common words mean no answer, which is wrong of questions in other words than the text's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from random import Random

from utils.questions import Question

Alteration = tuple[int, int, str]  # characters [start, end) of a question, and what stands there instead

OPPOSITES = (
    "first last", "largest smallest", "biggest smallest", "highest lowest", "longest shortest", "oldest youngest",
    "earliest latest", "most least", "more fewer", "best worst", "before after", "above below", "inside outside",
    "north south", "northern southern", "east west", "eastern western", "upper lower", "new old", "young old",
    "increase decrease", "increased decreased", "gain lose", "gained lost", "win lose", "won lost", "begin end",
    "began ended", "start end", "started ended", "open close", "opened closed", "join leave", "joined left",
    "arrive leave", "arrived left", "buy sell", "bought sold", "build destroy", "built destroyed", "accept refuse",
    "accepted refused", "allow forbid", "allowed forbidden", "support oppose", "supported opposed", "rise fall",
    "rose fell", "male female", "father mother", "brother sister", "son daughter", "husband wife", "men women",
    "king queen", "summer winter", "morning evening", "public private", "hot cold", "same different", "always never",
    "major minor", "cheap expensive", "like dislike", "liked disliked",
)  # fmt: skip
"""Words of opposite meaning, either of which may stand for the other."""

_OPPOSITE = {one: other for pair in OPPOSITES for one, other in (pair.split(), pair.split()[::-1])}
_WORD = re.compile(r"[a-z']+")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-zà-ÿ]+(?: [A-Z][a-zà-ÿ]+)*\b")
_NUMBER = re.compile(r"\b\d{2,4}\b")


def unanswerable(questions: Sequence[Question], share: float, seed: int) -> list[Question]:
    """Unanswerable questions, made from answerable ones.

    Args:
        questions: of one source; the names that are put in are those of its texts.
        share: how many are made, as a share of the answerable questions; fewer where too few can be altered.
        seed: decides which, and how.

    Returns:
        New questions about the same texts, with ids of their own.

    Example:
        >>> from utils.questions import Gold
        >>> asked = Question("q", "Ada", "What was built in 1902?", "In 1902 Bo built a barn.", (Gold("a barn", 17),))
        >>> [made] = unanswerable([asked], 1.0, 3)
        >>> made.id, made.golds, made.question == asked.question
        ('q-altered', (), False)
    """
    random = Random(f"{seed} unanswerable")
    answerable = [question for question in questions if question.answerable]
    texts = dict.fromkeys(question.context for question in answerable)
    names = sorted({name for text in texts for name in _NAME.findall(text)})
    wanted = round(share * len(answerable))
    made: list[Question] = []
    for question in random.sample(answerable, len(answerable)):
        if len(made) == wanted:
            break
        found = _altered(question, names, random)
        if found:
            made.append(found)
    return made


def _altered(question: Question, names: Sequence[str], random: Random) -> Question | None:
    ways: list[Callable[[], Iterable[Alteration]]] = [
        lambda: _other_names(question, names, random),
        lambda: _other_numbers(question, random),
        lambda: _opposites(question),
    ]
    random.shuffle(ways)
    found = next((found for way in ways if (found := list(way()))), None)
    if not found:
        return None
    start, end, other = random.choice(found)
    text = question.question[:start] + other + question.question[end:]
    return replace(question, id=f"{question.id}-altered", question=text, golds=())


def _other_names(question: Question, names: Sequence[str], random: Random) -> Iterable[Alteration]:
    for match in _NAME.finditer(question.question):
        other = random.choice(names) if names else match.group()
        if match.group() in question.context and other not in question.context:
            yield (*match.span(), other)


def _other_numbers(question: Question, random: Random) -> Iterable[Alteration]:
    """Other numbers of as many digits, near enough to be taken for those that the text has."""
    for match in _NUMBER.finditer(question.question):
        number = int(match.group())
        other = str(number + random.choice((-1, 1)) * random.randint(1, max(1, number // 50)))
        if match.group() in question.context and other not in question.context:
            yield (*match.span(), other)


def _opposites(question: Question) -> Iterable[Alteration]:
    told = set(_WORD.findall(question.context.lower()))
    for match in _WORD.finditer(question.question):
        other = _OPPOSITE.get(match.group())
        if other and other not in told:
            yield (*match.span(), other)
