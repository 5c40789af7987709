from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForQuestionAnswering

from model.inputs import input_names, max_positions
from tests.model.tiny import write_checkpoint

IDS, TYPES = ["input_ids", "attention_mask"], "token_type_ids"


@pytest.mark.parametrize(
    ("architecture", "names", "positions"),
    [
        ("albert", [*IDS, TYPES], 130),
        ("bert", [*IDS, TYPES], 130),
        ("electra", [*IDS, TYPES], 130),
        ("distilbert", IDS, 130),
        ("roberta", IDS, 129),
        ("deberta-v2", IDS, None),
    ],
)
def test_what_an_architecture_takes(tmp_path, tokenizer, architecture, names, positions):
    model = AutoModelForQuestionAnswering.from_pretrained(write_checkpoint(tmp_path, architecture, tokenizer))
    assert input_names(model) == names
    assert max_positions(model) == positions
    inputs = {name: torch.ones(1, positions or 200, dtype=torch.int64) for name in names}
    assert model(**inputs).end_logits.isfinite().all()
