"""A temperature is found again that the logits were spoilt by, and built into a model it changes no answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering

from model.calibration import TEMPERATURES, build_in, fit_temperature
from project_config import Settings
from tests.model.tiny import write_checkpoint
from utils.questions import Gold, Question
from utils.windows import build_windows

SHORT = Settings(max_length=64, overlap=8, max_question_tokens=16, max_answer_tokens=1, no_answer="never")


def test_the_temperature_of_honest_logits_is_found(tokenizer):
    """Two tokens may be the answer, and each is right as often as the logits say; then the logits are spoilt."""
    draw = np.random.default_rng(6)
    odds = draw.normal(0, 2, 1500)
    texts = ["owls", "eels"]
    questions = [
        Question(f"q{number}", "T", "Who swims?", "owls eels", (Gold(texts[right], 5 * right),))
        for number, right in enumerate((draw.random(1500) < 1 / (1 + np.exp(-odds))).astype(int))
    ]
    windows = build_windows(questions, tokenizer, SHORT, cache=False)
    logits = np.full((*windows.input_ids.shape, 2), -1000, np.float32)
    starts = {text: windows.offsets[0, :, 0].tolist().index(5 * at, windows.context_start[0])
              for at, text in enumerate(texts)}  # fmt: skip
    for spoilt in (0.5, 1.0, 2.0):
        logits[:, starts["owls"]] = 0
        logits[:, starts["eels"]] = (odds[:, None] / 2 * spoilt).astype(np.float32)
        assert fit_temperature(logits, windows, questions, SHORT) == pytest.approx(spoilt, rel=0.12)


def test_a_model_is_divided_and_says_so(tmp_path, tokenizer):
    model = AutoModelForQuestionAnswering.from_pretrained(write_checkpoint(tmp_path, "albert", tokenizer)).eval()
    ids = torch.arange(5, 25)[None]
    before = model(input_ids=ids).start_logits
    build_in(model, 1.6)
    assert torch.allclose(model(input_ids=ids).start_logits, before / 1.6, atol=1e-6)
    model.save_pretrained(tmp_path / "again")
    again = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "again")
    assert again.config.span_temperature == 1.6


def test_temperatures_to_choose_from_hold_one():
    assert np.abs(np.log(TEMPERATURES)).min() < 0.01
