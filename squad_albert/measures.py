"""The figures of a run: official, and by group of questions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from utils.question_types import question_type
from utils.questions import Question
from utils.squad_metrics import by_answerability, evaluate, group_scores

from .tables import counted, number, table

MOST_PARTS = 12
"""With more id prefixes than this, they name questions rather than parts of the data."""

_PREFIX = re.compile(r"[A-Za-z]+(?=-)")


def measure(
    best: Mapping[str, str],
    questions: Sequence[Question],
    null_odds: Mapping[str, float] | None = None,
    *,
    spans: Mapping[str, str] | None = None,
    used: float | None = None,
) -> dict[str, Any]:
    """The figures of a split in ``metrics.json``.

    Args:
        best: the answers given, by id.
        questions: those answered.
        null_odds: by id; the higher, the likelier that there is no answer. None where `no answer` is not allowed.
        spans: the best spans, by id, whether or not no answer was given; default: the answers given.
        used: the threshold of null odds by which the answers were given, if they were.

    Returns:
        ``questions``: how many; ``unanswered``: how many of them got no answer. For labeled questions also
        ``official``: the official figures; ``question_type`` and, where the ids tell parts of the data apart, ``part``:
        ``exact``, ``f1`` and ``total`` by group; and, given null odds, ``no_answer_threshold``: the one ``used``, and
        those which would have been best here.
    """
    figures: dict[str, Any] = {"questions": len(questions), "unanswered": sum(not best[q.id] for q in questions)}
    if not questions[0].labeled:
        return figures
    figures["official"] = evaluate(best, questions)
    if null_odds is not None:
        best_thresholds = _sweep(best if spans is None else spans, null_odds, questions)
        figures["no_answer_threshold"] = {"used": used, **best_thresholds}
    figures["question_type"] = group_scores(best, questions, lambda question: question_type(question.question))
    prefixes = parts([question.id for question in questions])
    if prefixes:
        names = {question.id: prefix for prefix, question in zip(prefixes, questions, strict=True)}
        figures["part"] = group_scores(best, questions, lambda question: names[question.id])
    return figures


def parts(ids: Sequence[str]) -> list[str] | None:
    """The part of the data that each question is of, by the prefix of its id; None where ids tell no parts apart.

    >>> parts(["gen-1", "hand-7"]), parts(["gen-1", "gen-2"]), parts(["56be4db0", "gen-2"])
    (['gen', 'hand'], None, None)
    """
    found = [_PREFIX.match(key) for key in ids]
    prefixes = [match[0] for match in found if match]
    return prefixes if len(prefixes) == len(found) and 1 < len(set(prefixes)) <= MOST_PARTS else None


def metric_lines(metrics: Mapping[str, Any]) -> list[str]:
    r"""The contents of ``metrics.json`` for people.

    >>> print(*metric_lines({"splits": {"test": {"questions": 2, "windows": 3, "unanswered": 1}}}), sep="\n")
    test: 2 questions in 3 windows, 1 answered with no answer
    The questions are unlabeled, so there is nothing to score.
    """
    blocks = [_split_lines(name, split) for name, split in metrics["splits"].items()]
    return [line for number, block in enumerate(blocks) for line in [""] * (number > 0) + block]


def _split_lines(name: str, metrics: Mapping[str, Any]) -> list[str]:
    windows = f" in {counted(metrics['windows'], 'window')}" if "windows" in metrics else ""
    questions = counted(metrics["questions"], "question")
    head = f"{name}: {questions}{windows}, {metrics['unanswered']:,} answered with no answer"
    if "official" not in metrics:
        return [head, "The questions are unlabeled, so there is nothing to score."]
    rows = [["", "questions", "EM", "F1"]]
    rows += [_row(group, scores) for group, scores in by_answerability(metrics["official"]).items()]
    for group, title in (("question_type", "by question type"), ("part", "by part of the data (id prefix)")):
        if group in metrics:
            rows += [[title, "", "", ""]] + [_row(f"  {name}", scores) for name, scores in metrics[group].items()]
    return [head, "", *table(rows), *_threshold_lines(metrics.get("no_answer_threshold"))]


def _sweep(
    forced: Mapping[str, str], null_odds: Mapping[str, float], questions: Sequence[Question]
) -> dict[str, float]:
    """The official ``best_…`` figures over the best spans, with thresholds in the units of the null odds.

    The official sweep begins with `no answer` to everything and calls that threshold 0, which is right for
    probabilities only. So it is given ranks from 1 on, and threshold 0 is translated to one below all margins.
    """
    odds = {question.id: null_odds[question.id] for question in questions}
    margins = sorted(set(odds.values()))
    rank = {margin: number for number, margin in enumerate(margins, 1)}
    swept = evaluate(forced, questions, {key: rank[margin] for key, margin in odds.items()})
    below = margins[0] - 1.0
    return {
        name: (margins[int(value) - 1] if value else below) if name.endswith("_thresh") else value
        for name, value in swept.items()
        if name.startswith("best_")
    }


def _threshold_lines(threshold: Mapping[str, float] | None) -> list[str]:
    if threshold is None:
        return []
    best = f"{number(threshold['best_f1_thresh'])} would give the best F1 here, {number(threshold['best_f1'])}"
    if threshold["used"] is None:
        return ["", f"no answer above null odds of {best}"]
    return ["", f"no answer above a margin of {number(threshold['used'])} logits; {best}"]


def _row(name: str, scores: Mapping[str, float]) -> list[str]:
    return [name, f"{scores['total']:,}", number(scores["exact"]), number(scores["f1"])]
