"""A question and its context in the stretches that page and pictures colour: tokens by score, golds underlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from squad_albert.token_pictures import pieces

METHODS = ("integrated_gradients", "gradient_input", "occlusion")
"""By which tokens are coloured, the first at first."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that is shown in one way."""

    text: str
    score: float = 0.0  # -1 to 1: above 0 it raises the loss, below 0 it lowers it
    gold: bool = False  # whether it is of a gold answer


def marked(question: pd.Series[Any], tokens: pd.DataFrame, method: str) -> tuple[list[Run], list[Run]]:
    """The question and the window's part of the context, in stretches that together are their texts.

    Args:
        question: a row of the run's questions.
        tokens: the rows of ``saliency`` for it.
        method: whose scores are shown, as shares of the greatest.
    """
    golds = [(start, start + len(gold)) for start, gold in zip(question["gold_starts"], question["golds"], strict=True)]
    result = {"question": question["question"], "context": question["context"], "tokens": tokens.to_dict("records")}
    return _runs(result, method, "question", []), _runs(result, method, "context", golds)


def methods(table: pd.DataFrame) -> list[str]:
    """Those of ``METHODS`` that have scores: without gradients, some have none."""
    return [method for method in METHODS if table[method].notna().any()]


def _runs(result: dict[str, Any], method: str, segment: str, golds: Sequence[tuple[int, int]]) -> list[Run]:
    place = next((token["start"] for token in result["tokens"] if token["segment"] == segment), 0)
    runs = []
    for piece in pieces(result, method, segment):
        end = place + len(piece.text)
        gold = any(first <= place and end <= last for first, last in golds)
        runs.append(Run(piece.text, piece.score, gold))
        place = end
    return runs
