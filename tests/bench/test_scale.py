from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench import scale
from project_config import Settings
from tests.tiny_model import write_albert
from utils.squad import load_file


def test_copies_have_ids_and_contexts_of_their_own():
    questions = scale.repeated(2500)
    assert len(questions) == len({question.id for question in questions}) == 2500
    assert all(gold.text == q.context[gold.start :][: len(gold.text)] for q in questions for gold in q.golds)
    by_copy = [{q.context for q in questions if q.id.endswith(f".{copy}")} for copy in (0, 1)]
    assert not by_copy[0] & by_copy[1]


def test_questions_survive_the_file(tmp_path):
    questions = scale.repeated(300)
    path = tmp_path / "validation.json"
    path.write_text(json.dumps(scale.squad(questions)))
    assert sorted(q.id for q in load_file(path, warnings=[])) == sorted(q.id for q in questions)


@pytest.mark.parametrize("stage", scale.STAGES)
def test_every_stage_runs(tmp_path, tokenizer, stage):
    write_albert(tmp_path / "model", tokenizer)
    data = tmp_path / "validation.json"
    data.write_text(json.dumps(scale.squad(scale.repeated(20))))
    settings = Settings(model=str(tmp_path / "model"), cache=str(tmp_path / "cache"), threads=1)
    figures = scale.run_stage(stage, data, settings)
    assert figures["seconds"] > 0
    assert figures["peak"] >= figures["before"] > 0


def test_a_stage_is_told_as_json(tmp_path, monkeypatch, capsys):
    data = tmp_path / "validation.json"
    data.write_text(json.dumps(scale.squad(scale.repeated(5))))
    monkeypatch.setattr(sys, "argv", ["scale", "--stage", "read", "--data", str(data), "--cache", str(tmp_path)])
    scale.main()
    assert set(json.loads(capsys.readouterr().out)) == {"before", "seconds", "peak"}


def test_the_table_has_every_stage(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scale", "--sizes", "10", "100"])
    asked: list[tuple[str, str]] = []

    def measured(stage: str, data: Path) -> dict[str, float]:
        asked.append((data.stem, stage))
        count = len(load_file(data, warnings=[]))
        return {"seconds": count**1.2, "peak": 2.0**30, "before": 2.0**29, "tables": 2.0**20}

    monkeypatch.setattr(scale, "SHORT", 20.0)
    monkeypatch.setattr(scale, "measure", measured)
    scale.main()
    lines = capsys.readouterr().out.splitlines()
    assert [asked.count((f"validation-{size}", "read")) for size in (10, 100)] == [3, 1]
    assert lines[1].split() == ["read", "15.85", "s", "251.19", "s", "1.20", "no"]
    assert lines[2].split() == ["adds", "to", "memory", "512", "MB", "512", "MB"]
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == list(scale.STAGES)
    assert lines[5].split() == ["of", "it", "tables", "1", "MB", "1", "MB"]


def test_some_stages_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scale", "--sizes", "10", "20", "--only", "score", "read"])
    monkeypatch.setattr(scale, "measure", lambda stage, data: {"seconds": 1.0, "peak": 2.0, "before": 1.0})
    scale.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == ["score", "read"]
