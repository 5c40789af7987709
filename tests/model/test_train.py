from __future__ import annotations

import csv
import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AlbertForQuestionAnswering, AutoModelForQuestionAnswering

from model import train as training
from model import trainer as trainers
from model.experiment import checkpoints, claim
from model.train import TrainingError, train
from model.trainer import SpanTrainer
from model.training_settings import TrainingSettings, load_training_settings
from project_config import ROOT
from tests.model.tiny import tiny_settings, with_vocabulary, write_checkpoint, write_ships
from tests.squad_albert.data import write_squad
from utils.tokenizer import TokenizerError

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
import torch
from model.train import train
from model.training_settings import load_training_settings

write, written = torch.save, []

def save(value, place, *rest):
    written.append(place)
    if "checkpoint-6" in str(place) and "optimizer" in str(place):
        Path(place).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    write(value, place, *rest)

torch.save = save
train(load_training_settings(Path(sys.argv[1])), "killed")
"""


def environment(**changes: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "RANK", "WORLD_SIZE"))}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | changes


def without_time(report: dict) -> dict:
    return {key: value for key, value in report.items() if key not in ("experiment", "seconds")}


def same_weights(one: Path, other: Path) -> bool:
    first, second = (load_file(path / "model.safetensors") for path in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_what_an_experiment_leaves(trained):
    folder, report = trained
    names = {"README.md", "best", "checkpoints", "config.yaml", "curve.csv", "curve.png", "metrics.json", "tokenizer"}
    assert {path.name for path in folder.iterdir()} == names
    assert [path.name for path in checkpoints(folder)] == ["checkpoint-6", "checkpoint-8"]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert report == {"experiment": str(folder), **metrics.pop("validation"), **metrics}
    assert (report["total"], report["steps"]) == (12, 8)
    assert report["best_step"] in (2, 4, 6, 8)
    assert 0 < report["seconds"] < 600
    with (folder / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows if row["loss"]] == list(range(1, 9))
    scores = {int(row["step"]): float(row["eval_f1"]) for row in rows if row["eval_f1"]}
    assert list(scores) == [2, 4, 6, 8]
    assert scores[report["best_step"]] == max(scores.values()) == report["f1"]
    model, loaded = AlbertForQuestionAnswering.from_pretrained(folder / "best", output_loading_info=True)
    assert not any(loaded.values())
    assert model.config.num_hidden_layers == 2


def test_a_finished_experiment_is_found_by_its_name(trained, monkeypatch):
    folder, report = trained
    settings = load_training_settings(folder / "config.yaml")
    monkeypatch.setattr(training, "_train", None)
    assert train(settings, "undisturbed") == report
    with pytest.raises(TrainingError, match=r"begun with other settings \(seed differ\)"):
        train(settings.model_copy(update={"seed": 8}), "undisturbed")


@pytest.fixture(scope="module")
def killed(ships: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that was killed while its second checkpoint was being written."""
    folder = tmp_path_factory.mktemp("killed")
    settings = tiny_settings(ships, folder)
    (folder / "train.json").write_text(json.dumps(settings.model_dump()))
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_WRITING, folder / "train.json"],
        env=environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == ""
    assert "step 6 of 8" in done.stderr
    return folder / "killed"


def test_a_killed_run_ends_as_if_undisturbed(killed, trained, ships):
    assert (killed / "checkpoints.part" / "checkpoint-6" / "optimizer.pt").read_bytes() == b"half"
    assert [path.name for path in checkpoints(killed)] == ["checkpoint-3"]
    # the tokenizers differ, as their trainer does not give the same one twice, so both are the killed run's
    undisturbed = killed.parent / "undisturbed"
    settings = tiny_settings(ships, killed.parent)
    claim(undisturbed, settings)
    (undisturbed / "tokenizer").symlink_to(killed / "tokenizer")
    expected, found = train(settings, "undisturbed"), train(settings, "killed")
    assert without_time(found) == without_time(expected)
    for name in ("best", "checkpoints/checkpoint-8"):
        assert same_weights(killed / name, undisturbed / name)
    assert not list(killed.glob("*.part"))
    histories = [
        [
            {**entry, "seconds": 0, "epoch": 0}
            for entry in json.loads((path / "trainer_state.json").read_text())["log_history"]
        ]
        for path in (killed / "checkpoints/checkpoint-8", undisturbed / "checkpoints/checkpoint-8")
    ]
    assert histories[0] == histories[1]


def test_early_stopping_is_not_forgotten(ships, tmp_path, monkeypatch):
    settings = tiny_settings(ships, tmp_path, steps=60, patience=2, checkpoint_every=2)
    scores = iter([10.0, 30.0, 20.0, 20.0])
    score = {"exact": 0.0, "total": 1}
    monkeypatch.setattr(trainers, "evaluate", lambda *_: {**score, "f1": next(scores)})
    finish = training._finish
    monkeypatch.setattr(training, "_finish", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(settings, "one")
    monkeypatch.setattr(training, "_finish", finish)
    monkeypatch.setattr(SpanTrainer, "train", None)  # there is nothing left to train
    report = train(settings, "one")
    assert (report["steps"], report["best_step"]) == (8, 4)
    assert report["total"] == 12


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_evaluation_after_the_last_step_whatever_the_interval(ships, tmp_path):
    report = train(tiny_settings(ships, tmp_path, steps=3, evaluate_every=50, checkpoint_every=50), "one")
    assert report["best_step"] == report["steps"] == 3


def test_a_loss_that_is_not_a_number(ships, tmp_path, monkeypatch):
    settings = tiny_settings(ships, tmp_path)
    forward = trainers.Learner.forward

    def spoilt(self, **batch):
        found = forward(self, **batch)
        if checkpoints(tmp_path / "one"):
            found["loss"] = found["loss"] * float("nan")
        return found

    monkeypatch.setattr(trainers.Learner, "forward", spoilt)
    with pytest.raises(TrainingError, match=r"the loss is nan at step 4. The last good .*checkpoint-3. Lower learn"):
        train(settings, "one")
    monkeypatch.undo()
    assert train(settings, "one")["steps"] == 8


def test_a_full_disk(ships, tmp_path):
    settings = tiny_settings(ships, tmp_path)
    largest, allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = SpanTrainer._save_checkpoint

    def save(self, model, trial):
        if self.state.global_step > 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, allowed))
        full(self, model, trial)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpanTrainer, "_save_checkpoint", save)
        try:
            with pytest.raises(TrainingError, match=r"the disk is full: .*checkpoint-3. Free some space") as told:
                train(settings, "one")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, allowed))
    assert str(tmp_path / "one") in str(told.value)
    assert [path.name for path in checkpoints(tmp_path / "one")] == ["checkpoint-3"]
    assert not list((tmp_path / "one").glob("*.part"))
    assert (tmp_path / "one" / "best" / "model.safetensors").exists()
    assert train(settings, "one")["steps"] == 8


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (RuntimeError("[enforce fail at inline_container.cc:858] . PytorchStreamWriter failed"), "the disk is full"),
        (Exception("No space left on device (os error 28)"), "the disk is full"),
        (torch.OutOfMemoryError("CUDA out of memory"), "too little memory: CUDA out of memory. No checkpoint"),
    ],
)
def test_what_the_machine_lacks_is_told(ships, tmp_path, monkeypatch, error, message):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(training, "_run", fail)
    with pytest.raises(TrainingError, match=message):
        train(tiny_settings(ships, tmp_path), "one")


def test_a_bug_is_no_full_disk(ships, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_run", lambda _: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        train(tiny_settings(ships, tmp_path), "one")


@pytest.mark.parametrize("architecture", ["albert", "bert", "distilbert", "deberta-v2", "electra", "roberta"])
def test_checkpoints_of_every_kind_are_trained(ships, tmp_path, tokenizer, architecture):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", architecture, tokenizer)
    settings = tiny_settings(ships, tmp_path, model=str(checkpoint), steps=2)
    report = train(settings, "tuned")
    assert report["steps"] == 2
    model = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "tuned" / "best")
    assert model.config.model_type == architecture
    assert not same_weights(checkpoint, tmp_path / "tuned" / "best")


def test_a_checkpoint_of_half_precision_is_trained_in_full(ships, tmp_path, tokenizer):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer)
    AutoModelForQuestionAnswering.from_pretrained(checkpoint, dtype=torch.bfloat16).save_pretrained(checkpoint)
    train(tiny_settings(ships, tmp_path, model=str(checkpoint), steps=1), "tuned")
    weights = load_file(tmp_path / "tuned" / "best" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_several_sources_with_weights_and_made_questions(ships, tmp_path):
    extra = write_ships(tmp_path / "more", train=30) / "train.json"
    sources = [{"data": str(ships)}, {"data": str(extra), "weight": 0.5}]
    settings = TrainingSettings.model_validate(
        tiny_settings(ships, tmp_path).model_dump(exclude={"data"})
        | {"sources": sources, "held_out": 0.2, "unanswerable": 0.5, "gradient_accumulation": 2, "steps": 4}
    )
    assert train(settings, "sources")["steps"] == 4
    assert "sources" in (tmp_path / "sources" / "README.md").read_text()


def test_a_bert_is_trained_as_an_albert_with_a_narrow_embedding(ships, tmp_path, tokenizer):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "bert", tokenizer)
    settings = tiny_settings(ships, tmp_path, model=str(checkpoint), architecture="albert", embedding_size=8, steps=2)
    result = train(settings, "albert")
    best, report = AlbertForQuestionAnswering.from_pretrained(tmp_path / "albert" / "best", output_loading_info=True)
    assert not any(report.values())
    assert (best.config.embedding_size, best.config.num_hidden_groups) == (8, 2)
    assert best.config.span_temperature == result["temperature"]


def spoil(path: Path) -> Path:
    path.write_bytes(b"spoilt" * 9)
    return path.parent


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "no/such/folder"}, "model `no/such/folder` cannot be loaded: .*Give `scratch`, the folder"),
        ({"max_length": 200}, "takes 130 tokens, max_length is 200. Lower max_length"),
        ({"embedding_size": 8}, "embedding_size 8 does not make a model of type albert smaller, .* 8 dimensions"),
        ({"data": "data/train.json"}, "has no validation questions, which training needs"),
    ],
)
def test_wrong_settings_end_before_training(tmp_path, tokenizer, questions, changes, message):
    for split in ("train", "validation"):
        write_squad(tmp_path / "data" / f"{split}.json", questions)
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer)
    changes = {"model": str(checkpoint)} | changes
    data = tmp_path / changes.pop("data", "data")
    with pytest.raises(TrainingError, match=message):
        train(tiny_settings(data, tmp_path, **changes), "one")


def test_golds_out_of_reach_are_warned_about(tmp_path, tokenizer, questions, caplog):
    for split in ("train", "validation"):
        write_squad(tmp_path / "data" / f"{split}.json", questions)
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer)
    changes = {"model": str(checkpoint), "max_answer_tokens": 5, "embedding_size": 8}
    with pytest.raises(TrainingError, match="embedding_size 8 does not make"):  # before any training, to be quick
        train(tiny_settings(tmp_path / "data", tmp_path, **changes), "one")
    for split in ("train", "validation"):
        (line,) = [text for text in caplog.messages if text.startswith(f"{split}: golds longer than max_answer_tokens")]
        assert "heron-4" in line


def test_a_spoilt_checkpoint_is_told(ships, tmp_path, tokenizer):
    checkpoint = spoil(write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer) / "model.safetensors")
    with pytest.raises(TrainingError, match="checkpoint` cannot be loaded: "):
        train(tiny_settings(ships, tmp_path, model=str(checkpoint)), "one")


def test_a_checkpoint_whose_tokenizer_is_no_json_is_told(ships, tmp_path, tokenizer):
    checkpoint = spoil(write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer) / "tokenizer.json")
    with pytest.raises(TrainingError, match="checkpoint` cannot be loaded: "):
        train(tiny_settings(ships, tmp_path, model=str(checkpoint)), "one")


def test_a_checkpoint_without_a_tokenizer_is_refused(ships, tmp_path, tokenizer):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer)
    for path in checkpoint.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(TrainingError, match=r"checkpoint` has no tokenizer\. Copy tokenizer.json"):
        train(tiny_settings(ships, tmp_path, model=str(checkpoint)), "one")


@pytest.mark.parametrize("size", [100, 600])
def test_the_tokenizer_of_another_model_is_refused(ships, tmp_path, tokenizer, size):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", with_vocabulary(tokenizer, size), vocab_size=300)
    with pytest.raises(
        TrainingError, match=rf"has a tokenizer of {size} ids and a model of 300: it is another model's"
    ):
        train(tiny_settings(ships, tmp_path, model=str(checkpoint)), "one")


def test_a_tokenizer_without_a_layout_for_pairs(ships, tmp_path, tokenizer):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer)
    path = checkpoint / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "post_processor": None}))
    with pytest.raises(TokenizerError):
        train(tiny_settings(ships, tmp_path, model=str(checkpoint)), "one")


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp"])
def test_names_that_are_no_folder_s(ships, tmp_path, name):
    with pytest.raises(TrainingError, match=r"cannot be an experiment's name. Give --name"):
        train(tiny_settings(ships, tmp_path), name)


def test_two_processes_train_as_one_that_accumulates(tmp_path):
    """With gloo on CPUs; `accelerate launch` starts processes on several GPUs in the same way."""
    ships = write_ships(tmp_path / "ships")
    size = {"vocabulary_size": 200, "embedding_size": 8, "hidden_size": 16, "layers": 2, "heads": 2}
    settings = tiny_settings(ships, tmp_path, steps=4, scratch=size)
    (tmp_path / "train.json").write_text(json.dumps(settings.model_dump()))
    (tmp_path / "both.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from model.train import train\n"
        "from model.training_settings import load_training_settings\n"
        "report = train(load_training_settings(Path('train.json')), 'both')\n"
        "sys.stdout.write(f'{sorted(report)}\\n')\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "both.py"]
    done = subprocess.run(
        command, env=environment(TMPDIR=str(tmp_path)), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    other, report = sorted(done.stdout.splitlines(), key=len)
    assert other == "[]"
    assert "'exact', 'experiment', 'f1'" in report
    assert done.stderr.count("step 4 of 4") == 2  # a loss and an evaluation, of the main process
    both, alone = tmp_path / "both", tmp_path / "alone"
    assert "on 2 x CPU" in (both / "README.md").read_text()
    assert len(list((both / "checkpoints" / "checkpoint-4").glob("rng_state_*.pth"))) == 2
    settings = settings.model_copy(update={"gradient_accumulation": 2})
    claim(alone, settings)
    (alone / "tokenizer").symlink_to(both / "tokenizer")
    train(settings, "alone")
    losses, expected = (numbers(folder / "curve.csv", "loss") for folder in (both, alone))
    assert losses == pytest.approx(expected, rel=1e-4)
    scores, expected = (numbers(folder / "curve.csv", "eval_f1") for folder in (both, alone))
    assert scores == pytest.approx(expected, abs=1e-6)


def numbers(curve: Path, column: str) -> list[float]:
    with curve.open(newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]
