"""Makes a model's probabilities mean what they say: of answers given with 70 %, seven in ten are right.

All logits are divided by one number, the temperature (Guo et al., 2017, *On Calibration of Modern Neural Networks*),
which is built into the span head. So every place that makes probabilities of the model's logits shows calibrated ones,
and no answer changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from project_config import Settings
from utils.decoders import LOWEST, allows_no_answer, decode
from utils.questions import Question
from utils.squad_metrics import exact_match
from utils.windows import Windows

TEMPERATURES = np.geomspace(0.3, 3.0, 47)
"""Those of which the best is taken, each 5 % above the one before."""

LEAST = 1e-6
"""A probability of at least this and at most one less is counted, or a single sure mistake would decide."""


def fit_temperature(
    logits: NDArray[np.float32], windows: Windows, questions: Sequence[Question], settings: Settings
) -> float:
    """The temperature that gives the answers to questions the best probabilities, by their log-likelihood.

    Args:
        logits: float32 ``[N, L, 2]`` of every window.
        windows: the N windows of the questions.
        questions: labeled, and held out of training.
        settings: of decoding.
    """
    settings = settings.model_copy(update={"n_best": 1})
    allowed = allows_no_answer(settings, questions)

    def cost(temperature: float) -> float:
        """The mean negative log-likelihood of an answer being right."""
        with np.errstate(over="ignore"):  # of padding, whose logits are the lowest that there are
            cooled = np.maximum(logits / np.float32(temperature), LOWEST)
        decoded = decode(cooled, windows, questions, settings)
        given = [one.best(allowed, 0.0) for one in decoded]
        right = np.array([
            exact_match(answer.text, [gold.text for gold in question.golds])
            for question, answer in zip(questions, given, strict=True)
        ])  # fmt: skip
        chance = np.clip([answer.probability for answer in given], LEAST, 1 - LEAST)
        return float(-np.mean(right * np.log(chance) + (1 - right) * np.log1p(-chance)))

    return float(min(TEMPERATURES, key=cost))


def build_in(model: Any, temperature: float) -> None:
    """Divides the logits of a model by a temperature, which its configuration keeps as ``span_temperature``."""
    with torch.no_grad():
        for parameter in model.qa_outputs.parameters():
            parameter.div_(temperature)
    model.config.span_temperature = temperature
