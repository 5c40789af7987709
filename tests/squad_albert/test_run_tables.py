from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from squad_albert.run_folder import FORMAT, RunError
from squad_albert.run_tables import RunTables, read_run
from tests.tiny_run import tiny_run, write_run


@pytest.mark.parametrize("model", [True, False])
def test_a_run_is_read_as_it_was_written(tmp_path, model):
    tables = tiny_run(24, splits=("train", "unlabeled"), model=model)
    found = read_run(write_run(tables, tmp_path / "run"))
    pd.testing.assert_frame_equal(found.questions, tables.questions)
    assert (found.windows is not None) == model
    assert found.manifest["splits"] == ["train", "unlabeled"]
    assert list(found.vectors) == (["cls", "context", "answer"] if model else [])
    if tables.windows is not None:
        pd.testing.assert_frame_equal(found.windows, tables.windows)
    for name, vectors in found.vectors.items():
        assert isinstance(vectors, np.memmap) and not vectors.flags.writeable
        np.testing.assert_array_equal(found.latent(name), tables.vectors[name])


def test_lists_are_lists_and_missing_numbers_are_nan(tmp_path):
    questions = read_run(write_run(tiny_run(12, splits=("unlabeled",)), tmp_path / "run")).questions
    assert questions["golds"][0] == []
    assert set(questions["nbest"][0][0]) == {"text", "start", "end", "score", "probability"}
    assert questions["loss"].dtype == np.float64
    assert questions["loss"].isna().all()


def test_what_a_run_without_a_model_lacks_is_said():
    with pytest.raises(RunError, match=r"no latent vectors `answer`: .*without a model.*squad-albert evaluate"):
        tiny_run(model=False).latent("answer")


def test_vectors_that_are_not_finite_are_told():
    run = tiny_run()
    run.vectors["cls"][[3, 5], 0] = np.nan, np.inf
    first = run.questions["id"][3]
    with pytest.raises(RunError, match=f"2 latent vectors `cls` are not finite, the first of question {first}"):
        run.latent("cls")
    assert run.latent("answer").shape == (60, 8)


def test_a_question_is_found_by_its_id():
    run = tiny_run()
    assert run.row("validation-7") == 7
    with pytest.raises(RunError, match=r"no question `validation-77`\. Did you mean .*validation-7"):
        run.row("validation-77")
    with pytest.raises(RunError, match=r"questions\.parquet"):
        run.row("§")


@pytest.fixture
def run(tmp_path) -> RunTables:
    tables = tiny_run(12)
    write_run(tables, tmp_path / "run")
    return tables


def change(folder, **values):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_is_no_whole_run_is_refused(run, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(RunError, match=r"nowhere is no run: .*squad-albert evaluate"):
        read_run(tmp_path / "nowhere")
    change(folder, format=FORMAT - 1)
    with pytest.raises(RunError, match=f"format {FORMAT - 1}, not {FORMAT}"):
        read_run(folder)
    change(folder, format=FORMAT, complete=False)
    with pytest.raises(RunError, match="is not complete"):
        read_run(folder)
    (folder / "manifest.json").write_text("[")
    with pytest.raises(RunError, match="cannot be read"):
        read_run(folder)


def test_a_damaged_or_deleted_file_is_named(run, tmp_path):
    folder = tmp_path / "run"
    (folder / "latent_cls.npy").write_bytes(b"")
    with pytest.raises(RunError, match=r"damaged: latent_cls\.npy is gone or changed"):
        read_run(folder)
    (folder / "windows.parquet").unlink()
    with pytest.raises(RunError, match=r"latent_cls\.npy, windows\.parquet are gone or changed"):
        read_run(folder)
