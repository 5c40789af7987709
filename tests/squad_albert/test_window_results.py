from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from model.runtime import Batch, ModelError
from project_config import Settings
from squad_albert.run_rows import window_table
from squad_albert.window_results import WindowResults, window_results
from utils.squad import Question
from utils.windows import Windows, build_windows

SETTINGS = Settings(max_length=64, overlap=16, max_question_tokens=24)
BLANK = Question("blank", "Blank", "What is there?", " ", (), labeled=False)


@pytest.fixture
def asked(questions: list[Question]) -> list[Question]:
    return [*questions[:3], BLANK]


@pytest.fixture
def windows(asked: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(asked, tokenizer, SETTINGS, cache=False)


def batch_of(windows: Windows, rows: np.ndarray) -> Batch:
    """Random logits and hidden layers that depend on the row alone."""
    length = int(windows.length[rows].max())
    draws = [np.random.default_rng(row).standard_normal((64, 8)).astype(np.float32) for row in rows]
    values = np.stack(draws)[:, :length]
    return Batch(rows, values[..., :2].copy(), [values[..., 2:].copy()])


def test_batches_are_put_in_order(windows, asked):
    rows = np.arange(len(windows))
    whole = window_results(batch_of(windows, rows), rows, windows, asked, SETTINGS)
    order = np.random.default_rng(3).permutation(rows)
    parts = [order[:4], order[4:]]
    results = [window_results(batch_of(windows, part), part, windows, asked, SETTINGS) for part in parts]
    joined = WindowResults.in_order(results, parts)
    for name in ("tokens", "score", "gold", "cls", "context", "answer"):
        np.testing.assert_allclose(getattr(joined, name), getattr(whole, name), err_msg=name)
    for name in ("start", "end", "score", "null", "log_spans"):
        np.testing.assert_allclose(getattr(joined.spans, name), getattr(whole.spans, name), rtol=1e-6, err_msg=name)


def test_a_window_without_any_span_has_the_vector_of_cls(windows, asked):
    rows = np.arange(len(windows))
    results = window_results(batch_of(windows, rows), rows, windows, asked, SETTINGS)
    [blank] = rows[windows.question == asked.index(BLANK)]
    assert windows.context_start[blank] == windows.context_end[blank]
    assert results.tokens[blank].tolist() == [0, 0]
    for name in ("context", "answer"):
        np.testing.assert_array_equal(getattr(results, name)[blank], results.cls[blank])
        assert (getattr(results, name)[0] != results.cls[0]).any()
    table = window_table(results, range(len(windows)), windows, asked).to_pylist()
    assert [row["score"] is None for row in table] == [row == blank for row in rows]
    assert [row["loss"] is None for row in table] == [row == blank for row in rows]
    assert [row["holds_answer"] is None for row in table] == [row == blank for row in rows]
    assert all(row["null_score"] is not None for row in table)


@pytest.mark.parametrize("shape", [(2, 5), (2, 9, 3), (2, 5, 3, 1)])
def test_a_hidden_layer_of_another_shape_is_told(windows, asked, shape):
    batch = Batch(np.arange(2), np.zeros((2, 5, 2), np.float32), [np.zeros(shape, np.float32)])
    with pytest.raises(ModelError, match=r"last hidden layer is \[2, .* not one vector a token.*squad-albert export"):
        window_results(batch, np.arange(2), windows, asked, SETTINGS)
