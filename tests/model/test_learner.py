from __future__ import annotations

import pytest
from torch.nn.functional import log_softmax
from transformers import AutoModelForQuestionAnswering

from model.batches import Collator
from model.learner import Learner
from project_config import Settings
from tests.model.tiny import write_checkpoint
from utils.windows import Windows, build_windows


@pytest.fixture
def albert(tmp_path, tokenizer):
    return AutoModelForQuestionAnswering.from_pretrained(write_checkpoint(tmp_path, "albert", tokenizer)).eval()


@pytest.fixture
def windows(questions, tokenizer) -> Windows:
    return build_windows(questions, tokenizer, Settings(max_length=96, overlap=16, max_question_tokens=24), cache=False)


def test_the_loss_is_a_softmax_over_the_context_and_the_first_token(albert, windows):
    rows = [0, 3, 5]
    batch = Collator(windows)(rows)
    found = Learner(albert)(**batch)
    expected = 0.0
    for position, row in enumerate(rows):
        legal = [0, *range(windows.context_start[row], windows.context_end[row])]
        for side, target in enumerate((windows.start[row], windows.end[row])):
            logits = found["logits"][position, legal, side]
            expected -= log_softmax(logits, dim=0)[legal.index(int(target))].item() / 2 / len(rows)
    assert found["logits"].shape == (3, int(windows.length[rows].max()), 2)
    assert found["loss"].item() == pytest.approx(expected, rel=1e-5)
