from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.batches import POOL, BatchOrder, Collator, Noise
from project_config import Settings
from utils.windows import build_windows

LENGTHS = np.random.default_rng(3).integers(10, 90, 150).astype(np.int32)


@given(st.integers(0, 70), st.sampled_from([0.0, 0.5]), st.integers(1, 9), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_an_order_goes_on_anywhere_as_if_it_had_never_stopped(start, curriculum, batch_size, seed):
    whole = list(BatchOrder(LENGTHS, batch_size, 70, seed, curriculum))
    assert len(whole) == 70
    assert all(len(batch) == batch_size for batch in whole)
    order = BatchOrder(LENGTHS, batch_size, 70, seed, curriculum)
    order.start = start
    assert list(order) == whole[start:]
    assert len(order) == 70


@pytest.mark.parametrize("size", [1, 7, 63, 150])
def test_every_window_comes_once_an_epoch(size):
    order = BatchOrder(LENGTHS[:size], 4, 3 * POOL, 7)
    drawn = [row for batch in order for row in batch]
    counts = np.bincount(drawn, minlength=size)
    assert counts.sum() == 4 * 3 * POOL
    assert counts.max() - counts.min() <= 1


def test_batches_hold_windows_of_like_length():
    shuffled = np.random.default_rng(0).permutation(150)[: 4 * 32].reshape(-1, 4)
    assert np.mean([np.ptp(LENGTHS[batch]) for batch in BatchOrder(LENGTHS, 4, 32, 7)]) < 0.2 * np.mean(
        np.ptp(LENGTHS[shuffled], axis=1)
    )


def test_seeds_and_epochs_differ():
    first = list(BatchOrder(LENGTHS, 4, 8, 1))
    assert first != list(BatchOrder(LENGTHS, 4, 8, 2))
    long = [row for batch in BatchOrder(LENGTHS, 5, 2 * POOL * 30, 1) for row in batch]
    assert long[:150] != long[150:300]


def test_a_curriculum_begins_with_the_shortest():
    batches = list(BatchOrder(LENGTHS, 2, 8 * POOL, 7, curriculum=0.5))
    longest = [max(LENGTHS[row] for batch in batches[n * POOL : (n + 1) * POOL] for row in batch) for n in range(8)]
    assert longest[0] <= np.quantile(LENGTHS, 0.25)
    assert longest[:4] == sorted(longest[:4])
    assert longest[-1] >= np.quantile(LENGTHS, 0.9)


def test_a_curriculum_over_few_windows_repeats_them():
    assert {row for batch in BatchOrder(LENGTHS[:3], 4, 2, 7, 0.5) for row in batch} <= {0, 1, 2}


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


def test_hints_travel_with_their_windows(questions, tokenizer):
    windows = build_windows(
        questions, tokenizer, Settings(max_length=96, overlap=16, max_question_tokens=24), cache=False
    )
    asked = np.arange(len(windows)) - 1
    told = np.arange(windows.input_ids.size).reshape(windows.input_ids.shape).astype(np.int16)
    batch = Collator(windows, {"asked_fact": asked, "told_facts": told})([3, 1])
    assert batch["asked_fact"].tolist() == [2, 0]
    assert (batch["told_facts"].numpy() == told[[3, 1], : batch["input_ids"].shape[1]]).all()
    assert batch["asked_fact"].dtype == batch["told_facts"].dtype == torch.int64


def test_noise_spares_the_answer_and_all_that_is_no_text(questions, tokenizer):
    windows = build_windows(
        questions, tokenizer, Settings(max_length=96, overlap=16, max_question_tokens=24), cache=False
    )
    rows, pieces = list(range(len(windows))), np.arange(5, 9)
    clean = Collator(windows)(rows)["input_ids"].numpy()
    noisy = Collator(windows, noise=Noise(0.9, pieces, 3))(rows)
    changed = noisy["input_ids"].numpy() != clean
    assert set(noisy["input_ids"].numpy()[changed]) <= set(pieces)
    for row in rows:
        at = set(np.flatnonzero(changed[row]))
        text = {
            *range(windows.question_start[row], windows.question_end[row]),
            *range(windows.context_start[row], windows.context_end[row]),
        }
        assert at <= text - ({*range(windows.start[row], windows.end[row] + 1)} if windows.start[row] else set())
        assert len(at) > len(text) / 3  # some become what they were


def test_noise_follows_from_the_seed_and_the_batch(questions, tokenizer):
    windows = build_windows(questions, tokenizer, Settings(), cache=False)

    def ids(seed, rows):
        return Collator(windows, noise=Noise(0.3, np.arange(5, 99), seed))(rows)["input_ids"].tolist()

    assert ids(1, [0, 4]) == ids(1, [0, 4])
    assert ids(1, [0, 4]) != ids(2, [0, 4])
    assert ids(1, [0, 4])[0] != ids(1, [0, 5])[0]
