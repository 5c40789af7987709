"""A narrower embedding changes what a model computes as little as can be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AlbertConfig, AlbertForQuestionAnswering, BertConfig, BertForQuestionAnswering

from model.bert import ArchitectureError
from model.factorise import factorise

SIZES = {"vocab_size": 60, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48}
COUNTS = np.arange(60)[::-1] ** 2


@pytest.fixture
def model() -> AlbertForQuestionAnswering:
    torch.manual_seed(4)
    config = AlbertConfig(
        **SIZES, embedding_size=32, num_hidden_layers=2, num_hidden_groups=2, initializer_range=0.3,
        max_position_embeddings=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return AlbertForQuestionAnswering(config).eval()


def difference(model: AlbertForQuestionAnswering, other: AlbertForQuestionAnswering) -> float:
    """Of the last hidden states, relative, over tokens as they occur."""
    ids = torch.from_numpy(np.random.default_rng(0).choice(60, (20, 30), p=COUNTS / COUNTS.sum()))
    with torch.no_grad():
        wide, narrow = (one.albert(input_ids=ids).last_hidden_state for one in (model, other))
    return float((wide - narrow).norm() / wide.norm())


def test_an_embedding_of_few_directions_loses_nothing(model):
    with torch.no_grad():
        basis = torch.randn(10, 32)
        for table in (model.albert.embeddings.word_embeddings, model.albert.embeddings.position_embeddings,
                      model.albert.embeddings.token_type_embeddings):  # fmt: skip
            table.weight.copy_(torch.randn(len(table.weight), 10) @ basis)
    assert difference(model, factorise(model, 12, COUNTS, 30, 1)) < 1e-4


def test_more_directions_lose_less(model):
    losses = [difference(model, factorise(model, size, COUNTS, 30, 1)) for size in (8, 16, 24, 31)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.2 * losses[0]


def test_frequent_tokens_are_kept_best(model):
    narrow = factorise(model, 12, COUNTS, 30, 1)
    with torch.no_grad():
        own, other = (one.albert.encoder.embedding_hidden_mapping_in(one.albert.embeddings(torch.arange(60)[:, None]))
                      for one in (model, narrow))  # fmt: skip
    lost = (own - other).norm(dim=-1)[:, 0].numpy()
    assert lost[:15].mean() < 0.8 * lost[-15:].mean()


def test_the_rest_of_the_model_is_as_it_was(model):
    narrow = factorise(model, 16, COUNTS, 30, 1)
    assert narrow.config.embedding_size == 16
    before, after = model.state_dict(), narrow.state_dict()
    for name, tensor in before.items():
        if "embedding" not in name:
            assert torch.equal(tensor, after[name])
    assert after["albert.embeddings.word_embeddings.weight"].shape == (60, 16)


def test_what_gets_no_smaller_is_refused(model):
    for other, size in ((model, 32), (BertForQuestionAnswering(BertConfig(**SIZES, num_hidden_layers=1)), 16)):
        with pytest.raises(ArchitectureError, match=f"embedding_size {size} does not make"):
            factorise(other, size, COUNTS, 30, 1)
