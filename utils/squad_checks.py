"""Checks raw SQuAD records: every problem of a source in one report, and warnings with counts."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from .questions import DataError, Gold, Question

SHOWN_PROBLEMS = 20
SHOWN_EXAMPLES = 3

_ARTICLES = {"a", "an", "the"}
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SCRIPTS_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


class Checker:
    """Turns the raw records of one source (a file or a hub split) into questions.

    Problems and warnings are gathered on the way; ``finish`` raises all problems at once.

    Args:
        source: what the report calls the source, as a rule the file's path.
        seen: where each question id was met; shared by the shards of a split.
    """

    def __init__(self, source: str, seen: dict[str, str] | None = None) -> None:
        self.source = source
        self._seen = {} if seen is None else seen
        self._questions: list[Question] = []
        self._contexts: dict[str, str] = {}
        self._problems: list[str] = []  # the first ones; all are counted
        self._problem_count = 0
        self._warnings: dict[str, list[str]] = {}
        self._unlabeled: list[str] = []
        self._labeled = False

    def problem(self, place: str, what: str, remedy: str) -> None:
        """Notes something that makes the source unusable."""
        self._problem_count += 1
        if self._problem_count <= SHOWN_PROBLEMS:
            self._problems.append(f"{place}: {what}; {remedy}")

    def text(self, record: Mapping[str, Any], key: str, place: str) -> str | None:
        """The text of a required field, or None once a problem with it has been noted."""
        value = record.get(key)
        fault = _text_fault(key, value)
        if fault:
            self.problem(place, *fault)
            return None
        return str(value)

    def items(self, record: Mapping[str, Any], key: str, place: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The objects of a required list with their numbers from 1; anything else is a problem."""
        values = record.get(key)
        if values is None:
            self.problem(place, f"`{key}` is missing", "add the list, empty if there is nothing in it")
        elif not isinstance(values, list):
            self.problem(place, f"`{key}` is {kind(values)}, not a list", "make it a list of objects")
        else:
            for number, value in enumerate(values, 1):
                if isinstance(value, Mapping):
                    yield number, value
                else:
                    what = f"item {number} of `{key}` is {kind(value)} ({quote(value)}), not an object"
                    self.problem(place, what, "mend or remove it")

    def context(self, record: Mapping[str, Any], place: str) -> str | None:
        """The context of a record, one string object for equal ones."""
        context = self.text(record, "context", place)
        if context is None or context in self._contexts:
            return self._contexts.get(context or "")
        if context != context.strip():
            self._warn("contexts that begin or end with white space", place)
        return self._contexts.setdefault(context, context)

    def question(self, record: Mapping[str, Any], title: str | None, context: str | None, place: str) -> None:
        """Checks one question; ``title`` and ``context`` are None if they had a problem themselves."""
        key = self.text(record, "id", place)
        if key is not None:
            place = f"{place}, question {key}"
            self._check_id(key, place)
        text = self.text(record, "question", place)
        if text is not None and text != text.strip():
            self._warn("questions that begin or end with white space", place)
        golds = self._golds(record, context, place)
        labeled = record.get("answers") is not None or record.get("is_impossible") is not None
        if labeled:
            self._labeled = True
            self._check_is_impossible(record.get("is_impossible"), len(golds), place)
        else:
            self._unlabeled.append(place)
        if key is None or text is None or title is None or context is None:
            return
        self._questions.append(Question(key, title, text, context, golds, labeled))

    def finish(self) -> list[Question]:
        """The questions.

        Raises:
            DataError: with the first problems and their number, if there is any problem.
        """
        if self._labeled:
            for place in self._unlabeled:
                what = "neither `answers` nor `is_impossible` is given, though other questions have them"
                self.problem(place, what, "add them, or move the question to an unlabeled file")
        if self._problem_count:
            many = self._problem_count > SHOWN_PROBLEMS
            count = "1 problem" if self._problem_count == 1 else f"{self._problem_count} problems"
            head = f"{self.source} has {count}" + (f"; the first {SHOWN_PROBLEMS}:" if many else ":")
            raise DataError("\n  ".join([head, *self._problems]))
        if not self._questions:
            raise DataError(f"{self.source} holds no question. Add questions, or name another file.")
        return self._questions

    def warnings(self) -> list[str]:
        """A line for each kind of oddity met, with its count and some places."""
        return [
            f"{self.source}: {what} ({len(places)}), e.g. {'; '.join(places[:SHOWN_EXAMPLES])}"
            for what, places in self._warnings.items()
        ]

    def _warn(self, what: str, place: str) -> None:
        self._warnings.setdefault(what, []).append(place)

    def _check_id(self, key: str, place: str) -> None:
        if "#" in key:
            self.problem(place, "the id holds `#`, which marks the windows of a question", "use another character")
        if key in self._seen:
            self.problem(place, f"the id was used before, at {self._seen[key]}", "give each question its own id")
        else:
            self._seen[key] = f"{self.source}, {place}"

    def _check_is_impossible(self, flag: object, answers: int, place: str) -> None:
        if flag is not None and not isinstance(flag, bool):
            self.problem(place, f"`is_impossible` is {kind(flag)} ({quote(flag)})", "make it true or false")
        elif flag is True and answers:
            self.problem(place, f"`is_impossible` is true, but there are answers ({answers})", "correct one of the two")
        elif flag is False and not answers:
            self.problem(place, "`is_impossible` is false, but there is no answer", "add one, or set it to true")

    def _golds(self, record: Mapping[str, Any], context: str | None, place: str) -> tuple[Gold, ...]:
        answers = record.get("answers")
        if answers is None:
            return ()
        if isinstance(answers, Mapping):  # the hub's columns: a list of texts and a list of offsets
            texts, starts = answers.get("text"), answers.get("answer_start")
            if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
                self.problem(
                    place, "`answers` has not one `answer_start` for each `text`", "make the lists equally long"
                )
                return ()
            pairs = zip(texts, starts, strict=True)
            record = {"answers": [{"text": text, "answer_start": start} for text, start in pairs]}
        golds = (self._gold(answer, context, number, place) for number, answer in self.items(record, "answers", place))
        return tuple(golds)

    def _gold(self, answer: Mapping[str, Any], context: str | None, number: int, place: str) -> Gold:
        place = f"{place}, answer {number}"
        text, start = answer.get("text"), answer.get("answer_start")
        if not isinstance(text, str) or not text:
            self.problem(place, f"`text` is {quote(text)}, not an answer", "copy the answer from the context")
            return Gold("", 0)
        if not isinstance(start, int) or isinstance(start, bool):
            self.problem(place, f"`answer_start` is {quote(start)}, not a whole number", "count characters from 0")
            return Gold(text, 0)
        if context is not None:
            if start >= 0 and context.startswith(text, start):
                self._warn_about_answer(text, context, start, place)
            else:
                self.problem(place, _what_stands_there(text, context, start), _where_it_stands(text, context, start))
        return Gold(text, start)

    def _warn_about_answer(self, text: str, context: str, start: int, place: str) -> None:
        if text != text.strip():
            self._warn("answers that begin or end with white space", f"{place} {quote(text)}")
        if normalizes_to_nothing(text):
            self._warn("answers that normalise to nothing", f"{place} {quote(text)}")
        end = start + len(text)
        if same_word(context[max(start - 1, 0) : start + 1]) or same_word(context[end - 1 : end + 1]):
            around = quote(context[max(start - 12, 0) : end + 12], 60)
            self._warn("answers that hold only part of a word", f"{place} {quote(text)} in {around}")


def normalizes_to_nothing(text: str) -> bool:
    """Whether the official scorer would leave nothing of a text: only articles and punctuation.

    >>> normalizes_to_nothing("the ..."), normalizes_to_nothing("the owl")
    (True, False)
    """
    return all(word in _ARTICLES for word in text.lower().translate(_NO_PUNCTUATION).split())


def same_word(pair: str) -> bool:
    """Whether two neighbouring characters belong to one word; unknowable in scripts without spaces.

    >>> same_word("ab"), same_word("a-"), same_word("a"), same_word("日本")
    (True, False, False, False)
    """
    if len(pair) < 2 or not pair[0].isalnum():
        return False
    if not pair[1].isalnum() and not unicodedata.category(pair[1]).startswith("M"):
        return False
    return not any(unicodedata.name(letter, "").startswith(_SCRIPTS_WITHOUT_SPACES) for letter in pair)


def kind(value: object) -> str:
    """What JSON calls the type of a value.

    >>> kind([]), kind(1.5), kind(None)
    ('a list', 'a number', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def quote(value: object, limit: int = 40) -> str:
    """A value as a report shows it, cut to about ``limit`` characters.

    >>> quote("an owl flies", 6)
    "'an owl…'"
    """
    if isinstance(value, str):
        return repr(value if len(value) <= limit else value[:limit] + "…")
    shown = repr(value)
    return shown if len(shown) <= limit else shown[:limit] + "…"


def _text_fault(key: str, value: object) -> tuple[str, str] | None:
    if value is None:
        return f"`{key}` is missing", "add it"
    if not isinstance(value, str):
        return f"`{key}` is {kind(value)} ({quote(value)}), not text", "make it a string"
    if not value.strip():
        return f"`{key}` is empty", f"write the {key} or remove the entry"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"`{key}` holds half of a surrogate pair at character {error.start}", "write the whole character"
    return None


def _what_stands_there(text: str, context: str, start: int) -> str:
    if not 0 <= start < len(context):
        return f"{quote(text)} is not at `answer_start` {start}: the context has characters 0 to {len(context) - 1}"
    return f"{quote(text)} is not at `answer_start` {start}, where {quote(context[start : start + len(text)])} stands"


def _where_it_stands(text: str, context: str, start: int) -> str:
    places = [
        index for index in (context.rfind(text, 0, max(start, 0)), context.find(text, max(start, 0))) if index >= 0
    ]
    if not places:
        return "the context does not hold this text, so correct the text or remove the answer"
    return f"the nearest place of the text is {min(places, key=lambda index: abs(index - start))}"
