"""A run's model is found again, unless it is another one by now."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from project_config import Settings
from squad_albert.run_folder import RunError
from squad_albert.run_model import run_model_folder, run_questions, run_settings
from squad_albert.run_tables import RunTables
from tests.exported import SMALL, model_run
from tests.tiny_run import tiny_run
from utils.questions import Question


@pytest.fixture
def run(albert: Path, questions: list[Question], tmp_path: Path) -> RunTables:
    copy = shutil.copytree(albert, tmp_path / "model")
    unlabeled = replace(questions[0], id="unlabeled", golds=(), labeled=False)
    return model_run([*questions[:6], unlabeled], copy)


def test_the_model_and_the_settings_are_the_run_s(run: RunTables, tmp_path: Path) -> None:
    other = Settings(max_length=300, threads=2, model="model/albert")
    assert run_model_folder(run, other) == tmp_path / "model"
    assert run_settings(run, other) == other.model_copy(
        update={name: getattr(SMALL, name) for name in run.manifest["settings"]}
    )
    assert run_settings(run, other).max_length == SMALL.max_length
    assert run_settings(run, other).threads == 2


def test_questions_are_those_of_the_data(run: RunTables, questions: list[Question]) -> None:
    assert run_questions(run, [4, 0]) == [questions[4], questions[0]]
    [unlabeled] = run_questions(run, [6])
    assert (unlabeled.labeled, unlabeled.golds) == (False, ())


def test_a_model_that_has_changed_or_gone_is_told(run: RunTables, tmp_path: Path) -> None:
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(RunError, match=r"config\.json has changed since the run .* was made with"):
        run_model_folder(run, SMALL)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(RunError, match=r"model\.onnx is gone that the run .* was made with\. Put the model back"):
        run_model_folder(run, SMALL)


def test_weights_beside_the_model_that_have_changed_are_told(
    albert: Path, questions: list[Question], tmp_path: Path
) -> None:
    copy = shutil.copytree(albert, tmp_path / "model")
    onnx.save(onnx.load(copy / "model.onnx"), copy / "model.onnx", save_as_external_data=True, location="w.bin")
    run = model_run(questions[:2], copy)
    assert run_model_folder(run, SMALL) == copy
    (copy / "w.bin").write_bytes((copy / "w.bin").read_bytes() + b"x")
    with pytest.raises(RunError, match=r"w\.bin has changed since the run"):
        run_model_folder(run, SMALL)


def test_a_run_without_a_model_is_told() -> None:
    with pytest.raises(RunError, match="tiny was made from predictions, without a model"):
        run_model_folder(tiny_run(6, model=False), SMALL)
