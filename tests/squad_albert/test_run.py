from __future__ import annotations

import json
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from model import runtime
from model.inner import last_hidden
from model.runtime import Model, ModelError
from project_config import ROOT, Settings
from squad_albert import run as runs
from squad_albert import run_answers
from squad_albert.background import AHEAD
from squad_albert.files import sha256
from squad_albert.parts import Part, Parts
from squad_albert.run import Run, evaluate, evaluate_predictions
from squad_albert.run_columns import METADATA, QUESTIONS, WINDOWS
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables, read_run
from tests.squad_albert import killed_runs
from tests.squad_albert.data import write_squad
from tests.tiny_run import NEEDS_MODEL
from utils.decoders import LOWEST, decode, decode_windows
from utils.encoders import SplitData
from utils.loss import span_cross_entropy
from utils.metadata import SplitMetadata
from utils.metrics import answer_scores
from utils.squad import DataError, Gold, Question, load_data
from utils.squad_metrics import ScoreError
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


RESULTS = {
    *("questions.parquet", "windows.parquet", "latent_cls.npy", "latent_context.npy", "latent_answer.npy"),
    *("predictions.json", "nbest.json", "null_odds.json", "metrics.json"),
}


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

    assert read(run.folder / "metrics.json") == run.metrics
    assert list(run.metrics["splits"]) == ["validation"]
    metrics = run.metrics["splits"]["validation"]
    assert metrics["official"] == official(predictions, questions)
    assert (metrics["questions"], metrics["windows"]) == (len(questions), windows)
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
    assert set(contents(run.folder)) == RESULTS | {"manifest.json"}


def test_a_complete_run_is_found_and_not_made_again(settings, tmp_path, monkeypatch):
    first = evaluate(settings, None, tmp_path / "run", silent)
    before = contents(first.folder)
    (first.folder / "parts").mkdir()  # as of a run that was killed just before its end
    monkeypatch.setattr(run_answers, "build_windows", None)
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
        return decode_questions(*arguments)

    decode_questions = run_answers.decode_questions
    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(run_answers, "decode_questions", killed)
        evaluate(settings, None, tmp_path / "run", silent)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["manifest.json", "parts"]
    assert len(list((tmp_path / "run" / "parts").glob("*.questions.arrow"))) == 2
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

    monkeypatch.setattr(run_answers, "build_windows", meanwhile)
    evaluate(settings, None, tmp_path / "run", silent)


def test_hidden_layers_do_not_pile_up_in_memory(settings, tmp_path, monkeypatch):
    """Those of the batch that is decoded are alive, and of the few that the model is ahead."""
    monkeypatch.setattr(runtime, "GROUP", 60)
    settings = settings.model_copy(update={"batch_tokens": 384})
    alive: list[weakref.ref[Any]] = []
    most = 0

    def watched(model: Model, *arguments: Any) -> Any:
        nonlocal most
        outputs = original(model, *arguments)
        alive.extend(map(weakref.ref, outputs))
        most = max(most, sum(array() is not None for array in alive))
        return outputs

    original = Model._run
    monkeypatch.setattr(Model, "_run", watched)
    evaluate(settings, None, tmp_path / "run", silent)
    assert len(alive) > 2 * 20
    assert most <= 2 * (1 + 1 + AHEAD + 1)  # decoded, fetched, waiting, computed


def test_the_model_computes_while_windows_are_decoded_but_no_group_ahead(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "GROUP", 30)
    events: list[str] = []

    def noted(name: str, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            events.append(name)
            return function(*arguments)

        return call

    monkeypatch.setattr(Model, "_run", noted("batch", Model._run))
    monkeypatch.setattr(run_answers, "window_results", noted("decode", run_answers.window_results))
    monkeypatch.setattr(runs.Parts, "write", noted("write", runs.Parts.write))
    evaluate(settings, None, tmp_path / "run", silent)
    groups = " ".join(events).split("write")[:-1]
    assert len(groups) > 2
    assert all(group.split().count("batch") == group.split().count("decode") for group in groups)
    assert any("batch decode batch batch decode" in group or "batch batch decode" in group for group in groups)


def test_another_run_is_refused_before_any_work(settings, tmp_path, monkeypatch):
    before = contents(evaluate(settings, None, tmp_path / "run", silent).folder)
    monkeypatch.setattr(run_answers, "build_windows", None)
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
    assert run.metrics["splits"]["unlabeled"].keys() == {"questions", "windows", "unanswered"}
    table = read_run(run.folder).questions
    assert (
        table[["exact", "f1", "lenient", "loss", "gold_probability", "no_answer_margin", "answer_type"]]
        .isna()
        .all(axis=None)
    )
    assert table[["confidence", "null_odds", "no_answer_probability"]].notna().all(axis=None)
    assert not table["labeled"].any() and not table["answerable"].any()
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
    assert ("no_answer_threshold" in run.metrics["splits"]["validation"]) == given


def test_one_file_is_its_own_split(settings, tmp_path, questions):
    for name, split in (("dev-v2.0", "validation"), ("mine", "validation"), ("train", "train")):
        path = write_squad(tmp_path / f"{name}.json", questions[:3])
        run = evaluate(settings.model_copy(update={"data": str(path)}), None, tmp_path / name, silent)
        assert {name: figures["questions"] for name, figures in run.metrics["splits"].items()} == {split: 3}


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
    assert evaluate(limited, None, tmp_path / "run", silent).metrics["splits"]["validation"]["questions"] == 3


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
    metrics = evaluate(settings, None, tmp_path / "run", silent).metrics["splits"]["validation"]
    assert "no_answer_threshold" not in metrics
    write_squad(data / "train.json", questions)
    metrics = evaluate(settings, None, tmp_path / "run2", silent).metrics["splits"]["validation"]
    assert metrics["no_answer_threshold"]["used"] == 0.0


@pytest.fixture
def several(settings, questions, data) -> Settings:
    """Two splits without a shared id; the second has golds too long, in no window, and twice the same."""
    first, second = [[replace(q, id=f"{name}-{q.id}") for q in questions] for name in ("train", "validation")]
    marsh = second[9]
    whole = marsh.context[: marsh.context.index(" In year 1903")]
    second += [
        replace(marsh, id="validation-long", golds=(Gold(whole, 0),)),
        replace(marsh, id="validation-everything", golds=(Gold(marsh.context, 0),)),
        replace(marsh, id="validation-nothing", golds=()),
        replace(second[0], id="validation-twice", golds=(Gold("1871", 60), Gold("4 May 1871", 54), Gold("1871", 60))),
    ]
    write_squad(data / "train.json", first)
    write_squad(data / "validation.json", second)
    return settings.model_copy(update={"max_length": 256, "overlap": 64, "no_answer_threshold": MARGIN})


MARGIN = -3.0  # of the random model some are above it


class Known:
    """A run, and the same model's logits and hidden layers by themselves."""

    def __init__(self, settings: Settings, folder: Path, split: str = "train,validation") -> None:
        self.run: RunTables = read_run(evaluate(settings, split, folder, silent).folder)
        data = load_data(settings, warnings=[])
        self.questions = [question for name in split.split(",") for question in data[name]]
        self.settings = settings.model_copy(update={"no_answer": "always"})
        model = Model(Path(settings.model), settings, last_hidden)
        self.windows = build_windows(self.questions, model.tokenizer, settings, cache=False)
        self.logits = model.logits(self.windows)
        self.hidden = np.zeros((*self.logits.shape[:2], 16), np.float32)
        for batch in model.outputs(self.windows):
            self.hidden[batch.at, : batch.logits.shape[1]] = batch.inner[0]
        self.decoded = decode(self.logits, self.windows, self.questions, self.settings)

    def rows(self, number: int) -> range:
        return range(self.windows.first[number], self.windows.first[number + 1])


@pytest.fixture
def known(several, tmp_path, monkeypatch) -> Known:
    monkeypatch.setattr(runtime, "GROUP", 12)
    return Known(several, tmp_path / "run")


def test_questions_of_one_window_have_the_engines_scores(known):
    table = known.run.questions
    split = SplitData.of(known.questions, known.windows)
    alone = [number for number in range(len(table)) if known.windows.count[known.windows.first[number]] == 1]
    assert len(alone) > 15
    rows = known.windows.first[alone]
    ids = [known.questions[number].id for number in alone]
    engine = answer_scores(known.logits[rows], split, ids, known.settings)
    one_hot = [np.eye(known.windows.max_length)[side[rows]] for side in (known.windows.start, known.windows.end)]
    expected = {
        "exact": engine["exact_match"],
        "f1": engine["f1"],
        "lenient": engine["lenient_match"],
        "confidence": engine["confidence"],
        "gold_probability": engine["gold_probability"],
        "no_answer_margin": engine["no_answer_margin"],
        "loss": span_cross_entropy(known.logits[rows], *one_hot),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(table[name].to_numpy()[alone], values, rtol=2e-5, atol=1e-6, err_msg=name)
        assert np.ptp(values) > 0, name


def test_questions_of_several_windows_are_pooled(known):
    table, windows = known.run.questions, known.windows
    seen = {"found": 0, "lost": 0, "unanswerable": 0}
    for number, (question, decoded) in enumerate(zip(known.questions, known.decoded, strict=True)):
        rows, row = known.rows(number), table.loc[number]
        one_hot = [np.eye(windows.max_length)[side[list(rows)]] for side in (windows.start, windows.end)]
        loss = span_cross_entropy(known.logits[list(rows)], *one_hot)
        holding = [at for at, window in enumerate(rows) if windows.holds_answer[window]]
        gold = 0.0
        for window in rows:
            spans = {(a, b) for _, a, b in windows.whole_golds(window).tolist() if b - a < 30}
            gold += sum(
                np.exp(known.logits[window, a, 0] + known.logits[window, b, 1] - decoded.log_total) for a, b in spans
            )
        best = decoded.best(True, MARGIN)
        assert row["loss"] == pytest.approx(min(loss[holding]) if holding else loss.mean(), rel=1e-4)
        assert row["gold_probability"] == pytest.approx(gold if holding else decoded.null_probability, rel=1e-4)
        assert row["no_answer_margin"] == pytest.approx(-decoded.margin if question.golds else decoded.margin, abs=1e-4)
        assert row["no_answer_probability"] == pytest.approx(decoded.null_probability, rel=1e-4)
        assert (row["prediction"], row["window"]) == (best.text, best.window)
        assert (row["prediction_start"], row["prediction_end"]) == (best.start, best.end)
        assert row["best_span"] == decoded.answers[0].text
        if len(rows) > 1:
            seen["found" if holding else "lost" if question.golds else "unanswerable"] += 1
    assert min(seen.values()) > 0, seen


def test_a_gold_that_is_too_long_to_be_given_has_no_probability(known):
    row = known.run.questions.loc[known.run.row("validation-long")]
    assert row["gold_probability"] == 0.0
    assert row["loss"] > 0


def test_vectors_are_those_of_the_window_of_the_answer(known):
    table, windows = known.run.questions, known.windows
    unanswered = 0
    for number, decoded in enumerate(known.decoded):
        best = decoded.best(True, MARGIN)
        hidden = known.hidden[best.window]
        context = hidden[windows.context_start[best.window] : windows.context_end[best.window]].mean(axis=0)
        answer = hidden[best.token_start : best.token_end + 1].mean(axis=0) if best.text else hidden[0]
        unanswered += not best.text
        for name, expected in (("cls", hidden[0]), ("context", context), ("answer", answer)):
            np.testing.assert_allclose(known.run.latent(name)[number], expected, atol=1e-5, err_msg=name)
    assert 0 < unanswered < len(table)
    assert known.run.latent("answer").shape == (len(table), 16)


def test_windows_are_described_one_by_one(known):
    table, windows = known.run.windows, known.windows
    assert table.columns.tolist() == WINDOWS.names
    assert len(table) == len(windows)
    for name in ("question", "index", "count", "length", "question_start", "context_end", "start", "end"):
        np.testing.assert_array_equal(table[name], getattr(windows, name))
    assert table["id"].tolist() == list(SplitData.of(known.questions, windows).row_of)
    rows = list(range(len(windows)))
    decoded = decode_windows(known.logits, rows, windows, known.questions, known.settings)
    for row, one in zip(table.to_dict("records"), decoded, strict=True):
        best = one.answers[0]
        assert (row["predicted_start"], row["predicted_end"]) == (best.token_start, best.token_end)
        assert row["score"] == pytest.approx(best.score, abs=1e-4)
        assert row["null_score"] == pytest.approx(one.null_score, abs=1e-4)


def test_questions_have_the_metadata_of_their_first_window(known):
    table = known.run.questions
    assert table.columns.tolist() == QUESTIONS.names
    metadata = SplitMetadata(known.questions, known.windows)
    for number, question in enumerate(known.questions):
        row = table.loc[number]
        assert (row["id"], row["title"], row["context"]) == (question.id, question.title, question.context)
        assert row["golds"] == [gold.text for gold in question.golds]
        assert row["gold_starts"] == [gold.start for gold in question.golds]
        first = int(known.windows.first[number])
        groups = {group: getattr(metadata, group)(first) for group in ("question", "answer", "context", "window")}
        for name in set(METADATA) - {"truncated_question"}:
            group, _, field = name.partition("_")
            value = groups[group][field]
            assert np.isnan(row[name]) if value is None else row[name] == value, name
        assert row["truncated_question"] == groups["window"]["truncated_question"]


def test_splits_stand_one_after_the_other(known):
    table = known.run.questions
    assert list(dict.fromkeys(table["split"])) == known.run.manifest["splits"] == ["train", "validation"]
    metrics = read(known.run.folder / "metrics.json")["splits"]
    for split, rows in table.groupby("split"):
        assert metrics[split]["questions"] == len(rows)
        assert metrics[split]["windows"] == rows["window_count"].sum()
        assert metrics[split]["official"]["exact"] == pytest.approx(100 * rows["exact"].mean())
        assert metrics[split]["official"]["f1"] == pytest.approx(100 * rows["f1"].mean())
    assert read(known.run.folder / "predictions.json") == dict(zip(table["id"], table["prediction"], strict=True))


def test_an_id_in_two_splits_is_refused(settings, tmp_path):
    with pytest.raises(DataError, match=r"2 question ids are in more .*`heron-1` is in train and in validation\."):
        evaluate(settings, "train, validation", tmp_path / "run", silent)
    assert not (tmp_path / "run").exists()


def test_predictions_make_a_run_without_a_model(known, several, tmp_path, monkeypatch):
    for name in ("Model", "ModelAnswers"):
        monkeypatch.setattr(runs, name, None)
    source = known.run.folder
    files = source / "predictions.json", source / "null_odds.json"
    run = evaluate_predictions(several, "train,validation", *files, tmp_path / "given", silent)
    assert set(contents(run.folder)) == {
        *("questions.parquet", "predictions.json", "null_odds.json", "metrics.json", "manifest.json")
    }
    given = read_run(run.folder)
    assert (given.manifest["model"], given.manifest["engine"], given.windows, given.vectors) == (None, None, None, {})
    same = [name for name in QUESTIONS.names if name not in NEEDS_MODEL]
    assert given.questions[same].equals(known.run.questions[same])
    for name in set(NEEDS_MODEL) - {"null_odds"}:
        assert given.questions[name].isna().all(), name
    assert given.questions["null_odds"].equals(known.run.questions["null_odds"])
    for split, figures in read(source / "metrics.json")["splits"].items():
        assert run.metrics["splits"][split]["official"] == figures["official"]
        assert run.metrics["splits"][split]["no_answer_threshold"]["used"] is None
    again = evaluate_predictions(several, "train,validation", *files, tmp_path / "given", silent)
    assert again.found


def test_predictions_alone_give_no_odds(several, tmp_path, questions):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({f"train-{q.id}": q.golds[0].text if q.golds else "" for q in questions}))
    run = evaluate_predictions(several, "train", path, None, tmp_path / "run", silent)
    assert not (run.folder / "null_odds.json").exists()
    table = read_run(run.folder).questions
    assert table["null_odds"].isna().all()
    assert (table["exact"] == 1).all()
    assert table["prediction_type"].tolist() == table["answer_type"].tolist()
    assert "no_answer_threshold" not in run.metrics["splits"]["train"]
    path.write_text("{}")
    with pytest.raises(RunError, match="holds another run: predictions differs"):
        path.write_text(json.dumps({f"train-{q.id}": "" for q in questions}))
        evaluate_predictions(several, "train", path, None, tmp_path / "run", silent)
    path.write_text("{}")
    with pytest.raises(ScoreError, match="without prediction"):
        evaluate_predictions(several, "train", path, None, tmp_path / "other", silent)


@pytest.fixture
def given(several: Settings, tmp_path: Path, questions: list[Question]) -> Callable[[], Run]:
    """Makes a run of predictions, or goes on with it."""
    path = tmp_path / "p.json"
    path.write_text(json.dumps({f"train-{q.id}": "" for q in questions}))
    return lambda: evaluate_predictions(several, "train", path, None, tmp_path / "run", silent)


@pytest.mark.parametrize("metrics", ["", "[]", "{}", '{"splits": {"train": {}}}', '{"splits": {"train": null}}'])
def test_forged_figures_of_a_complete_run_are_told(given, tmp_path, metrics):
    given()
    path = tmp_path / "run" / "metrics.json"
    path.write_text(metrics)
    manifest = read(tmp_path / "run" / "manifest.json")
    manifest["files"]["metrics.json"] = sha256(path)
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=r"metrics\.json does not hold the figures of a run .*Remove the run"):
        given()


def test_a_complete_run_without_figures_is_told(given, tmp_path):
    given()
    manifest = read(tmp_path / "run" / "manifest.json")
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest | {"files": {}}))
    (tmp_path / "run" / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"metrics\.json does not hold the figures"):
        given()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (pa.table({"id": ["a"] * 13}), "its columns are others"),
        (pa.Table.from_pylist([{"id": "a"}] * 13, QUESTIONS), "it answers other questions"),
        (pa.Table.from_pylist([{"id": "a"}] * 12, QUESTIONS), "it has 12 questions, not 13"),
    ],
)
def test_parts_of_something_else_are_told(given, tmp_path, table, told):
    given()
    manifest = read(tmp_path / "run" / "manifest.json")
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest | {"complete": False}))
    Parts(tmp_path / "run").write(range(13), Part(table))
    with pytest.raises(RunError, match=f"is no part of the run: {told}.*Remove .*parts to have its questions asked"):
        given()
    shutil.rmtree(tmp_path / "run" / "parts")
    assert not given().found
