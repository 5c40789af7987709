"""Deletion curves, on a model whose losses follow from the number of masked tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from project_config import Settings
from squad_albert.explore.deletion import SHARES, deletion_curve
from squad_albert.explore.intervals import mean_interval
from squad_albert.targets import Targets
from utils.questions import Question
from utils.windows import build_windows

SMALL = Settings(max_length=96, overlap=16, max_question_tokens=24)
MASK = -1


class Counting:
    """The loss is the sum of the weights of the masked tokens."""

    mask = MASK

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.masked: list[np.ndarray] = []

    def losses(self, targets: Targets, samples: np.ndarray, input_ids: np.ndarray) -> np.ndarray:
        masked = input_ids == MASK
        self.masked.append(masked)
        assert (input_ids == targets.input_ids[samples])[~masked].all()
        assert targets.replaceable[samples][masked].all()
        return np.float32(1) + (masked * self.weights[samples]).sum(axis=1).astype(np.float32)


@pytest.fixture
def targets(questions: list[Question], tokenizer: Tokenizer) -> Targets:
    windows = build_windows(questions, tokenizer, SMALL, cache=False)
    rows = np.arange(len(windows))
    return Targets(windows, rows, windows.start[rows], windows.end[rows], np.ones(len(rows), np.float32))


def curve(targets: Targets, **scores: np.ndarray) -> tuple[Any, Counting]:
    weights = np.random.default_rng(3).random(targets.replaceable.shape)
    model = Counting(weights)
    table = deletion_curve(model, targets, scores or {"good": -weights}, np.random.default_rng(7))  # type: ignore[arg-type]
    return table, model


def test_the_lowest_scores_are_masked_first(targets: Targets) -> None:
    table, model = curve(targets)
    weights = model.weights
    tokens = targets.replaceable.sum(axis=1)
    for share, loss in zip(table["share"], table["loss"], strict=True):
        counts = np.maximum(1, np.rint(share * tokens)).astype(int) if share else np.zeros(len(targets), int)
        sums = [
            np.sort(weights[sample][targets.replaceable[sample]])[::-1][:count].sum()
            for sample, count in enumerate(counts)
        ]
        assert loss == pytest.approx(1 + np.mean(sums), rel=1e-5)


def test_columns_follow_from_each_other(targets: Targets) -> None:
    table, _ = curve(targets)
    assert table["share"].tolist() == [0, *SHARES]
    assert (table["samples"] == len(targets)).all()
    np.testing.assert_allclose(table["difference"], table["loss"] - table["random_loss"], atol=1e-5)
    assert table.iloc[0][["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]
    assert table.iloc[0]["loss"] == table.iloc[0]["random_loss"] == 1
    assert ((table["low"] <= table["loss"]) & (table["loss"] <= table["high"])).all()
    later = table.iloc[1:]
    assert ((later["difference_low"] > 0) & (later["difference_low"] < later["difference"])).all()
    assert (later["difference_high"] > later["difference"]).all()


def test_interval_is_that_of_the_mean(targets: Targets) -> None:
    table, model = curve(targets)
    first = model.masked[1][: len(targets)]
    low, high = mean_interval(1 + (first * model.weights).sum(axis=1), low=0.0)
    assert table["low"].iloc[1] == pytest.approx(low, rel=1e-4)
    assert table["high"].iloc[1] == pytest.approx(high, rel=1e-4)


def test_methods_are_compared_with_the_same_random_tokens(targets: Targets) -> None:
    shape = targets.replaceable.shape
    noise = np.random.default_rng(5).random(shape)
    table, _ = curve(targets, noise=noise, nothing=np.zeros(shape))
    random = [part["random_loss"].tolist() for _, part in table.groupby("method")]
    assert random[0] == random[1]
    assert table["method"].unique().tolist() == ["noise", "nothing"]


def test_a_method_may_cover_the_first_samples(targets: Targets) -> None:
    noise = np.random.default_rng(5).random(targets.replaceable.shape)
    table, _ = curve(targets, all=noise, some=noise[:4])
    alone, _ = curve(targets[[0, 1, 2, 3]], some=noise[:4])
    some = table[table["method"] == "some"].reset_index(drop=True)
    assert (some["samples"] == 4).all()
    pd.testing.assert_series_equal(some["loss"], alone["loss"])
    whole, model = curve(targets)
    assert [len(masked) for masked in model.masked] == [len(SHARES) * len(targets)] * 2
    assert (whole["samples"] == len(targets)).all()


def test_random_scores_say_nothing(targets: Targets) -> None:
    many = Targets(
        targets.windows,
        np.tile(targets.rows, 20),
        np.tile(targets.start, 20),
        np.tile(targets.end, 20),
        np.tile(targets.loss, 20),
    )
    table, _ = curve(many, noise=np.random.default_rng(5).random(many.replaceable.shape))
    last = table.iloc[-1]
    assert abs(last["difference"]) < 0.1 * last["loss"]
