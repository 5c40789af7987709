"""The rules and totals of the official SQuAD 2.0 evaluation, by the official names.

Source: the evaluation script of https://rajpurkar.github.io/SQuAD-explorer/ (Rajpurkar, Jia and
Liang, 2018), whose figures are reproduced to the last digits.
"""

from __future__ import annotations

import logging
import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from project_config import ProjectError

from .json_files import JsonError, read_json
from .questions import Question

OFFICIAL_THRESHOLD = 1.0
"""A question whose no-answer figure is above this counts as answered with no answer."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_SHOWN = 20  # ids listed in a message
_SHOWN_LETTERS = 100  # of an id
_FORM = 'Give one JSON object of {"id": value}.'

_log = logging.getLogger(__name__)


class ScoreError(ProjectError):
    """Predictions and questions cannot be scored against each other."""


def normalize_answer(text: str) -> str:
    """Lower case, without ASCII punctuation, articles and surplus white space.

    Example:
        >>> normalize_answer("The  U.S. Navy's")
        'us navys'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def lenient_answer(text: str) -> str:
    """A normalised answer that has lost quotation marks and punctuation of every script too.

    Example:
        >>> lenient_answer("“The Raven”") == lenient_answer("raven")
        True
    """
    return normalize_answer("".join(char for char in normalize_answer(text) if not _is_mark(char)))


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1.0 if the prediction equals any gold text once both are normalised; without golds, if it is empty.

    Example:
        >>> exact_match("the Rhine", ["Rhine", "river Rhine"]), exact_match("Rhine", [])
        (1.0, 0.0)
    """
    return _matches(prediction, golds, normalize_answer)


def lenient_match(prediction: str, golds: Sequence[str]) -> float:
    """Like ``exact_match``, but no mark of punctuation counts: at least as large, always.

    Example:
        >>> exact_match("«Nevermore»", ["Nevermore"]), lenient_match("«Nevermore»", ["Nevermore"])
        (0.0, 1.0)
    """
    return _matches(prediction, golds, lenient_answer)


def f1(prediction: str, golds: Sequence[str]) -> float:
    """The best overlap in normalised words with any gold text; without golds, 1.0 if the prediction is empty.

    Example:
        >>> round(f1("upper Rhine valley", ["the Rhine"]), 3)
        0.5
    """
    words = normalize_answer(prediction).split()
    return max(_word_f1(words, normalize_answer(gold).split()) for gold in _scored(golds))


def question_scores(
    predictions: Mapping[str, str], questions: Sequence[Question]
) -> tuple[dict[str, float], dict[str, float]]:
    """Exact match and F1 of each question, by id.

    Raises:
        ScoreError: if there is no question, a question is unlabeled or has no prediction.
    """
    if not questions:
        raise ScoreError("There is no question to score. Name a split or a file that has questions.")
    _refuse([q.id for q in questions if not q.labeled], "unlabeled", "Score a split that has gold answers.")
    _refuse_missing(predictions, questions, "prediction")
    golds = {question.id: [gold.text for gold in question.golds] for question in questions}
    exact = {key: exact_match(predictions[key], texts) for key, texts in golds.items()}
    return exact, {key: f1(predictions[key], texts) for key, texts in golds.items()}


def evaluate(
    predictions: Mapping[str, str],
    questions: Sequence[Question],
    null_odds: Mapping[str, float] | None = None,
    threshold: float = OFFICIAL_THRESHOLD,
) -> dict[str, float]:
    """The figures that the official script prints, under its names and in its order.

    Args:
        predictions: ``{id: text}``; the empty text is `no answer`. Ids of other questions are ignored.
        questions: labeled questions.
        null_odds: ``{id: figure}``, the higher, the likelier that there is no answer: probabilities
            or logits. With it come ``best_exact``, ``best_f1`` and their thresholds.
        threshold: above it a null odds figure turns the prediction into `no answer`.

    Raises:
        ScoreError: if there is no question, a question is unlabeled, or has no prediction or null
            odds (the official script ends in a KeyError there), or the threshold is not a number.
    """
    if math.isnan(threshold):
        raise ScoreError("the threshold of null odds is not a number. Give one, as 0 or 0.5.")
    exact, overlap = question_scores(predictions, questions)
    answerable = {question.id: question.answerable for question in questions}
    final = exact, overlap
    if null_odds is not None:
        _refuse_missing(null_odds, questions, "null odds")
        silent = {key for key in answerable if null_odds[key] > threshold}
        final = _silence(exact, silent, answerable), _silence(overlap, silent, answerable)

    figures = _totals(*final, list(answerable))
    for prefix, wanted in (("HasAns", True), ("NoAns", False)):
        keys = [key for key, has_answer in answerable.items() if has_answer is wanted]
        if keys:
            figures |= {f"{prefix}_{name}": value for name, value in _totals(*final, keys).items()}
    if null_odds is not None:
        for name, raw in (("exact", exact), ("f1", overlap)):
            best = _best_threshold(raw, predictions, null_odds, answerable)
            figures[f"best_{name}"], figures[f"best_{name}_thresh"] = best
    return figures


def group_scores(
    predictions: Mapping[str, str], questions: Sequence[Question], key: Callable[[Question], str]
) -> dict[str, dict[str, float]]:
    """``exact``, ``f1`` and ``total`` of each group of questions, the largest group first.

    Args:
        predictions: ``{id: text}``.
        questions: labeled questions.
        key: the name of a question's group, e.g. ``lambda question: question.title``.

    Raises:
        ScoreError: as ``evaluate``.
    """
    exact, overlap = question_scores(predictions, questions)
    groups: dict[str, list[str]] = {}
    for question in questions:
        groups.setdefault(key(question), []).append(question.id)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return {name: _totals(exact, overlap, keys) for name, keys in ranked}


def by_answerability(figures: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """``exact``, ``f1`` and ``total`` of all questions, of those with an answer and of those without, if there are any.

    Args:
        figures: as ``evaluate`` gives them.

    Example:
        >>> by_answerability({"exact": 50.0, "f1": 60.0, "total": 4})
        {'all': {'exact': 50.0, 'f1': 60.0, 'total': 4}}
    """
    prefixes = {"all": "", "with answer": "HasAns_", "without answer": "NoAns_"}
    return {
        name: {key: figures[prefix + key] for key in ("exact", "f1", "total")}
        for name, prefix in prefixes.items()
        if f"{prefix}total" in figures
    }


def read_answers(path: Path) -> dict[str, str]:
    """``{id: text}`` from a JSON file, whatever its ids.

    Raises:
        ScoreError: if the file cannot be read, or is not such JSON.
    """
    return _texts(_read_object(path), path)


def read_predictions(path: Path, questions: Sequence[Question], *, warnings: list[str] | None = None) -> dict[str, str]:
    """``{id: text}`` of every question from a JSON file.

    Args:
        path: the file.
        questions: those to be answered; what the file says of others is left out.
        warnings: receives a note if anything is left out; without it that is logged.

    Raises:
        ScoreError: if the file cannot be read, is not such JSON, or lacks a question.
    """
    return _texts(_of_questions(_read_object(path), path, questions, "prediction", warnings), path)


def read_null_odds(path: Path, questions: Sequence[Question], *, warnings: list[str] | None = None) -> dict[str, float]:
    """``{id: figure}`` of every question from a JSON file of finite numbers.

    Args:
        path: the file.
        questions: as in ``read_predictions``.
        warnings: as in ``read_predictions``.

    Raises:
        ScoreError: if the file cannot be read, is not such JSON, or lacks a question.
    """
    values = _of_questions(_read_object(path), path, questions, "null odds", warnings)
    numbers = {key: _finite(value) for key, value in values.items()}
    wrong = [key for key, number in numbers.items() if number is None]
    _refuse(wrong, f"given a value in {path} that is not a finite number", 'Write {"id": 0.25}.')
    return {key: number for key, number in numbers.items() if number is not None}


def _matches(prediction: str, golds: Sequence[str], normalize: Callable[[str], str]) -> float:
    given = normalize(prediction)
    return float(any(normalize(gold) == given for gold in _scored(golds)))


def _scored(golds: Sequence[str]) -> list[str]:
    """The golds that count: those that normalise to something, else the empty text."""
    return [gold for gold in golds if normalize_answer(gold)] or [""]


def _word_f1(given: list[str], gold: list[str]) -> float:
    if not given or not gold:
        return float(given == gold)
    common = sum((Counter(given) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(given), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _is_mark(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "P" or category == "Sk"  # Sk: accents that stand alone, used as quotation marks


def _silence(scores: Mapping[str, float], silent: Collection[str], answerable: Mapping[str, bool]) -> dict[str, float]:
    return {key: float(not answerable[key]) if key in silent else score for key, score in scores.items()}


def _totals(exact: Mapping[str, float], overlap: Mapping[str, float], keys: Sequence[str]) -> dict[str, float]:
    total = len(keys)
    return {
        "exact": 100.0 * sum(exact[key] for key in keys) / total,
        "f1": 100.0 * sum(overlap[key] for key in keys) / total,
        "total": total,
    }


def _best_threshold(
    scores: Mapping[str, float],
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
    answerable: Mapping[str, bool],
) -> tuple[float, float]:
    """The best total over all thresholds, and the threshold, swept in the order of the official script."""
    current = best = float(sum(not has_answer for has_answer in answerable.values()))
    threshold = 0.0
    for key in sorted((key for key in null_odds if key in scores), key=lambda key: null_odds[key]):
        if answerable[key]:
            current += scores[key]
        elif predictions[key]:
            current -= 1
        if current > best:
            best, threshold = current, null_odds[key]
    return 100.0 * best / len(scores), threshold


def _read_object(path: Path) -> dict[str, object]:
    try:
        found = read_json(path)
    except OSError as error:
        raise ScoreError(f"{path} cannot be read: {error.strerror}. {_FORM}") from error
    except JsonError as error:
        raise ScoreError(f"{path} cannot be read as JSON: {error}. {_FORM}") from error
    if found.lines:
        raise ScoreError(f"{path} holds JSON lines, not an object. {_FORM}")
    if not isinstance(found.value, dict):
        raise ScoreError(f"{path} holds a JSON {type(found.value).__name__}, not an object. {_FORM}")
    if isinstance(found.value.get("data"), list):
        raise ScoreError(f"{path} holds SQuAD data, not what was answered. {_FORM}")
    return found.value


def _of_questions(
    values: Mapping[str, object], path: Path, questions: Sequence[Question], what: str, warnings: list[str] | None
) -> dict[str, object]:
    """The values of the questions; what others there are is left out, with a note."""
    known = {question.id for question in questions}
    other = [key for key in values if key not in known]
    if other and len(other) == len(values):
        _refuse(other, f"in {path}, and none of them in the data", "Name the data that the file was made for.")
    _refuse_missing(values, questions, what, f" in {path}")
    if other:
        note = f"{path}: ids that are not in the data, left out ({len(other):,}), e.g. {', '.join(_shown(other[:3]))}"
        (_log.warning if warnings is None else warnings.append)(note)
    return {question.id: values[question.id] for question in questions}


def _texts(values: Mapping[str, object], path: Path) -> dict[str, str]:
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    wrong = [key for key in values if key not in texts]
    _refuse(wrong, f"given a value in {path} that is not text", 'Write {"id": "text"}; no answer is "".')
    halves = [key for key, text in texts.items() if not _can_be_written(key + text)]
    _refuse(halves, f"given half of a surrogate pair in {path}", "Write whole characters.")
    return texts


def _can_be_written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _refuse_missing(values: Mapping[str, object], questions: Iterable[Question], what: str, where: str = "") -> None:
    missing = [question.id for question in questions if question.id not in values]
    _refuse(missing, f"without {what}{where}", "Predict the same split, with the same limits, as is scored.")


def _refuse(keys: Sequence[str], fault: str, remedy: str) -> None:
    if not keys:
        return
    listed = ", ".join(_shown(keys[:_SHOWN]))
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    raise ScoreError(f"{len(keys)} question{'s'[: len(keys) > 1]} {fault}: {listed}{more}. {remedy}")


def _shown(keys: Iterable[str]) -> list[str]:
    return [repr(key if len(key) <= _SHOWN_LETTERS else key[:_SHOWN_LETTERS] + "…") for key in keys]
