from __future__ import annotations

import json
import sys

import pytest

from bench import ours
from utils.windows import build_windows

from .conftest import SETTINGS


@pytest.mark.parametrize("other", ["torch fp32", "openvino fp32"])
def test_the_engines_answer_alike(job, other):
    if other.startswith("openvino"):
        pytest.importorskip("openvino", reason="the extra `fast` is not installed")
    found = [ours.measure_engine({**job, "engine": name}) for name in ("onnxruntime fp32", other)]
    texts = [{key: one["text"] for key, one in result["answers"].items()} for result in found]
    assert texts[0] == texts[1]
    assert len(set(texts[0].values())) > 3
    assert all(0 < sum(result["stages"].values()) <= result["seconds"] for result in found)


def test_answers_tell_what_competed(job, questions, tokenizer):
    result = ours.measure_engine({**job, "engine": "onnxruntime fp32"})
    assert list(result["answers"]) == [question.id for question in questions]
    assert sum(result["lengths"]) == build_windows(questions, tokenizer, SETTINGS, cache=False).length.sum()
    for question in questions:
        one = result["answers"][question.id]
        assert question.context[one["start"] : one["end"]] == one["text"]
        assert [one["start"], one["end"]] == (one["ranked"][0][:2] if one["text"] else [0, 0])


def test_torch_computes_in_bf16(job):
    exact, rounded = (ours.measure_engine({**job, "engine": f"torch {name}"}) for name in ("fp32", "bf16"))
    scores = [[one["ranked"][0][2] for one in result["answers"].values()] for result in (exact, rounded)]
    assert scores[0] != scores[1]
    assert scores[0] == pytest.approx(scores[1], abs=0.5)


def test_a_job_is_read_and_its_result_written(job, tmp_path, monkeypatch):
    path, out = tmp_path / "job.json", tmp_path / "out.json"
    path.write_text(json.dumps({**job, "engine": "decode", "out": str(out)}))
    monkeypatch.setattr(sys, "argv", ["ours", str(path)])
    ours.main()
    result = json.loads(out.read_text())
    assert 0 < result["ours"] < result["loop"]


def test_the_peak_is_at_the_models_shapes(job, monkeypatch):
    asked = []
    monkeypatch.setattr(ours, "best_products", lambda *arguments: asked.append(arguments) or {"torch": 1.0})
    assert ours.measure_peak({**job, "engine": "peak bf16"}) == {"flops": {"torch": 1.0}}
    [(config, *others)] = asked
    assert (config["hidden_size"], config["intermediate_size"]) == (16, 32)
    assert others == [SETTINGS.batch_tokens, "bf16", 1]
