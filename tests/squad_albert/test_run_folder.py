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

WHAT = {"format": FORMAT, "split": "test", "data": "d1", "model": {"model.onnx": "m1"}, "settings": {"n_best": 20}}
SOURCES = {"data": "sample", "model": "model/albert"}


def manifest(path: Path) -> dict[str, Any]:
    return json.loads((path / "manifest.json").read_text())


def test_a_run_is_incomplete_until_it_is_finished(tmp_path):
    path = tmp_path / "deep" / "run"
    run = RunFolder(path, WHAT, SOURCES)
    assert manifest(path) == {**WHAT, "sources": SOURCES, "complete": False, "files": {}}
    (path / "a.json").write_bytes(b"abc")
    (path / ".a.json.999.part").write_bytes(b"ab")
    run.finish(["a.json"])
    assert manifest(path)["complete"] is True
    assert list(manifest(path)["files"]) == ["a.json"]
    assert manifest(path)["files"]["a.json"].startswith("ba7816bf")
    assert sorted(entry.name for entry in path.iterdir()) == ["a.json", "manifest.json"]


def test_an_equal_run_stays_complete_until_its_files_are_replaced(tmp_path):
    RunFolder(tmp_path, WHAT, SOURCES).finish([])
    again = RunFolder(tmp_path, WHAT, {"data": "elsewhere", "model": "elsewhere"})
    assert manifest(tmp_path)["complete"] is True
    again.begin_writing()
    assert manifest(tmp_path)["complete"] is False


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"data": "d2"}, "data differs"),
        ({"model": {"model.onnx": "m2"}}, "model differs"),
        ({"split": "train", "settings": {"n_best": 5}}, "split and settings differ"),
        ({"format": FORMAT + 1}, "format differs"),
    ],
)
def test_another_run_is_left_alone(tmp_path, other, named):
    RunFolder(tmp_path, WHAT, SOURCES).finish([])
    before = manifest(tmp_path)
    with pytest.raises(RunError, match=rf"holds another run: {named}\. .*--out"):
        RunFolder(tmp_path, {**WHAT, **other}, SOURCES)
    assert manifest(tmp_path) == before


def test_what_is_no_run_is_left_alone(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(RunError, match="is a file, not a folder"):
        RunFolder(file, WHAT, SOURCES)
    with pytest.raises(RunError, match="cannot be made"):
        RunFolder(file / "run", WHAT, SOURCES)
    with pytest.raises(RunError, match=r"is not empty and its manifest\.json cannot be read"):
        RunFolder(tmp_path, WHAT, SOURCES)
    for text in ("{", "[1]"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(RunError, match="Name another folder with --out"):
            RunFolder(tmp_path, WHAT, SOURCES)
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


def test_identity_depends_on_model_and_on_settings_that_change_results(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"a")
    settings = Settings()
    base = identity("test", [OWL], [file], settings)
    assert identity("test", [OWL], [file], settings.model_copy(update={"threads": 3, "cache": "x"})) == base
    assert identity("test", [OWL], [file], settings.model_copy(update={"n_best": 3})) != base
    assert identity("train", [OWL], [file], settings) != base
    file.write_bytes(b"b")
    assert identity("test", [OWL], [file], settings) != base


@given(st.integers(), st.integers())
def test_folder_names_follow_identity(one, other):
    names = [folder_name({"split": "test", "data": value}) for value in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert names[0].startswith("test-")
