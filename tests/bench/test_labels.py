from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from bench import labels
from project_config import ROOT, Settings
from squad_albert.explore.label_signals import SIGNALS
from tests.exported import write_exported
from tests.squad_albert.data import write_squad
from utils.questions import Question


def test_recall_reads_twice_as_many_labels_as_are_false():
    false = np.array([True, False, True, False, False, False])
    assert labels.recall(np.array([6.0, 5, 4, 3, 2, 1]), false) == 1
    assert labels.recall(np.array([6.0, 5, 1, 4, 3, 2]), false) == 0.5
    assert labels.recall(np.zeros(6), false) == 1  # of equals the first


def test_figures_are_of_all_signals_and_of_each():
    nothing = dict.fromkeys(SIGNALS, np.nan)
    table = pd.DataFrame([{"id": f"q{7 - row}", "rank": row + 1, **nothing} for row in range(8)])
    table["model"] = np.arange(8.0)  # the other way round
    found = labels.figures(table, ["q7", "q6", "elsewhere"])
    assert (found["labels"], found["false"]) == (8, 2)
    assert (found["together"], found["model"]) == (1.0, 0.0)
    assert found["twin"] == 0  # it says nothing, so the rank must not show through


def test_a_corpus_is_evaluated_and_explored(questions: list[Question], tokenizer: Tokenizer, tmp_path: Path):
    for split in ("train", "validation"):
        write_squad(tmp_path / "data" / f"{split}.json", [replace(one, id=f"{split}-{one.id}") for one in questions])
    (tmp_path / "data" / "planted.json").write_text(json.dumps({"false_labels": ["train-heron-1"]}))
    model = write_exported(tmp_path / "model", tokenizer)
    settings = Settings(model=str(model), cache=str(tmp_path / "cache"), max_length=96, overlap=16, threads=1)
    found = labels.measure(tmp_path / "data", tmp_path / "run", settings)
    assert found["false"] == 1
    assert found["labels"] > len(questions)
    assert (tmp_path / "run" / "labels.parquet").is_file()
    assert all(found[name] in (0, 1) for name in ("together", *SIGNALS))


def test_the_bundled_corpus_and_those_of_other_seeds(monkeypatch, capsys):
    asked: list[Path] = []
    shares = {7: 0.9, 3: 0.5}

    def measured(data: Path, folder: Path, settings: Settings) -> dict[str, float]:
        asked.append(data)
        share = shares[7 if data == ROOT / "data" else 3]
        return {"labels": 6000, "false": 100, "together": share, **dict.fromkeys(SIGNALS, 0.25)}

    monkeypatch.setattr(labels, "measure", measured)
    monkeypatch.setattr(labels, "write_corpus", lambda folder, seed: None)
    monkeypatch.setattr(sys, "argv", ["labels", "--seeds", "7", "3"])
    labels.main()
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert asked[0] == ROOT / "data" != asked[1]
    assert printed[3] == ["found", "together", "90.0%", "50.0%", "70.0%", ">=", "80%:", "no"]
    assert printed[4] == ["model", "alone", "25.0%", "25.0%", "25.0%"]
    assert len(printed) == 4 + len(SIGNALS)


@pytest.mark.parametrize("name", [*SIGNALS, "together"])
def test_the_table_names_every_signal(name):
    one = {"labels": 1.0, "false": 1.0, "together": 0.8, **dict.fromkeys(SIGNALS, 0.5)}
    assert any(name in line for line in labels.lines({7: one}))
