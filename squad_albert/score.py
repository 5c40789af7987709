"""Scores a file of predictions by the official rules; needs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from utils.squad import load_file
from utils.squad_metrics import OFFICIAL_THRESHOLD, ScoreError, evaluate, read_null_odds, read_predictions

from .tables import table


def score(
    data: Path,
    predictions: Path,
    null_odds: Path | None,
    threshold: float | None,
    warn: Callable[[list[str]], None],
) -> dict[str, float]:
    """The official figures under the official names.

    Args:
        data: a labeled SQuAD file, JSON or Parquet.
        predictions: JSON of ``{id: text}``, the empty text for no answer.
        null_odds: JSON of ``{id: number}``, higher where there is rather no answer.
        threshold: null odds above it turn a prediction into no answer; None for the official one.
        warn: receives the warnings about the data and the predictions.

    Raises:
        DataError: if the data is bad.
        ScoreError: if the other files are bad or do not belong to the data, the threshold is not a number, or there is
            one without null odds.
    """
    if threshold is not None and null_odds is None:
        raise ScoreError("a threshold cuts null odds, of which there are none. Add --null-odds, or leave it out.")
    warnings: list[str] = []
    questions = load_file(data, warnings=warnings)
    answers = read_predictions(predictions, questions, warnings=warnings)
    odds = read_null_odds(null_odds, questions, warnings=warnings) if null_odds else None
    warn(warnings)
    return evaluate(answers, questions, odds, OFFICIAL_THRESHOLD if threshold is None else threshold)


def score_lines(figures: Mapping[str, float]) -> list[str]:
    """The figures for people, a line each.

    >>> score_lines({"exact": 75.0, "total": 4})
    ['exact  75.0000', 'total        4']
    """
    return table(
        [[name, f"{value:,}" if isinstance(value, int) else f"{value:.4f}"] for name, value in figures.items()]
    )
