from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

from model.experiment import TrainingError
from model.matching import add_inner_layers, add_matching_head
from model.scratch import sinusoids
from tests.model.tiny import write_checkpoint

QUESTION = [2, *range(20, 26), 3]
CONTEXT = [40, 41, 20, 42, 22, 43, 44, 25, 45, 3]
"""The third, fifth and eighth token are those of the question."""


def tiny(folder: Path, tokenizer: Tokenizer, architecture: str = "albert", **changes: Any) -> Any:
    write_checkpoint(folder, architecture, tokenizer, **changes)
    return AutoModelForQuestionAnswering.from_pretrained(folder).eval()


def inputs() -> dict[str, torch.Tensor]:
    ids = torch.tensor([QUESTION + CONTEXT])
    types = torch.tensor([[0] * len(QUESTION) + [1] * len(CONTEXT)])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": types}


@pytest.mark.parametrize("layers", [2, 4])
def test_layers_of_their_own_compute_the_same_and_learn_apart(tmp_path, tokenizer, layers):
    model = tiny(tmp_path, tokenizer, num_hidden_layers=4)
    grown = add_inner_layers(model, layers).eval()
    for name in ("start_logits", "end_logits"):
        torch.testing.assert_close(model(**inputs())[name], grown(**inputs())[name])
    assert (grown.config.inner_group_num, grown.config.num_hidden_layers) == (layers, 4 // layers)
    grown(**inputs()).start_logits.square().sum().backward()
    gradients = [layer.ffn.weight.grad for layer in grown.albert.encoder.albert_layer_groups[0].albert_layers]
    assert len(gradients) == layers
    assert not torch.allclose(gradients[0], gradients[1])


@pytest.mark.parametrize(
    ("changes", "layers"),
    [({"num_hidden_layers": 4}, 3), ({"num_hidden_groups": 2}, 2), ({"inner_group_num": 2}, 2)],
)
def test_layers_that_do_not_come_out_even(tmp_path, tokenizer, changes, layers):
    with pytest.raises(TrainingError, match=rf"inner_layers {layers} does not suit a model of \d layers in \d groups"):
        add_inner_layers(tiny(tmp_path, tokenizer, **changes), layers)


@pytest.mark.parametrize("heads", [2, 4])
def test_a_head_finds_the_tokens_of_the_question(tmp_path, tokenizer, heads):
    size = {"embedding_size": 128, "hidden_size": 128, "num_attention_heads": heads}
    model = tiny(tmp_path, tokenizer, **size)
    table = model.albert.embeddings.position_embeddings.weight
    table.data.copy_(0.3 * sinusoids(*table.shape))  # trained ones are as smooth
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    add_matching_head(model, seed=7)
    model.set_attn_implementation("eager")
    attention = model(**inputs(), output_attentions=True).attentions[0][0, -1]
    for position, token in enumerate(CONTEXT[:-1], len(QUESTION)):
        wanted = QUESTION.index(token) if token in QUESTION else position
        assert attention[position].argmax() == wanted
    found = [len(QUESTION) + CONTEXT.index(token) for token in CONTEXT[:-1] if token in QUESTION]
    assert attention[found, : len(QUESTION)].sum(dim=1).min() > 0.6
    kept = slice(0, -128 // heads)
    for name, tensor in model.state_dict().items():
        same = tensor == before[name]
        if ".attention." not in name or "LayerNorm" in name or name.endswith("dense.bias"):
            assert same.all(), name
        elif "dense" in name:
            assert same.sum() == same.numel() - 128, name
        else:
            assert same[kept].all(), name


def test_it_is_the_same_again(tmp_path, tokenizer):
    weights = []
    for seed in (7, 7, 8):
        model = tiny(tmp_path, tokenizer)
        add_matching_head(model, seed)
        weights.append(model.albert.encoder.albert_layer_groups[0].albert_layers[0].attention.key.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_one_head_is_too_few(tmp_path, tokenizer):
    with pytest.raises(TrainingError, match=r"has no other\. Give it two"):
        add_matching_head(tiny(tmp_path, tokenizer, num_attention_heads=1), seed=7)


def test_other_architectures_have_neither(tmp_path, tokenizer):
    model = tiny(tmp_path, tokenizer, "bert")
    with pytest.raises(TrainingError, match="inner_layers is for ALBERT alone, and the model is a Bert"):
        add_inner_layers(model, 2)
    with pytest.raises(TrainingError, match="matching_head is for ALBERT alone"):
        add_matching_head(model, seed=7)
