"""A sample of a run, explained."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from model.differentiable import DifferentiableError
from project_config import Settings
from squad_albert.attribution import METHODS, Attributor
from squad_albert.explain import ExplainError, attributions, explain, explain_lines
from squad_albert.run_folder import RunError
from tests.conftest import HERON, MARSH
from tests.exported import SMALL, model_run, write_exported
from tests.tiny_run import tiny_run, write_run
from utils.files import WriteError
from utils.questions import DataError, Question

pytest.importorskip("keras_hub", reason="the extra `explore` is not installed")


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    return write_exported(tmp_path_factory.mktemp("models") / "albert", tokenizer)


@pytest.fixture(scope="module")
def attributor(albert: Path) -> Attributor:
    return Attributor(albert, SMALL)


@pytest.fixture
def run(albert: Path, questions: list[Question], tmp_path: Path) -> Path:
    unlabeled = replace(questions[3], id="unlabeled-1", golds=(), labeled=False)
    return write_run(model_run([*questions, unlabeled], albert), tmp_path / "run")


def test_a_sample_is_explained_by_every_method(run: Path, tmp_path: Path) -> None:
    result = explain(run, "heron-1", Settings(threads=1), out=tmp_path / "out")
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["id"], result["split"], result["title"]) == ("heron-1", "validation", "Heron")
    assert result["golds"] == ["4 May 1871", "May 1871", "1871"]
    assert result["target"] == {"kind": "gold", "text": "4 May 1871", "start": 54, "end": 64}
    assert HERON[54:64] == "4 May 1871"
    assert result["methods"] == list(METHODS)
    for token in result["tokens"]:
        assert set(token) == {"token", "segment", "start", "end", *METHODS}
        if token["segment"] != "special":
            assert result[token["segment"]][token["start"] : token["end"]] == token["token"]
    total = sum(token["integrated_gradients"] for token in result["tokens"])
    assert total == pytest.approx(result["integrated_gradients"]["difference"], rel=0.01)
    assert {Path(path).name for path in result["files"].values()} == {"heron-1.png", "heron-1.html"}
    assert all(Path(path).stat().st_size > 1000 for path in result["files"].values())


def test_the_loss_is_that_of_the_run(run: Path, albert: Path, questions: list[Question]) -> None:
    losses = model_run(questions, albert).questions.set_index("id")["loss"]
    for key in ("marsh-1", "heron-5", "songs-1"):
        result = explain(run, key, Settings(threads=1), ["occlusion"])
        assert result["loss"] == pytest.approx(losses[key], abs=1e-4)


def test_where_the_files_go(run: Path) -> None:
    result = explain(run, "songs-4", Settings(threads=1), ["occlusion"])
    assert result["files"]["html"] == str(run / "explain" / "songs-4.html")
    assert result["target"] == {"kind": "no answer", "text": "", "start": 0, "end": 0}
    lines = explain_lines(result, colour=False)
    assert lines[-1] == f"written: {result['files']['html']}"
    assert "songs-4" in lines[0]


def test_an_id_may_name_a_window(run: Path) -> None:
    result = explain(run, "marsh-1#2", Settings(threads=1), ["occlusion"])
    assert result["window"] == 3
    assert min(token["start"] for token in result["tokens"] if token["segment"] == "context") > 0
    assert Path(result["files"]["png"]).name == "marsh-1#2.png"


@pytest.mark.parametrize("key", ["marsh-1#99", "marsh-1#x", "marsh-1#-1"])
def test_a_window_that_is_not_there(key: str, run: Path) -> None:
    with pytest.raises(RunError, match=r"no sample `marsh-1#.*has [0-9]+ windows, from #0"):
        explain(run, key, Settings(threads=1))


def test_without_labels_the_answer_is_explained(run: Path) -> None:
    result = explain(run, "unlabeled-1", Settings(threads=1), ["occlusion"])
    assert result["target"]["kind"] == "prediction"
    assert result["target"]["text"] == result["prediction"]
    assert result["golds"] == []


def test_a_question_that_is_not_there(run: Path) -> None:
    with pytest.raises(RunError, match=r"no question `heron-11`.*heron-1"):
        explain(run, "heron-11", Settings(threads=1))


@pytest.mark.parametrize("methods", [["saliency"], ["occlusion", "saliency"], []])
def test_unknown_methods(methods: list[str], run: Path) -> None:
    with pytest.raises(ExplainError, match=r"Methods are gradient_input, integrated_gradients, occlusion\."):
        explain(run, "heron-1", Settings(threads=1), methods)


def test_a_model_that_changed_since_the_run(run: Path, albert: Path) -> None:
    config = albert / "config.json"
    before = config.read_text()
    try:
        config.write_text(before + " ")
        with pytest.raises(RunError, match=r"config.json has changed since the run"):
            explain(run, "heron-1", Settings(threads=1))
    finally:
        config.write_text(before)


def test_a_run_without_a_model(tmp_path: Path) -> None:
    folder = write_run(tiny_run(model=False, window_count=1), tmp_path / "run")
    with pytest.raises(RunError, match="made from predictions, without a model"):
        explain(folder, "train-0", Settings(threads=1))


def test_another_architecture_has_occlusion(tokenizer: Tokenizer, questions: list[Question], tmp_path: Path) -> None:
    bert = write_exported(tmp_path / "bert", tokenizer, "bert")
    folder = write_run(model_run(questions[:2], bert), tmp_path / "run")
    assert explain(folder, "heron-1", Settings(threads=1), ["occlusion"])["tokens"]
    with pytest.raises(DifferentiableError, match="occlusion works"):
        explain(folder, "heron-1", Settings(threads=1))


def test_a_folder_that_cannot_be_made(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"cannot be made.*--out"):
        explain(run, "heron-1", Settings(threads=1), ["occlusion"], tmp_path / "file" / "out")


def test_a_folder_that_leads_out_of_the_run_is_refused(tmp_path: Path) -> None:
    folder = write_run(tiny_run(12), tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (folder / "explain").symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match="explain is a link, not a folder"):
        explain(folder, "train-0", Settings(threads=1))


def test_any_question_about_any_context(attributor: Attributor) -> None:
    result = attributions(attributor, "Who counted the owls?", MARSH, SMALL.model_copy(update={"no_answer": "never"}))
    assert result["target"]["kind"] == "prediction"
    assert (
        MARSH[result["target"]["start"] : result["target"]["end"]] == result["target"]["text"] == result["prediction"]
    )
    assert result["windows"] > 1
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize(("question", "context", "what"), [(" ", "x", "question"), ("x", "\n", "context")])
def test_empty_texts(question: str, context: str, what: str, attributor: Attributor) -> None:
    with pytest.raises(DataError, match=f"the {what} is empty"):
        attributions(attributor, question, context, SMALL)
