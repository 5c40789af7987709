"""Checks raw SQuAD records: every problem of a source in one report, and warnings with counts."""

from __future__ import annotations

import difflib
import re
import reprlib
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from .questions import DataError, Gold, Question

SHOWN_PROBLEMS = 20
SHOWN_EXAMPLES = 3
_SHOWN_KEYS = 5

_ARTICLES = {"a", "an", "the"}
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_KEYS = frozenset(
    "data title paragraphs context qas id question answers is_impossible plausible_answers text answer_start "
    "fact subject".split()
)
_OTHER_NAMES = {
    "data": ("dataset", "articles", "rows", "examples"),
    "id": ("question_id", "questionId", "uid", "key"),
    "context": ("passage", "paragraph", "text", "document"),
    "question": ("query",),
    "qas": ("questions", "qa"),
    "text": ("answer", "answer_text", "answerText"),
    "answer_start": ("start", "offset", "start_offset", "char_start"),
}
"""What other formats call the same, as far as it is not alike."""

_FLATTENED = re.compile(r"(gold|label)?s?[^a-z]*answers?([^a-z]*(text|start|answer_start)s?)*", re.IGNORECASE)
_SCRIPTS_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


_SHORT = reprlib.Repr()  # neither long nor deep values are gone through for the sake of a few characters
_SHORT.maxlevel = 4
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100


class Checker:
    """Turns the raw records of one source (a file or a hub split) into questions.

    Problems and warnings are gathered on the way; ``finish`` raises all problems at once.

    Args:
        source: what the report calls the source, as a rule the file's path.
        seen: where each question id was met; shared by the shards of a split.
        title: for questions whose data names none.
    """

    def __init__(self, source: str, seen: dict[str, str] | None = None, title: str = "untitled") -> None:
        self.source = source
        self._title = title
        self._seen = {} if seen is None else seen
        self._questions: list[Question] = []
        self._contexts: dict[str, str] = {}
        self._problems: list[str] = []  # the first ones; all are counted
        self._problem_count = 0
        self._warnings: dict[str, list[str]] = {}
        self._taken: Counter[str] = Counter()  # what is usual elsewhere, and as what it was read
        self._unread: dict[str, None] = {}
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
            near = near_miss(key, record) if value is None else None
            self.problem(place, fault[0], near or fault[1])
            return None
        return str(value)

    def title(self, record: Mapping[str, Any], place: str) -> tuple[str | None, str]:
        """The title of an article or a row, None once a problem with it has been noted; and the place with it."""
        title = record.get("title")
        if title is None or (isinstance(title, str) and not title.strip()):
            self.take(f"missing titles, as `{self._title}`")
            return self._title, place
        title = self.text(record, "title", place)
        return title, place if title is None else f"{place} ({title})"

    def take(self, what: str, count: int = 1) -> None:
        """Notes that something is not as SQuAD has it, yet can only mean one thing; and what it was read as."""
        self._taken[what] += count

    def leave(self, names: Iterable[str]) -> None:
        """Notes that these keys or columns are not read."""
        self._unread |= dict.fromkeys(names)

    def items(self, record: Mapping[str, Any], key: str, place: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The objects of a required list with their numbers from 1; anything else is a problem."""
        values = record.get(key)
        if values is None:
            remedy = near_miss(key, record) or "add the list, empty if there is nothing in it"
            self.problem(place, f"`{key}` is missing", remedy)
        elif not isinstance(values, list):
            self.problem(place, f"`{key}` is {kind(values)}, not a list", "make it a list of objects")
        else:
            yield from self.objects(values, key, place)

    def objects(self, values: Iterable[Any], name: str, place: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The objects among values with their numbers from 1; anything else is a problem."""
        for number, value in enumerate(values, 1):
            if isinstance(value, Mapping):
                if not value.keys() <= _KEYS:
                    self.leave(key for key in value if key not in _KEYS)
                yield number, value
            else:
                what = f"item {number} of `{name}` is {kind(value)} ({quote(value)}), not an object"
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
        key = self._id(record, place)
        if key is not None:
            place = f"{place}, question {key}"
            self._check_id(key, place)
        text = self.text(record, "question", place)
        if text is not None and text != text.strip():
            self._warn("questions that begin or end with white space", place)
        lost = None if record.get("answers") or record.get("is_impossible") is True else answers_meant(record)
        if lost is not None:
            remedy = f"`{lost}`: did you mean `answers`? It is a list of objects with `text` and `answer_start`"
            self.problem(place, "`answers` is " + ("missing" if record.get("answers") is None else "empty"), remedy)
            return
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
        """A line of what was taken as it was meant, and one for each kind of oddity met, with count and some places."""
        taken = [f"{what} ({count:,})" for what, count in self._taken.items()]
        if self._unread:
            names = [quote(name) for name in list(self._unread)[:_SHOWN_KEYS]]
            more = f" and {len(self._unread) - _SHOWN_KEYS} more" if len(self._unread) > _SHOWN_KEYS else ""
            taken.append(f"not read: {', '.join(names)}{more}")
        return [f"{self.source}: taken as it is meant: {'; '.join(taken)}"] * bool(taken) + [
            f"{self.source}: {what} ({len(places)}), e.g. {'; '.join(places[:SHOWN_EXAMPLES])}"
            for what, places in self._warnings.items()
        ]

    def _warn(self, what: str, place: str) -> None:
        self._warnings.setdefault(what, []).append(place)

    def _id(self, record: Mapping[str, Any], place: str) -> str | None:
        key = record.get("id")
        if isinstance(key, int) and not isinstance(key, bool):
            self.take("ids that are numbers, as text")
            return str(key)
        return self.text(record, "id", place)

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
            remedy = near_miss("text", answer) if text is None else None
            what = f"`text` is {quote(text)}, not an answer"
            self.problem(place, what, remedy or "copy the answer from the context")
            return Gold("", 0)
        if isinstance(start, float) and start.is_integer():
            self.take("offsets with a decimal point, as whole numbers")
            start = int(start)
        if not isinstance(start, int) or isinstance(start, bool):
            remedy = near_miss("answer_start", answer) if start is None else None
            what = f"`answer_start` is {quote(start)}, not a whole number"
            self.problem(place, what, remedy or "count characters from 0")
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


def near_miss(key: str, names: Iterable[str]) -> str | None:
    """The question whether one of the names, none that SQuAD has, is meant to be the key; None if none is alike.

    >>> near_miss("paragraphs", ["title", "paragraph"]), near_miss("id", ["qid"]), near_miss("id", ["question"])
    ('`paragraph`: did you mean `paragraphs`?', '`qid`: did you mean `id`?', None)
    """
    others = [name for name in names if name not in _KEYS or name in _OTHER_NAMES.get(key, ())]
    known = [name for name in others if name in _OTHER_NAMES.get(key, ())]
    lower = {name.lower(): name for name in others}
    alike = [lower[name] for name in difflib.get_close_matches(key, lower, n=1, cutoff=0.75)]
    return next((f"`{name}`: did you mean `{key}`?" for name in known + alike), None)


def answers_meant(record: Mapping[str, Any]) -> str | None:
    """The key of a record that holds answers under another name than `answers`, whole or flattened, if there is one.

    >>> answers_meant({"answer": ["an owl"]}), answers_meant({"answers.text": "an owl"}), answers_meant({"answer": ""})
    ('answer', 'answers.text', None)
    """
    return next((key for key, value in record.items() if _means_answers(key) and value not in (None, "", [], {})), None)


@lru_cache(maxsize=256)
def _means_answers(name: str) -> bool:
    """Whether a key or column looks as if it held answers, though it is not `answers`.

    >>> [_means_answers(name) for name in ("Answers", "anwsers", "answer_start", "answers", "answer_category", "text")]
    [True, True, True, False, False, False]
    """
    if name in _KEYS and name != "answer_start":
        return False
    alike = difflib.SequenceMatcher(None, name.lower(), "answers").ratio() > 0.84
    return alike or bool(_FLATTENED.fullmatch(name))


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
    shown = _SHORT.repr(value)
    return shown if len(shown) <= limit else shown[:limit] + "…"


def _text_fault(key: str, value: object) -> tuple[str, str] | None:
    if value is None:
        return f"`{key}` is missing", "add it"
    if not isinstance(value, str):
        return f"`{key}` is {kind(value)} ({quote(value)}), not text", "make it a string"
    if not value.strip():
        return f"`{key}` is empty", f"write the {key} or remove the entry"
    half = _half_pair(value)
    if half is not None:
        return f"`{key}` holds half of a surrogate pair at character {half}", "write the whole character"
    return None


def _half_pair(text: str) -> int | None:
    """Where a text holds half of a surrogate pair, which no file can be written with."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _what_stands_there(text: str, context: str, start: int) -> str:
    if not 0 <= start < len(context):
        return f"{quote(text)} is not at `answer_start` {start}: the context has characters 0 to {len(context) - 1}"
    return f"{quote(text)} is not at `answer_start` {start}, where {quote(context[start : start + len(text)])} stands"


def _where_it_stands(text: str, context: str, start: int) -> str:
    before = context.rfind(text, 0, max(start - 1 + len(text), 0))  # it may reach beyond the offset
    places = [index for index in (before, context.find(text, max(start, 0))) if index >= 0]
    if not places:
        return "the context does not hold this text, so correct the text or remove the answer"
    nearest = f"the nearest place of the text is {min(places, key=lambda index: abs(index - start))}"
    units = [(unit, place) for unit, place in _in_characters(context, start) if context.startswith(text, place)]
    return nearest + "".join(f"; if {unit} were counted, {start} means {place}" for unit, place in units)


def _in_characters(context: str, start: int) -> list[tuple[str, int]]:
    """The offsets in characters that an offset would mean if other units had been counted."""
    found = []
    for unit, encoding, width in (("UTF-16 units", "utf-16-le", 2), ("bytes of UTF-8", "utf-8", 1)):
        before = context.encode(encoding)[: max(start, 0) * width]
        found.append((unit, len(before.decode(encoding, "ignore"))))
    return found
