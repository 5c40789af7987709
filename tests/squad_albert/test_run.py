from __future__ import annotations

import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model import runtime
from model.runtime import ModelError
from project_config import ROOT, Settings
from squad_albert import run as runs
from squad_albert.files import sha256
from squad_albert.run import RESULTS, evaluate
from squad_albert.run_folder import RunError
from tests.squad_albert import killed_runs
from tests.squad_albert.data import write_squad
from utils.decoders import LOWEST, decode
from utils.squad import DataError, Question, load_data
from utils.squad_metrics import evaluate as official
from utils.tokenizer import load_tokenizer
from utils.windows import build_windows


@pytest.fixture
def data(tmp_path: Path, questions: list[Question]) -> Path:
    """A data folder whose validation split is the questions."""
    folder = tmp_path / "data"
    write_squad(folder / "train.json", questions[:2])
    write_squad(folder / "validation.json", questions)
    write_squad(folder / "unlabeled.json", questions[:4], labeled=False)
    return folder


@pytest.fixture
def settings(data: Path, albert: Path, tmp_path: Path) -> Settings:
    sizes = {"max_length": 64, "overlap": 16, "max_question_tokens": 24, "batch_tokens": 512}
    return Settings(data=str(data), model=str(albert), cache=str(tmp_path / "cache"), **sizes)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def silent(warnings: list[str]) -> None:
    pass


def decoded_by_torch(torch_albert, questions, settings):
    folder, model = torch_albert
    windows = build_windows(questions, load_tokenizer(folder), settings, cache=False)
    rows = np.arange(len(windows))
    inputs = (windows.input_ids, windows.attention_mask(rows), windows.token_type_ids(rows))
    with torch.no_grad():
        logits = model(*(torch.tensor(np.asarray(values, np.float32)) for values in inputs)).numpy()
    logits[windows.attention_mask(rows) == 0] = LOWEST
    return decode(logits, windows, questions, settings), len(windows)


@pytest.mark.parametrize("group", [2, 1024])
def test_a_run_holds_the_models_answers_and_their_scores(
    torch_albert, questions, settings, tmp_path, monkeypatch, group
):
    monkeypatch.setattr(runtime, "GROUP", group)
    run = evaluate(settings, None, tmp_path / "run", silent)
    expected, windows = decoded_by_torch(torch_albert, questions, settings)

    predictions = read(run.folder / "predictions.json")
    assert predictions == {q.id: one.best(True, 0.0).text for q, one in zip(questions, expected, strict=True)}
    assert len(set(predictions.values())) > 3  # the random model does tell questions apart
    odds = read(run.folder / "null_odds.json")
    assert odds == {q.id: pytest.approx(one.margin, abs=1e-3) for q, one in zip(questions, expected, strict=True)}

    nbest = read(run.folder / "nbest.json")
    assert list(nbest) == list(predictions)
    for question, one in zip(questions, expected, strict=True):
        answers = nbest[question.id]
        assert len(answers) == len(one.answers) + 1
        scores = [answer["score"] for answer in answers]
        assert scores == sorted(scores, reverse=True)
        assert predictions[question.id] == answers[0]["text"]
        assert sum(answer["text"] == "" for answer in answers) == 1
        for answer in answers:
            assert question.context[answer["start"] : answer["end"]] == answer["text"]
            assert 0 <= answer["probability"] <= 1

    metrics = read(run.folder / "metrics.json")
    assert metrics == run.metrics
    assert metrics["official"] == official(predictions, questions)
    assert (metrics["split"], metrics["questions"], metrics["windows"]) == ("validation", len(questions), windows)
    parts = {"heron", "songs", "marsh", "scripts"}
    assert parts <= set(metrics["part"]) <= parts | {f"{part}, no answer" for part in parts}


def test_the_manifest_says_what_the_run_is_of(settings, tmp_path, albert):
    run = evaluate(settings, "validation", tmp_path / "run", silent)
    manifest = read(run.folder / "manifest.json")
    assert manifest["complete"] is True
    assert manifest["files"] == {name: sha256(run.folder / name) for name in RESULTS}
    assert manifest["model"]["model.onnx"] == sha256(albert / "model.onnx")
    assert manifest["settings"]["max_length"] == 64
    assert manifest["sources"] == {"data": settings.data, "model": settings.model}
    assert sorted(contents(run.folder)) == sorted([*RESULTS, "manifest.json"])


def test_a_complete_run_is_found_and_not_made_again(settings, tmp_path, monkeypatch):
    first = evaluate(settings, None, tmp_path / "run", silent)
    before = contents(first.folder)
    (first.folder / "parts").mkdir()  # as of a run that was killed just before its end
    monkeypatch.setattr(runs, "build_windows", None)
    again = evaluate(settings, None, tmp_path / "run", silent)
    assert (first.found, again.found) == (False, True)
    assert again.metrics == first.metrics
    assert contents(again.folder) == before


def test_a_damaged_run_is_made_again(settings, tmp_path):
    before = contents(evaluate(settings, None, tmp_path / "run", silent).folder)
    (tmp_path / "run" / "metrics.json").write_text("{}")
    run = evaluate(settings, None, tmp_path / "run", silent)
    assert not run.found
    assert contents(run.folder) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_run_keeps_whole_groups_and_goes_on(settings, tmp_path, monkeypatch, error):
    monkeypatch.setattr(runtime, "GROUP", 30)
    undisturbed = contents(evaluate(settings, None, tmp_path / "other", silent).folder)
    calls = []

    def killed(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise error
        return window_spans(*arguments)

    window_spans = runs.window_spans
    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(runs, "window_spans", killed)
        evaluate(settings, None, tmp_path / "run", silent)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["manifest.json", "parts"]
    assert len(list((tmp_path / "run" / "parts").iterdir())) == 2
    assert read(tmp_path / "run" / "manifest.json")["complete"] is False

    run = evaluate(settings, None, tmp_path / "run", silent)
    assert not run.found
    assert contents(run.folder) == undisturbed


def test_a_run_killed_at_any_moment_redoes_one_group_at_most_and_ends_with_the_same_bytes(settings, tmp_path):
    code = [sys.executable, "-m", "tests.squad_albert.killed_runs", settings.model_dump_json(), str(tmp_path)]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    whole, *seen = map(int, done.stdout.split())
    assert len(seen) > 30
    assert whole <= min(seen)
    assert whole < max(seen) <= whole + max(killed_runs.GROUP, longest_question(settings))
    expected = contents(tmp_path / "whole")
    for moment in range(len(seen)):
        assert contents(tmp_path / str(moment)) == expected, f"killed at moment {moment}"


def longest_question(settings: Settings) -> int:
    """The windows of the question with the most of them, which makes a group of its own."""
    questions = load_data(settings)["validation"]
    return int(build_windows(questions, load_tokenizer(Path(settings.model)), settings).count.max())


def test_another_process_in_the_folder_is_told(settings, tmp_path, monkeypatch):
    def meanwhile(*arguments: Any, **named: Any) -> Any:
        with pytest.raises(RunError, match="another process is writing the run"):
            evaluate(settings, None, tmp_path / "run", silent)
        return build_windows(*arguments, **named)

    monkeypatch.setattr(runs, "build_windows", meanwhile)
    evaluate(settings, None, tmp_path / "run", silent)


def test_answers_do_not_pile_up_in_memory(settings, tmp_path, monkeypatch):
    """The logits of one group at a time are alive."""
    monkeypatch.setattr(runtime, "GROUP", 30)
    alive: list[weakref.ref[Any]] = []

    def watched(logits: Any, *rest: Any) -> Any:
        assert not [logits for earlier in alive if earlier() is not None]
        alive.append(weakref.ref(logits))
        return window_spans(logits, *rest)

    window_spans = runs.window_spans
    monkeypatch.setattr(runs, "window_spans", watched)
    evaluate(settings, None, tmp_path / "run", silent)
    assert len(alive) > 3


def test_another_run_is_refused_before_any_work(settings, tmp_path, monkeypatch):
    before = contents(evaluate(settings, None, tmp_path / "run", silent).folder)
    monkeypatch.setattr(runs, "build_windows", None)
    with pytest.raises(RunError, match="settings differs"):
        evaluate(settings.model_copy(update={"n_best": 3}), None, tmp_path / "run", silent)
    assert contents(tmp_path / "run") == before


def test_a_run_without_a_folder_gets_one_of_its_own(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = evaluate(settings, None, None, silent).folder
    other = evaluate(settings.model_copy(update={"n_best": 3}), None, None, silent).folder
    assert one.parent == other.parent == Path("runs")
    assert one != other
    assert evaluate(settings, None, None, silent).folder == one


def test_unlabeled_questions_are_answered_but_not_scored(settings, tmp_path, questions, data):
    run = evaluate(settings, "unlabeled", tmp_path / "run", silent)
    assert "official" not in run.metrics
    assert list(read(run.folder / "predictions.json")) == [question.id for question in questions[:4]]
    nbest = read(run.folder / "nbest.json").values()
    assert all("" in [answer["text"] for answer in answers] for answers in nbest)  # validation has unanswerable ones

    answerable = [question for question in questions if question.golds]
    for split in ("train", "validation"):
        write_squad(data / f"{split}.json", answerable[4:])
    nbest = read(evaluate(settings, "unlabeled", tmp_path / "run2", silent).folder / "nbest.json").values()
    assert not any("" in [answer["text"] for answer in answers] for answers in nbest)


@pytest.mark.parametrize(("no_answer", "given"), [("never", False), ("always", True)])
def test_no_answer_follows_the_setting(settings, tmp_path, no_answer, given):
    settings = settings.model_copy(update={"no_answer": no_answer, "no_answer_threshold": -1e6})
    run = evaluate(settings, None, tmp_path / "run", silent)
    texts = set(read(run.folder / "predictions.json").values())
    assert (texts == {""}) if given else ("" not in texts)
    assert ("no_answer_threshold" in run.metrics) == given


def test_one_file_is_its_own_split(settings, tmp_path, questions):
    for name, split in (("dev-v2.0", "validation"), ("mine", "validation"), ("train", "train")):
        path = write_squad(tmp_path / f"{name}.json", questions[:3])
        run = evaluate(settings.model_copy(update={"data": str(path)}), None, tmp_path / name, silent)
        assert (run.metrics["split"], run.metrics["questions"]) == (split, 3)


def test_splits_that_are_not_there(settings, tmp_path):
    with pytest.raises(DataError, match="there is no split `dev`"):
        evaluate(settings, "dev", tmp_path / "run", silent)
    with pytest.raises(DataError, match="has no test split, only train, validation, unlabeled"):
        evaluate(settings, "test", tmp_path / "run", silent)
    with pytest.raises(DataError, match="has no test split, only train"):
        one = settings.model_copy(update={"data": str(Path(settings.data) / "train.json")})
        evaluate(one, "test", tmp_path / "run", silent)
    assert not (tmp_path / "run").exists()


def test_limits_draw_questions(settings, tmp_path):
    limited = settings.model_copy(update=runs.limits(3))
    assert evaluate(limited, None, tmp_path / "run", silent).metrics["questions"] == 3


def test_warnings_come_before_the_work(settings, tmp_path, questions, data):
    write_squad(data / "validation.json", questions)
    heard: list[str] = []
    with pytest.raises(ModelError, match="no model folder"):
        evaluate(settings.model_copy(update={"model": "nowhere"}), None, tmp_path / "run", heard.extend)
    assert any("begin or end with white space" in warning for warning in heard)
    assert not (tmp_path / "run").exists()


def test_another_splits_unanswerable_questions_allow_no_answer(settings, tmp_path, questions, data):
    """``auto`` looks at the whole data, as the integration does."""
    write_squad(data / "validation.json", [question for question in questions if question.golds])
    assert "no_answer_threshold" not in evaluate(settings, None, tmp_path / "run", silent).metrics
    write_squad(data / "train.json", questions)
    assert "no_answer_threshold" in evaluate(settings, None, tmp_path / "run2", silent).metrics
