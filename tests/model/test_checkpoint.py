from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from model.checkpoint import misfit
from tests.model.tiny import with_vocabulary


def model_of(rows: int) -> Any:
    return SimpleNamespace(get_input_embeddings=lambda: torch.nn.Embedding(rows, 1))


def tokenizer_of(tokenizer: Tokenizer, size: int) -> PreTrainedTokenizerFast:
    marks = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=with_vocabulary(tokenizer, size), mask_token="[MASK]", **marks)


@pytest.mark.parametrize(
    ("ids", "rows"), [(300, 300), (300, 428), (300, 301), (29_500, 30_000), (50_295, 51_200), (5000, 5100)]
)
def test_a_tokenizer_as_large_as_its_model_or_a_padding_smaller_fits(tokenizer, ids, rows):
    assert misfit(tokenizer_of(tokenizer, ids), model_of(rows)) is None


@pytest.mark.parametrize(("ids", "rows"), [(301, 300), (300, 429), (8000, 30_000), (30_522, 30_000), (28_996, 30_522)])
def test_a_tokenizer_of_another_size_does_not(tokenizer, ids, rows):
    found = misfit(tokenizer_of(tokenizer, ids), model_of(rows))
    assert found
    assert found.startswith(f"has a tokenizer of {ids:,} ids and a model of {rows:,}: ")


def test_ids_are_counted_to_the_last(tokenizer):
    gap = tokenizer_of(tokenizer, 300)
    gap.get_vocab = lambda: {"<pad>": 0, "owl": 300}
    assert misfit(gap, model_of(300))
    assert misfit(gap, model_of(301)) is None


def test_a_tokenizer_of_special_tokens_alone_is_none(tokenizer):
    found = misfit(tokenizer_of(tokenizer, 5), model_of(5))
    assert found
    assert found.startswith("has no tokenizer. ")


def test_a_slow_tokenizer_does_not_fit():
    assert misfit(object(), model_of(5)) == "has no fast tokenizer (tokenizer.json), which windows need."
