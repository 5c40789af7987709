from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from utils.loss import cross_entropy, span_cross_entropy

LOGITS = arrays(np.float16, (2, 5, 2), elements=st.floats(-65504, 65504, width=16))


@given(LOGITS, st.integers(0, 4), st.integers(0, 4))
def test_loss_is_the_plain_sum_of_both_sides(logits, start, end):
    found = span_cross_entropy(logits, np.eye(5, dtype=np.float16)[[start] * 2], np.eye(5, dtype=np.float16)[[end] * 2])
    assert found.dtype == np.float32
    assert found.shape == (2,)
    for row in range(2):
        plain = 0.0
        for side, token in enumerate((start, end)):
            values = logits[row, :, side].astype(float).tolist()
            top = max(values)
            plain += top + math.log(math.fsum(math.exp(value - top) for value in values)) - values[token]
        assert found[row] == pytest.approx(plain, rel=1e-6, abs=1e-6)


def test_loss_is_zero_where_the_model_is_sure_and_right():
    logits = np.zeros((1, 3, 2), np.float16)
    logits[0, 1, 0] = logits[0, 2, 1] = 60000
    assert span_cross_entropy(logits, np.eye(3)[[1]], np.eye(3)[[2]]) == 0


def test_padding_of_the_lowest_float_neither_overflows_nor_counts():
    logits = np.array([[0.0, 0.0, np.finfo(np.float32).min]], np.float32)
    assert cross_entropy(logits, np.eye(3)[[0]]) == pytest.approx(math.log(2))
