"""Which parts of a window hold the scores: question word, rest of the question, answer, its surroundings, the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from squad_albert.targets import Targets
from squad_albert.window_tokens import Token
from utils.questions import Question

from .intervals import mean_interval

Float = NDArray[np.float32]

QUESTION_WORD = re.compile(r"\b(?:how (?:many|much)|how|who|whom|whose|what|when|where|which|why)\b", re.I)

AROUND = 5
"""Tokens to either side of the answer that are its surroundings."""

PARTS = ("question word", "rest of the question", "answer", "around the answer", "rest of the context")

COLUMNS = {
    "method": "str",
    "part": "str",
    "samples": "int64",
    **dict.fromkeys(["share_of_tokens", "share_of_score", "lift", "low", "high"], "float64"),
}


def part_lifts(
    questions: Sequence[Question], targets: Targets, tokens: Sequence[Sequence[Token]], scores: Mapping[str, Float]
) -> pd.DataFrame:
    """How much score a token of each part has, whatever its sign, relative to the mean token of its window.

    Args:
        questions: B questions.
        targets: their windows; those whose target is no answer do not count.
        tokens: of each window.
        scores: of every token by method, ``[b, L]``, of the first b samples.

    Returns:
        A row a method and part: mean ``share_of_tokens`` and ``share_of_score``; ``lift``, the mean of the samples'
        ratio of these, with its 95 % interval; ``samples`` that have the part.
    """
    answered = [sample for sample in range(len(targets)) if targets.end[sample]]
    parts = {sample: _parts(questions[sample].question, targets, sample, tokens[sample]) for sample in answered}
    rows = []
    for method, values in scores.items():
        shares = [_shares(parts[sample], np.abs(values[sample])) for sample in answered if sample < len(values)]
        for place, part in enumerate(PARTS):
            pairs = np.array([one[place] for one in shares if one[place][0] > 0]).reshape(-1, 2)
            if len(pairs):
                lift = pairs[:, 1] / pairs[:, 0]
                ends = mean_interval(lift, low=0.0)
                rows.append((method, part, len(pairs), *pairs.mean(axis=0), lift.mean(), *ends))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _parts(question: str, targets: Targets, sample: int, tokens: Sequence[Token]) -> list[NDArray[np.intp]]:
    """The places of the tokens of each of ``PARTS`` in one window."""
    place = np.arange(len(tokens))
    start, end = targets.start[sample], targets.end[sample]
    segment = np.array([token.segment for token in tokens])
    asked, context = segment == "question", segment == "context"
    words = [match.span() for match in QUESTION_WORD.finditer(question)]
    asks = asked & [any(token.start < last and token.end > first for first, last in words) for token in tokens]
    answer = context & (place >= start) & (place <= end)
    near = context & ~answer & (place >= start - AROUND) & (place <= end + AROUND)
    return [np.flatnonzero(part) for part in (asks, asked & ~asks, answer, near, context & ~answer & ~near)]


def _shares(parts: Sequence[NDArray[np.intp]], scores: Float) -> list[tuple[float, float]]:
    """The share of tokens and of score that each part has."""
    sums = [float(scores[part].sum()) for part in parts]
    size, total = sum(map(len, parts)), max(sum(sums), 1e-12)
    return [(len(part) / size, one / total) for part, one in zip(parts, sums, strict=True)]
