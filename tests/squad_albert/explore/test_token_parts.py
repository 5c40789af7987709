"""Which parts of a window hold the scores."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from project_config import Settings
from squad_albert.explore.token_parts import AROUND, COLUMNS, PARTS, part_lifts
from squad_albert.targets import Targets
from squad_albert.window_tokens import Token, window_tokens
from utils.questions import Question
from utils.windows import build_windows

SMALL = Settings(max_length=256, overlap=16, max_question_tokens=24)

Samples = tuple[list[Question], Targets, list[list[Token]]]


@pytest.fixture
def samples(questions: list[Question], tokenizer: Tokenizer) -> Samples:
    """An answerable question about the heron, and one without an answer."""
    asked = [questions[0], questions[4]]
    windows = build_windows(asked, tokenizer, SMALL, cache=False)
    rows = np.arange(2)
    tokens = window_tokens(asked, windows, [0, 1], tokenizer)
    return asked, Targets(windows, rows, windows.start, windows.end, np.ones(2, np.float32)), tokens


def lifts(samples: Samples, scores: np.ndarray) -> dict[str, float]:
    table = part_lifts(*samples, {"any": scores})
    return dict(zip(table["part"], table["lift"], strict=True))


def test_equal_scores_stand_out_nowhere(samples: Samples) -> None:
    _, targets, _ = samples
    found = lifts(samples, np.where(targets.replaceable, -2.0, 0))
    assert set(found) == set(PARTS)
    assert list(found.values()) == pytest.approx([1] * len(PARTS))


def test_each_part_holds_its_tokens(samples: Samples) -> None:
    _, targets, tokens = samples
    assert tokens[0][1].start == 0
    start, end = int(targets.start[0]), int(targets.end[0])
    at = {
        "question word": 1,  # the first token behind [CLS], of "When"
        "rest of the question": int(targets.windows.question_end[0]) - 1,
        "answer": end,
        "around the answer": end + AROUND,
        "rest of the context": end + AROUND + 1,
    }
    assert start > AROUND
    for part, place in at.items():
        scores = np.zeros(targets.replaceable.shape)
        scores[0, place] = 3.0
        found = lifts(samples, scores)
        assert {name for name, lift in found.items() if lift} == {part}
    before = np.zeros(targets.replaceable.shape)
    before[0, start - AROUND] = 3.0
    assert lifts(samples, before)["around the answer"] > 1


def test_shares_sum_to_one_and_no_answer_does_not_count(samples: Samples) -> None:
    asked, targets, tokens = samples
    scores = np.random.default_rng(3).normal(size=targets.replaceable.shape) * targets.replaceable
    table = part_lifts(asked, targets, tokens, {"any": scores})
    assert table["share_of_tokens"].sum() == pytest.approx(1)
    assert table["share_of_score"].sum() == pytest.approx(1)
    assert (table["samples"] == 1).all()
    first = part_lifts(asked, targets, tokens, {"any": scores[:1]})
    assert first.equals(table)  # scores of the first sample alone
    none = part_lifts(asked[1:], targets[[1]], tokens[1:], {"any": scores[1:]})
    assert none.empty
    assert list(none.columns) == list(COLUMNS)
