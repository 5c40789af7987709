from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.batches import POOL, BatchOrder, Collator
from project_config import Settings
from utils.windows import build_windows

ONCE = np.ones(150)
LENGTHS = np.random.default_rng(3).integers(10, 90, 150).astype(np.int32)


@given(st.integers(0, 70), st.sampled_from([0.3, 1.0, 2.5]), st.integers(1, 9), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_an_order_goes_on_anywhere_as_if_it_had_never_stopped(start, weight, batch_size, seed):
    whole = list(BatchOrder(LENGTHS, batch_size, 70, seed, weight * ONCE))
    assert len(whole) == 70
    assert all(len(batch) == batch_size for batch in whole)
    order = BatchOrder(LENGTHS, batch_size, 70, seed, weight * ONCE)
    order.start = start
    assert list(order) == whole[start:]
    assert len(order) == 70


@pytest.mark.parametrize("size", [1, 7, 63, 150])
def test_every_window_comes_once_an_epoch(size):
    order = BatchOrder(LENGTHS[:size], 4, 3 * POOL, 7, ONCE[:size])
    drawn = [row for batch in order for row in batch]
    counts = np.bincount(drawn, minlength=size)
    assert counts.sum() == 4 * 3 * POOL
    assert counts.max() - counts.min() <= 1


def test_batches_hold_windows_of_like_length():
    shuffled = np.random.default_rng(0).permutation(150)[: 4 * 32].reshape(-1, 4)
    assert np.mean([np.ptp(LENGTHS[batch]) for batch in BatchOrder(LENGTHS, 4, 32, 7, ONCE)]) < 0.2 * np.mean(
        np.ptp(LENGTHS[shuffled], axis=1)
    )


def test_seeds_and_epochs_differ():
    first = list(BatchOrder(LENGTHS, 4, 8, 1, ONCE))
    assert first != list(BatchOrder(LENGTHS, 4, 8, 2, ONCE))
    long = [row for batch in BatchOrder(LENGTHS, 5, 2 * POOL * 30, 1, ONCE) for row in batch]
    assert long[:150] != long[150:300]


def test_an_epoch_visits_windows_by_their_weights():
    weights = np.repeat([2.0, 1.0, 0.4], 50)
    drawn = [row for batch in BatchOrder(LENGTHS, 17, 10 * POOL, 7, weights) for row in batch]
    counts = np.bincount(drawn, minlength=150)  # about sixteen epochs of 50 x 3.4 windows
    for part, expected in ((counts[:50], 32), (counts[50:100], 16), (counts[100:], 6.4)):
        assert np.abs(part - expected).max() <= 2
        assert abs(part.mean() - expected) < 0.3


def test_tensors_of_a_batch(questions, tokenizer):
    windows = build_windows(
        questions, tokenizer, Settings(max_length=96, overlap=16, max_question_tokens=24), cache=False
    )
    rows = [int(row) for row in np.argsort(windows.length)[[2, 0, 5]]]
    batch = Collator(windows)(rows)
    longest = int(windows.length[rows].max())
    assert longest < 96
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        **dict.fromkeys(("input_ids", "attention_mask", "token_type_ids", "legal"), (3, longest)),
        **dict.fromkeys(("start_positions", "end_positions"), (3,)),
    }
    assert (batch["input_ids"].numpy() == windows.input_ids[rows, :longest]).all()
    assert (batch["attention_mask"].numpy() == windows.attention_mask(rows)[:, :longest]).all()
    assert (batch["token_type_ids"].numpy() == windows.token_type_ids(rows)[:, :longest]).all()
    for row, legal in zip(rows, batch["legal"].numpy(), strict=True):
        allowed = {0, *range(windows.context_start[row], windows.context_end[row])}
        assert set(np.flatnonzero(legal)) == allowed
    assert batch["start_positions"].tolist() == windows.start[rows].tolist()
    assert batch["end_positions"].tolist() == windows.end[rows].tolist()
