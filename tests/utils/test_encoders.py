from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from project_config import Settings
from utils import encoders
from utils.encoders import SplitData
from utils.questions import Question
from utils.windows import build_windows

SETTINGS = Settings(max_length=48, overlap=12, max_question_tokens=16)


@pytest.fixture
def split(questions: list[Question], tokenizer: Tokenizer) -> SplitData:
    return SplitData.of(questions, build_windows(questions, tokenizer, SETTINGS, cache=False))


def test_every_input_is_a_float32_row_equal_to_the_table(split: SplitData) -> None:
    windows = split.windows
    assert list(split.row_of.values()) == list(range(len(windows)))
    rows = list(split.row_of.values())
    tables = (windows.input_ids, windows.attention_mask(rows), windows.token_type_ids(rows))
    for name, table in zip(encoders.INPUT_NAMES, tables, strict=True):
        values = [getattr(encoders, name)(split, sample) for sample in split.row_of]
        assert all(value.dtype == np.float32 and value.shape == (48,) for value in values)
        np.testing.assert_array_equal(np.stack(values), table)


def test_ground_truth_is_the_target_as_one_hot(split: SplitData) -> None:
    for encoder, table in ((encoders.start, split.windows.start), (encoders.end, split.windows.end)):
        values = np.stack([encoder(split, sample) for sample in split.row_of])
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values.sum(axis=1), 1)
        np.testing.assert_array_equal(values.argmax(axis=1), table)


def test_a_sample_knows_its_question(split: SplitData) -> None:
    assert split.question("marsh-2#3").id == "marsh-2"
    assert split.question("heron-1").id == "heron-1"


def test_what_is_given_away_can_be_changed_without_harm(split: SplitData) -> None:
    before = split.windows.input_ids.copy()
    encoders.input_ids(split, "heron-1")[:] = 0
    np.testing.assert_array_equal(split.windows.input_ids, before)


def test_ids_must_differ(questions: list[Question], tokenizer: Tokenizer) -> None:
    twice = [questions[0], questions[0]]
    with pytest.raises(ValueError, match="question ids must differ"):
        SplitData.of(twice, build_windows(twice, tokenizer, SETTINGS, cache=False))
