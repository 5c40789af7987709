"""Scores a file of predictions by the official rules; needs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from utils.squad import load_file
from utils.squad_metrics import evaluate, read_null_odds, read_predictions

from .tables import table


def score(
    data: Path,
    predictions: Path,
    null_odds: Path | None,
    threshold: float,
    warn: Callable[[list[str]], None],
) -> dict[str, float]:
    """The official figures under the official names.

    Args:
        data: a labeled SQuAD file, JSON or Parquet.
        predictions: JSON of ``{id: text}``, the empty text for no answer.
        null_odds: JSON of ``{id: number}``, higher where there is rather no answer.
        threshold: null odds above it turn a prediction into no answer.
        warn: receives the warnings about the data.

    Raises:
        DataError: if the data is bad.
        ScoreError: if the other files are bad or do not belong to the data.
    """
    warnings: list[str] = []
    questions = load_file(data, warnings=warnings)
    warn(warnings)
    answers = read_predictions(predictions, questions)
    odds = read_null_odds(null_odds, questions) if null_odds else None
    return evaluate(answers, questions, odds, threshold)


def score_lines(figures: Mapping[str, float]) -> list[str]:
    """The figures for people, a line each.

    >>> score_lines({"exact": 75.0, "total": 4})
    ['exact  75.0000', 'total        4']
    """
    return table(
        [[name, f"{value:,}" if isinstance(value, int) else f"{value:.4f}"] for name, value in figures.items()]
    )
