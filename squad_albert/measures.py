"""The figures of a run: official, and by group of questions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from project_config import Settings
from utils.question_types import question_type
from utils.questions import Question
from utils.squad_metrics import evaluate, group_scores

from .tables import number, table

MOST_PARTS = 12
"""With more id prefixes than this, they name questions rather than parts of the data."""

_PREFIX = re.compile(r"[A-Za-z]+(?=-)")


def measure(
    best: Mapping[str, str],
    forced: Mapping[str, str],
    null_odds: Mapping[str, float],
    questions: Sequence[Question],
    settings: Settings,
) -> dict[str, Any]:
    """The figures of ``metrics.json``.

    Args:
        best: the answers given, by id.
        forced: the best spans, by id, whether or not `no answer` was given.
        null_odds: no-answer margins in logits, by id.
        questions: those answered.
        settings: ``no_answer`` (always or never) and the threshold.

    Returns:
        ``unanswered``: how many questions got no answer. For labeled questions also ``official``: the official
        figures; ``question_type`` and, where the ids tell parts of the data apart, ``part``: ``exact``, ``f1`` and
        ``total`` by group; and, where `no answer` is allowed, ``no_answer_threshold``: the one used, and those which
        would have been best here.
    """
    figures: dict[str, Any] = {"unanswered": sum(not text for text in best.values())}
    if not questions[0].labeled:
        return figures
    figures["official"] = evaluate(best, questions)
    if settings.no_answer == "always":
        best_thresholds = _sweep(forced, null_odds, questions)
        figures["no_answer_threshold"] = {"used": settings.no_answer_threshold, **best_thresholds}
    figures["question_type"] = group_scores(best, questions, lambda question: question_type(question.question))
    if _has_parts(questions):
        figures["part"] = group_scores(best, questions, _part)
    return figures


def metric_lines(metrics: Mapping[str, Any]) -> list[str]:
    r"""The contents of ``metrics.json`` for people.

    >>> print(*metric_lines({"split": "test", "questions": 2, "windows": 3, "unanswered": 1}), sep="\n")
    test: 2 questions in 3 windows, 1 answered with no answer
    The questions are unlabeled, so there is nothing to score.
    """
    head = (
        f"{metrics['split']}: {metrics['questions']:,} questions in {metrics['windows']:,} windows, "
        f"{metrics['unanswered']:,} answered with no answer"
    )
    if "official" not in metrics:
        return [head, "The questions are unlabeled, so there is nothing to score."]
    official = metrics["official"]
    rows = [["", "questions", "EM", "F1"]]
    for name, prefix in (("all", ""), ("with answer", "HasAns_"), ("without answer", "NoAns_")):
        if f"{prefix}total" in official:
            rows.append(_row(name, {key: official[prefix + key] for key in ("total", "exact", "f1")}))
    for group, title in (("question_type", "by question type"), ("part", "by part of the data (id prefix)")):
        if group in metrics:
            rows += [[title, "", "", ""]] + [_row(f"  {name}", scores) for name, scores in metrics[group].items()]
    return [head, "", *table(rows), *_threshold_lines(metrics.get("no_answer_threshold"))]


def _sweep(
    forced: Mapping[str, str], null_odds: Mapping[str, float], questions: Sequence[Question]
) -> dict[str, float]:
    """The official ``best_…`` figures over the best spans, with thresholds in logits.

    The official sweep begins with `no answer` to everything and calls that threshold 0, which is right for
    probabilities only. So it is given ranks from 1 on, and threshold 0 is translated to one below all margins.
    """
    margins = sorted(set(null_odds.values()))
    rank = {margin: number for number, margin in enumerate(margins, 1)}
    swept = evaluate(forced, questions, {key: rank[margin] for key, margin in null_odds.items()})
    below = margins[0] - 1.0
    return {
        name: (margins[int(value) - 1] if value else below) if name.endswith("_thresh") else value
        for name, value in swept.items()
        if name.startswith("best_")
    }


def _threshold_lines(threshold: Mapping[str, float] | None) -> list[str]:
    if threshold is None:
        return []
    return [
        "",
        f"no answer above a margin of {number(threshold['used'])} logits; "
        f"{number(threshold['best_f1_thresh'])} would give the best F1 here, {number(threshold['best_f1'])}",
    ]


def _row(name: str, scores: Mapping[str, float]) -> list[str]:
    return [name, f"{scores['total']:,}", number(scores["exact"]), number(scores["f1"])]


def _part(question: Question) -> str:
    """The id prefix, questions without an answer apart: they are right or wrong in another way."""
    return f"{_prefix(question)}{'' if question.golds else ', no answer'}"


def _has_parts(questions: Sequence[Question]) -> bool:
    prefixes = {_prefix(question) for question in questions}
    return None not in prefixes and 1 < len(prefixes) <= MOST_PARTS


def _prefix(question: Question) -> str | None:
    found = _PREFIX.match(question.id)
    return found[0] if found else None
