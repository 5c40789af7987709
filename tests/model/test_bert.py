"""An ALBERT made of a BERT computes what the BERT does."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, BertConfig, BertModel

from model.bert import ArchitectureError, albert_of_bert
from tests.model.tiny import write_checkpoint

SIZES = {"vocab_size": 99, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}


def inputs() -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    ids = torch.randint(0, 99, (3, 17))
    mask = (torch.arange(17) < torch.tensor([[17], [9], [3]])).long()
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": (torch.arange(17) > 6).long().expand(3, -1)}


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_hidden_states_are_the_same(layers, activation):
    torch.manual_seed(2)
    config = BertConfig(**SIZES, num_hidden_layers=layers, hidden_act=activation, initializer_range=0.4)
    bert = BertModel(config).eval()
    albert = albert_of_bert(bert).eval()
    found = albert.albert(**inputs(), output_hidden_states=True).hidden_states
    for own, other in zip(found, bert(**inputs(), output_hidden_states=True).hidden_states, strict=True):
        assert torch.equal(own, other)
    assert albert.config.num_hidden_groups == layers


def test_a_trained_span_head_comes_along(tmp_path, tokenizer):
    bert = AutoModelForQuestionAnswering.from_pretrained(write_checkpoint(tmp_path, "bert", tokenizer)).eval()
    albert = albert_of_bert(bert).eval()
    for name in ("start_logits", "end_logits"):
        assert torch.equal(albert(**inputs())[name], bert(**inputs())[name])


@pytest.mark.parametrize("architecture", ["roberta", "distilbert"])
def test_another_architecture_is_refused(tmp_path, tokenizer, architecture):
    model = AutoModelForQuestionAnswering.from_pretrained(write_checkpoint(tmp_path, architecture, tokenizer))
    with pytest.raises(ArchitectureError, match=f"a model of type {architecture} cannot be taken as an ALBERT"):
        albert_of_bert(model)


def test_half_a_bert_is_refused():
    bert = BertModel(BertConfig(**SIZES, num_hidden_layers=2))
    del bert.encoder.layer[1]
    with pytest.raises(ArchitectureError, match=r"lacks the weights for .*groups.1"):
        albert_of_bert(bert)
