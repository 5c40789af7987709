"""Answers beside the transformers pipeline's: how many are equal, and why the others differ."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from squad_albert.tables import table
from utils.questions import Question
from utils.squad_metrics import evaluate

PIPELINE = "pipeline"
EXACT = "onnxruntime fp32"
"""The engine whose logits tell how far two answers are apart."""
POOLED = f"{EXACT}, pooled as the pipeline does"

TIE = 1e-3  # logits
SHOWN = 5  # questions

WHITE_SPACE = "white space alone"
TIED = f"both score the same, to {TIE:g} logits"
WINDOWS = "several windows: the pipeline compares probabilities within each, we logits"
ROUNDED = "less exact logits"
UNEXPLAINED = "unexplained"

Answer = Mapping[str, Any]


def answer_lines(answers: Mapping[str, Mapping[str, Answer]], questions: Sequence[Question]) -> list[str]:
    """EM, F1, the share of answers that equal the pipeline's, and what makes the others differ.

    Args:
        answers: by engine and question id; ``PIPELINE`` and ``EXACT`` are among them.
        questions: with their golds.
    """
    theirs = answers[PIPELINE]
    texts = {name: {key: one["text"] for key, one in found.items()} for name, found in answers.items()}
    texts[POOLED] = {key: one["pooled"] for key, one in answers[EXACT].items()}
    rows = [["", "EM", "F1", "as the pipeline"]]
    for name, found in texts.items():
        scores = evaluate(found, questions)
        equal = sum(found[key] == texts[PIPELINE][key] for key in theirs)
        rows.append([name, f"{scores['exact']:.2f}", f"{scores['f1']:.2f}", f"{equal / len(questions):.2%}"])
    lines = [line for name in answers for line in _difference_lines(name, answers)]
    return [*table(rows), *lines]


def _difference_lines(name: str, answers: Mapping[str, Mapping[str, Answer]]) -> list[str]:
    """Reason by reason, how many of an engine's answers differ, and examples of what has none."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    apart: dict[str, float] = {}
    for key, theirs in answers[PIPELINE].items():
        ours, exact = answers[name][key], answers[EXACT][key]
        if ours["text"] != theirs["text"]:
            by_reason[explain(theirs, ours, exact)].append(key)
            apart[key] = distance(theirs, ours, exact)
    lines = []
    for reason, keys in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        median = statistics.median(apart[key] for key in keys)
        lines.append(f"{name}: {len(keys)} differ, by {median:.2g} logits in the median: {reason}")
    for key in by_reason[UNEXPLAINED][:SHOWN]:
        lines.append(f"  {key}: {answers[PIPELINE][key]['text']!r} there, {answers[name][key]['text']!r} here")
    return lines


def explain(theirs: Answer, ours: Answer, exact: Answer) -> str:
    """Why an answer differs from the pipeline's.

    Args:
        theirs: the pipeline's answer.
        ours: an engine's.
        exact: that of ``EXACT``, with all that competed and what the pipeline would make of its logits.
    """
    if ours["text"].split() == theirs["text"].split():
        return WHITE_SPACE
    if distance(theirs, ours, exact) < TIE:
        return TIED
    if ours["pooled"] == theirs["text"]:
        return WINDOWS
    return UNEXPLAINED if ours["pooled"] == exact["pooled"] else ROUNDED


def distance(theirs: Answer, ours: Answer, exact: Answer) -> float:
    """How many logits lie between two answers, by the logits of ``EXACT``; infinite for one beyond its n-best."""
    scores = {(start, end): score for start, end, score in exact["ranked"]}
    first, second = (
        scores.get((one["start"], one["end"]), math.inf) if one["text"] else exact["null"] for one in (theirs, ours)
    )
    return math.inf if math.inf in (first, second) else abs(float(first - second))
