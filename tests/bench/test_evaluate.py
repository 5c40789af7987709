from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from bench import evaluate
from bench.answers import EXACT
from utils.squad import load_file


@pytest.fixture
def calls(tmp_path, monkeypatch) -> list[list[str]]:
    """What would have been run, the peers' environment being far away."""
    found: list[list[str]] = []

    def run(command: list[str], **options: object) -> None:
        found.append(command)
        evaluate.PEERS.mkdir(exist_ok=True)

    monkeypatch.setattr(evaluate, "BUILD", tmp_path)
    monkeypatch.setattr(evaluate, "PEERS", tmp_path / "venv")
    monkeypatch.setattr(evaluate.subprocess, "run", run)
    return found


def test_the_environment_of_the_peers_is_made_once(calls):
    python = evaluate.peers_python()
    assert [command[-1] for command in calls] == [
        str(evaluate.PEERS),
        evaluate.REQUIREMENTS[0],
        evaluate.REQUIREMENTS[-1],
    ]
    assert all(command[0] == str(python) for command in calls[1:])
    evaluate.peers_python()
    assert len(calls) == 3


def test_the_environment_is_made_anew_for_other_requirements(calls, monkeypatch):
    evaluate.peers_python()
    monkeypatch.setattr(evaluate, "REQUIREMENTS", ("torch==3.0", "transformers"))
    evaluate.peers_python()
    assert len(calls) == 6


def test_engines_take_turns(monkeypatch, capsys):
    turns = []
    monkeypatch.setattr(evaluate, "measure", lambda engine, job: turns.append(engine) or {"n": len(turns)})
    assert evaluate.rounds({}, ["a", "b"], 2) == {"a": [{"n": 1}, {"n": 3}], "b": [{"n": 2}, {"n": 4}]}
    assert turns == ["a", "b", "a", "b"]


def test_work_is_counted_by_real_tokens():
    base = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "embedding_size": 128}
    by_hand = 2 * 200 * (128 * 768 + 12 * (4 * 768**2 + 2 * 768 * 3072)) + 12 * 2 * (2 * 768 * 200**2)
    assert evaluate.model_flops(base, [200]) == pytest.approx(by_hand + 2 * 200 * 768 * 2)
    assert evaluate.model_flops(base, [200, 200]) == 2 * evaluate.model_flops(base, [200])


def test_the_lines_show_ratios_and_shares(albert):
    job = {"model": str(albert), "questions": [["q", "?", "."]] * 10}
    run = {"peak": 2**30, "lengths": [40] * 10}
    found: dict[str, Any] = {
        "pipeline": [{**run, "seconds": seconds} for seconds in (4.0, 40.0, 4.0)],
        "optimum": [{**run, "seconds": seconds} for seconds in (2.0, 20.0, 2.0)],
        EXACT: [{**run, "seconds": seconds} for seconds in (1.0, 8.0, 1.0)],  # the machine was slow in between
        "peak fp32": [{"flops": {"torch": 1e9, "onnxruntime": peak}} for peak in (4e9, 4e8, 4e9)],
        "peak bf16": [{"flops": {"torch": 2e9, "openvino": 1e9}}] * 3,
    }
    config = json.loads((albert / "config.json").read_text())
    share = evaluate.model_flops(config, [40] * 10) / 4e9
    lines = evaluate.speed_lines(found, job)
    assert lines[1].startswith("transformers 4.57 pipeline, fp32")
    assert lines[1].split()[-6:] == ["2.5", "1.00", "0.50", "1,024", "MB", f"{share / 4:.0%}"]
    assert lines[3].split() == ["onnxruntime", "fp32", "10.0", "4.00", "2.00", "1,024", "MB", f"{share:.0%}"]
    assert lines[4:6] == [
        "matrix products in fp32, GFLOP/s: torch 1, onnxruntime 4",
        "matrix products in bf16, GFLOP/s: torch 2, openvino 1",
    ]


@pytest.mark.parametrize("bf16", [True, False])
def test_everything_that_the_processor_can_is_measured_and_printed(calls, albert, bf16, monkeypatch, capsys):
    def measure(engine: str, job: dict[str, Any]) -> dict[str, Any]:
        if engine == "decode":
            return {"ours": 1e-5, "loop": 1e-3}
        if engine.startswith("peak"):
            return {"flops": {"torch": 1e9}}
        one = {"text": "", "start": 0, "end": 0, "null": 0.0, "ranked": [], "pooled": ""}
        answers = {key: one for key, *_ in job["questions"]}
        return {"seconds": 1.0, "peak": 2**30, "lengths": [9], "answers": answers}

    squad = evaluate.ROOT / "data" / "validation.json"
    monkeypatch.setattr(evaluate, "measure", measure)
    monkeypatch.setattr(evaluate, "has_bf16", lambda: bf16)
    monkeypatch.setattr(evaluate, "base_model", lambda folder, layers: albert)
    monkeypatch.setattr(sys, "argv", ["evaluate", "--limit", "5", "--questions", "4", "--answers", str(squad)])
    evaluate.main()
    printed = capsys.readouterr().out
    assert "albert-base size, 4 questions" in printed
    assert "the bundled model, 5 questions" in printed
    assert "decoding a window: 10.0 us; a loop as in the example scripts: 1,000 us, 100 times that" in printed
    assert "validation.json, 5 questions" in printed
    names = [evaluate.NAMES.get(name, name) for name in (*evaluate.OTHERS, *evaluate.OURS)]
    assert [name for name in names if name in printed] == [name for name in names if bf16 or "bf16" not in name]
    assert (evaluate.NO_BF16 in printed) is not bf16
    assert printed.count("\ntorch bf16 ") == 2  # its answers, which take no such processor


def test_a_base_model_is_exported_once(calls, albert, monkeypatch):
    made = []
    monkeypatch.setattr("model.export.export", lambda checkpoint, out: made.append(out))
    (evaluate.BUILD / "albert-base-1").mkdir()
    (evaluate.BUILD / "albert-base-1" / "model.onnx").touch()
    assert evaluate.base_model(albert, 1) == evaluate.BUILD / "albert-base-1"
    assert not made


def test_a_job_holds_what_an_engine_needs(job, questions):
    assert json.loads(json.dumps(job)) == job
    assert [key for key, *_ in job["questions"]] == [question.id for question in questions]
    assert job["threads"] == 1
    bundled = load_file(evaluate.ROOT / "data" / "test.json", warnings=[])[:3]
    assert evaluate.job_of(evaluate.BUILD, bundled, evaluate.Settings())["threads"] >= 1


def test_no_module_hides_one_of_python_s():
    names = {path.stem for path in (evaluate.ROOT / "bench").glob("*.py")}  # peers.py runs as a script among them
    assert "peers" in names
    assert not names & sys.stdlib_module_names
