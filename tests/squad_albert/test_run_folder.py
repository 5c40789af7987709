from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_config import Settings
from squad_albert.run_folder import FORMAT, RunError, RunFolder, folder_name, hash_questions, identity
from utils.squad import Gold, Question

WHAT = {
    "format": FORMAT,
    "splits": ["test"],
    "data": {"test": "d1"},
    "model": {"model.onnx": "m1"},
    "settings": {"n_best": 20},
    "engine": "e1",
}
SOURCES = {"data": "sample", "model": "model/albert"}


def manifest(path: Path) -> dict[str, Any]:
    return json.loads((path / "manifest.json").read_text())


def test_a_run_is_incomplete_until_it_is_finished(tmp_path):
    path = tmp_path / "deep" / "run"
    with RunFolder(path, WHAT, SOURCES) as run:
        assert not run.complete
        assert manifest(path) == {**WHAT, "sources": SOURCES, "complete": False, "files": {}}
        (path / "a.json").write_bytes(b"abc")
        (path / ".a.json.999.part").write_bytes(b"ab")
        run.finish(["a.json"])
    found = manifest(path)
    assert found["complete"] is True
    assert found["files"] == {"a.json": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    assert sorted(file.name for file in path.iterdir()) == ["a.json", "manifest.json"]


def test_a_complete_run_is_told_from_a_damaged_one(tmp_path):
    (tmp_path / "run").mkdir()
    with RunFolder(tmp_path / "run", WHAT, SOURCES) as run:
        (run.path / "a.json").write_bytes(b"abc")
        run.finish(["a.json"])
    before = manifest(run.path)
    with RunFolder(run.path, WHAT, {"data": "elsewhere", "model": "elsewhere"}) as again:
        assert again.complete
    assert manifest(run.path) == before
    (run.path / "a.json").write_bytes(b"abd")
    with RunFolder(run.path, WHAT, SOURCES) as again:
        assert not again.complete
    assert manifest(run.path)["complete"] is False
    (run.path / "a.json").unlink()
    with RunFolder(run.path, WHAT, SOURCES) as again:
        assert not again.complete


def test_a_folder_in_which_a_process_died_at_once_is_taken(tmp_path):
    (tmp_path / ".manifest.json.999.part").write_text("{")
    with RunFolder(tmp_path, WHAT, SOURCES) as run:
        run.finish([])
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


def test_two_processes_do_not_write_one_run(tmp_path):
    with RunFolder(tmp_path, WHAT, SOURCES):
        with pytest.raises(RunError, match=r"another process is writing the run .*--out"):
            RunFolder(tmp_path, WHAT, SOURCES).__enter__()
        assert manifest(tmp_path)["complete"] is False
    with RunFolder(tmp_path, WHAT, SOURCES):
        pass


def test_a_folder_that_cannot_be_locked_is_told(tmp_path, monkeypatch):
    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(RunError, match=r"cannot be locked: .*not supported.*local disk"):
        RunFolder(tmp_path, WHAT, SOURCES).__enter__()


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"data": {"test": "d2"}}, "data differs"),
        ({"model": {"model.onnx": "m2"}}, "model differs"),
        ({"splits": ["train"], "settings": {"n_best": 5}}, "splits and settings differ"),
        ({"engine": "openvino 1 bf16"}, "engine differs"),
        ({"format": FORMAT + 1}, "format differs"),
    ],
)
def test_another_run_is_left_alone(tmp_path, other, named):
    with RunFolder(tmp_path, WHAT, SOURCES) as run:
        run.finish([])
    before = manifest(tmp_path)
    with pytest.raises(RunError, match=rf"holds another run: {named}\. .*--out"):
        RunFolder(tmp_path, {**WHAT, **other}, SOURCES).__enter__()
    assert manifest(tmp_path) == before


def test_what_is_no_run_is_left_alone(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(RunError, match="is a file, not a folder"):
        RunFolder(file, WHAT, SOURCES).__enter__()
    with pytest.raises(RunError, match="cannot be made"):
        RunFolder(file / "run", WHAT, SOURCES).__enter__()
    with pytest.raises(RunError, match=r"is not empty and its manifest\.json cannot be read"):
        RunFolder(tmp_path, WHAT, SOURCES).__enter__()
    for text in ("{", "[1]"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(RunError, match="Name another folder with --out"):
            RunFolder(tmp_path, WHAT, SOURCES).__enter__()
    assert file.read_text() == "mine"


OWL = Question("q", "T", "What flies?", "An owl flies.", (Gold("owl", 3),))


@pytest.mark.parametrize(
    "other",
    [
        [replace(OWL, golds=(Gold("owl", 2),))],
        [replace(OWL, context="An owl flies!")],
        [replace(OWL, labeled=False, golds=())],
        [replace(OWL, title="U")],
        [OWL, OWL],
        [],
    ],
)
def test_every_field_of_the_questions_counts(other):
    assert hash_questions(other) != hash_questions([OWL])
    assert hash_questions([replace(OWL)]) == hash_questions([OWL])


def test_identity_depends_on_the_source_of_the_answers_and_on_settings_that_change_results():
    settings = Settings()
    source = {"model": {"model.onnx": "m1"}, "engine": "e1"}
    base = identity({"test": [OWL]}, settings, **source)
    assert identity({"test": [OWL]}, settings.model_copy(update={"threads": 3, "latent": "cls"}), **source) == base
    other = {"n_best": 3}
    for changed in (
        identity({"test": [OWL]}, settings.model_copy(update=other), **source),
        identity({"train": [OWL]}, settings, **source),
        identity({"test": [OWL], "train": []}, settings, **source),
        identity({"test": [OWL]}, settings, **{**source, "engine": "e2"}),
        identity({"test": [OWL]}, settings, **{**source, "model": {"model.onnx": "m2"}}),
        identity({"test": [OWL]}, settings, predictions={"predictions": "p1"}),
    ):
        assert changed != base
    assert base["predictions"] is None


@given(st.integers(), st.integers())
def test_folder_names_follow_identity(one, other):
    names = [folder_name({"splits": ["train", "test"], "data": value}) for value in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert names[0].startswith("train-test-")
