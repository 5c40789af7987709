"""What the engine shows of a sample: batched numpy in, one float32 per sample out.

A sample is one window, scored alone against the golds that lie wholly inside it; without any, the
right answer is no answer. Over whole questions, see ``squad_metrics``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from project_config import Settings

from .decoders import Answer, Decoded, decode_windows, window_answers
from .loss import cross_entropy
from .squad_metrics import exact_match, f1, lenient_match

if TYPE_CHECKING:
    from .encoders import SplitData

Float32 = NDArray[np.float32]

HIGHER_IS_BETTER = {
    "exact_match": True,
    "f1": True,
    "lenient_match": True,
    "span_iou": True,
    "confidence": True,
    "gold_probability": True,
    "no_answer_margin": True,
    "start_cross_entropy": False,
    "end_cross_entropy": False,
    "start_accuracy": True,
    "end_accuracy": True,
}
"""The direction of every metric of ``answer_scores`` and ``token_scores``."""


def token_scores(logits: NDArray[Any], start: NDArray[Any], end: NDArray[Any]) -> dict[str, Float32]:
    """How well start and end, each by itself, hit the gold tokens; every token may be chosen.

    Args:
        logits: float [B, L, 2] of any precision, start and end.
        start: one-hot [B, L].
        end: one-hot [B, L].

    Returns:
        float32 [B] of ``start_cross_entropy``, ``end_cross_entropy``, ``start_accuracy``, ``end_accuracy``.
    """
    sides = {"start": (logits[..., 0], start), "end": (logits[..., 1], end)}
    entropy = {f"{name}_cross_entropy": cross_entropy(values, hot) for name, (values, hot) in sides.items()}
    accuracy = {f"{name}_accuracy": values.argmax(-1) == hot.argmax(-1) for name, (values, hot) in sides.items()}
    return {name: values.astype(np.float32) for name, values in (entropy | accuracy).items()}


def answer_scores(
    logits: NDArray[Any], split: SplitData, sample_ids: Sequence[str] | NDArray[Any], settings: Settings
) -> dict[str, Float32]:
    """How good the answers are that these samples are given, and how sure the model is of them.

    ``exact_match`` and ``f1`` by the official rules, ``lenient_match`` when no punctuation counts;
    ``span_iou``, shared tokens over joint tokens, for the nearest gold; ``confidence``, the
    probability of the best span; ``gold_probability``, that of the gold spans or of no answer,
    whichever is right; ``no_answer_margin``, the logits by which the right one of best span and no
    answer beats the other.

    Args:
        logits: float [B, L, 2] of any precision, start and end.
        split: the split of these samples.
        sample_ids: their B ids.
        settings: those of decoding, and ``no_answer``.

    Returns:
        float32 [B] of each; what needs a gold is NaN for unlabeled questions.

    Raises:
        DecodingError: if a logit of [CLS] or of the context is not a number or infinite.
    """
    rows = [split.row_of[str(sample)] for sample in np.atleast_1d(np.asarray(sample_ids))]
    decoded = decode_windows(logits, rows, split.windows, split.questions, settings)
    answers = window_answers(decoded, rows, split.windows, split.questions, settings)
    scores = [
        _scores(window, split, row, one, answer, settings.max_answer_tokens)
        for window, row, one, answer in zip(logits, rows, decoded, answers, strict=True)
    ]
    return {name: np.array([score[name] for score in scores], np.float32) for name in scores[0]}


def span_iou(predicted: tuple[int, int], gold: tuple[int, int]) -> float:
    """Tokens that two spans share over tokens that either has; ends are inclusive.

    Example:
        >>> span_iou((3, 5), (5, 6)), span_iou((0, 0), (0, 0)), span_iou((0, 0), (3, 5))
        (0.25, 1.0, 0.0)
    """
    shared = max(min(predicted[1], gold[1]) - max(predicted[0], gold[0]) + 1, 0)
    joint = predicted[1] - predicted[0] + gold[1] - gold[0] + 2 - shared
    return shared / joint


def _scores(
    logits: NDArray[Any], split: SplitData, row: int, decoded: Decoded, answer: Answer, longest: int
) -> dict[str, float]:
    question = split.questions[int(split.windows.question[row])]
    found = split.windows.whole_golds(row).tolist()
    whole = question.golds if split.windows.count[row] == 1 else [question.golds[index] for index, _, _ in found]
    golds = [gold.text for gold in whole]
    spans = {(first, last) for _, first, last in found} or {(0, 0)}
    predicted = (answer.token_start, answer.token_end)
    scores = {
        "exact_match": exact_match(answer.text, golds),
        "f1": f1(answer.text, golds),
        "lenient_match": lenient_match(answer.text, golds),
        "span_iou": max(span_iou(predicted, span) for span in spans),
        "gold_probability": _probability(logits, spans, decoded, longest),
        "no_answer_margin": -decoded.margin if golds else decoded.margin,
    }
    if not question.labeled:
        scores = dict.fromkeys(scores, math.nan)
    return scores | {"confidence": decoded.answers[0].probability if decoded.answers else 0.0}


def _probability(logits: NDArray[Any], spans: set[tuple[int, int]], decoded: Decoded, longest: int) -> float:
    """That of all these spans together; one that is too long to be given as an answer has none."""
    starts, ends = logits[:, 0].astype(np.float64), logits[:, 1].astype(np.float64)
    legal = [starts[first] + ends[last] for first, last in spans if last - first < longest]
    return min(sum(math.exp(score - decoded.log_total) for score in legal), 1.0)
