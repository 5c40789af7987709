from __future__ import annotations

import io
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerControl

from model import train as training
from model import trainer as trainers
from model.batches import BatchOrder, Collator
from model.experiment import TrainingError, claim
from model.learner import Learner
from model.trainer import KeepBest, ShowProgress, SpanTrainer, best_step, out_of_patience, predict_logits
from tests.model.tiny import tiny_settings
from utils.decoders import LOWEST


@pytest.fixture
def make(ships, tmp_path):
    """A trainer over an experiment that has just begun."""

    def make(**changes) -> SpanTrainer:
        settings = tiny_settings(ships, tmp_path, **changes)
        claim(tmp_path / "one", settings)
        torch.manual_seed(settings.seed)
        experiment, learner, collator = training._prepare(settings, tmp_path / "one")
        return SpanTrainer(experiment, learner, collator, time.monotonic())

    return make


def test_gradients_are_those_of_the_mean_over_accumulated_batches(make):
    trainer = make(steps=1, gradient_accumulation=3, max_grad_norm=1e6, scratch={"hidden_size": 16, "heads": 2})
    learner, windows = trainer.model, trainer.experiment.windows["train"]
    losses = [
        learner(**Collator(windows)(rows))["loss"]
        for rows in BatchOrder(windows.length, 4, 3, 7, np.ones(len(windows)))
    ]
    mean = torch.stack(losses).mean()
    norm = torch.nn.utils.get_total_norm(torch.autograd.grad(mean, list(learner.parameters())))
    trainer.train()
    logged = trainer.state.log_history[0]
    assert logged["loss"] == pytest.approx(mean.item(), rel=1e-5)
    assert logged["grad_norm"] == pytest.approx(norm.item(), rel=1e-4)


def test_the_rate_rises_stays_and_falls(make):
    trainer = make(steps=10, warmup=0.2, decay=0.5, learning_rate=1e-3, evaluate_every=99, checkpoint_every=99)
    trainer.train()
    rates = [entry["learning_rate"] for entry in trainer.state.log_history if "loss" in entry]
    assert rates == pytest.approx([0, 5e-4, *[1e-3] * 4, 8e-4, 6e-4, 4e-4, 2e-4])


def test_epochs_become_steps(make):
    trainer = make(steps=None, epochs=1.5, gradient_accumulation=2)
    assert trainer.args.max_steps == -(-3 * len(trainer.experiment.windows["train"]) // (2 * 4 * 2))


def test_bf16_trains_weights_of_fp32(make):
    trainer = make(steps=2, precision="bf16", attention="eager")
    trainer.train()
    assert {parameter.dtype for parameter in trainer.model.parameters()} == {torch.float32}
    assert all(np.isfinite(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry)


def test_logits_of_windows_do_not_depend_on_the_batch(make):
    trainer = make()
    windows = trainer.experiment.windows["validation"]
    together = predict_logits(trainer.model, windows, batch_size=7)
    alone = predict_logits(trainer.model, windows, batch_size=1)
    padding = np.arange(windows.max_length) >= windows.length[:, None]
    assert (together[padding] == LOWEST).all()
    assert np.abs(together[~padding] - alone[~padding]).max() < 1e-5
    batch = Collator(windows)([2])
    trainer.model.eval()
    with torch.no_grad():
        expected = trainer.model(**batch)["logits"][0].numpy()
    assert np.abs(alone[2, : len(expected)] - expected).max() < 1e-5


def test_prediction_leaves_the_learner_as_it_was(make):
    trainer = make()
    for training_mode in (True, False):
        trainer.model.train(training_mode)
        predict_logits(trainer.model, trainer.experiment.windows["validation"])
        assert trainer.model.training is training_mode


def keep_best(trainer: SpanTrainer, scores: list[float], patience: int) -> tuple[list[float], list[bool]]:
    """Which scores were kept after each evaluation, and whether training was told to stop."""
    settings = trainer.experiment.settings.model_copy(update={"patience": patience})
    callback = KeepBest(replace(trainer.experiment, settings=settings))
    weights = next(trainer.model.model.parameters())
    kept, stopped = [], []
    for step, score in enumerate(scores, start=1):
        with torch.no_grad():
            weights.fill_(score)
        trainer.state.global_step = step
        trainer.state.log_history.append({"eval_f1": score, "eval_exact": score, "step": step})
        control = callback.on_evaluate(trainer.args, trainer.state, TrainerControl(), model=trainer.model)
        saved = load_file(trainer.experiment.best / "model.safetensors")
        kept.append(next(tensor.flatten()[0].item() for tensor in saved.values() if tensor.shape == weights.shape))
        stopped.append(control.should_training_stop)
    return kept, stopped


def test_the_best_is_kept_and_training_stops_when_patience_ends(make):
    kept, stopped = keep_best(make(), [3.0, 7.0, 7.0, 5.0, 8.0, 1.0, 2.0, 3.0], patience=3)
    assert kept == [3.0, 7.0, 7.0, 7.0, 8.0, 8.0, 8.0, 8.0]
    assert stopped == [*[False] * 7, True]


def test_a_score_of_nothing_is_kept_too(make):
    assert keep_best(make(), [0.0, 0.0], patience=1) == ([0.0, 0.0], [False, True])


def test_history_before_any_evaluation():
    assert not out_of_patience([{"loss": 1.0, "step": 1}], 1)
    assert best_step([{"loss": 1.0, "step": 1}, {"eval_f1": 0.0, "step": 2}, {"eval_f1": 1.0, "step": 4}]) == 4


@pytest.mark.parametrize("gradient", [float("nan"), float("inf")])
def test_a_bad_gradient_stops_before_it_reaches_the_weights(make, gradient):
    trainer = make()
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    next(trainer.model.parameters()).register_hook(lambda found: torch.full_like(found, gradient))
    with pytest.raises(TrainingError, match=r"the gradient is nan at step 1. No checkpoint had been written yet."):
        trainer.train()
    assert all(torch.equal(*pair) for pair in zip(before, trainer.model.parameters(), strict=True))


def test_losses_of_several_gpus_in_one_process_are_averaged(make):
    trainer = make()
    model = lambda **_: {"loss": torch.tensor([1.0, 3.0])}  # noqa: E731
    assert trainer.compute_loss(model, {}).item() == 2.0


STATE = SimpleNamespace(is_world_process_zero=True, global_step=1200, max_steps=5000)
LOSS = {"loss": 1.23456, "learning_rate": 3e-5, "seconds": 125.0}


def tell(state, *entries, monkeypatch, terminal: bool) -> str:
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    callback = ShowProgress()
    callback.on_train_begin(None, state, None)
    for entry in entries:
        callback.on_step_end(None, state, None)
        callback.on_log(None, state, None, logs=entry)
    callback.on_train_end(None, state, None)
    return stream.getvalue()


def test_plain_lines_where_there_is_no_terminal(monkeypatch, capsys):
    shown = tell(STATE, LOSS, {"eval_f1": 51.234, "eval_exact": 40.0}, {"train_loss": 1}, monkeypatch=monkeypatch,
                 terminal=False)  # fmt: skip
    assert shown == (
        "step 1,200 of 5,000, 2 min: loss 1.2346, learning rate 3e-05\n"
        "step 1,200 of 5,000, 0 min: validation EM 40.00, F1 51.23\n"
    )
    assert capsys.readouterr().out == ""


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    shown = tell(STATE, LOSS, monkeypatch=monkeypatch, terminal=True)
    assert "loss 1.2346" in shown
    assert "1200/5000" in shown
    assert "1201/5000" in shown
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_other_processes_are_silent(monkeypatch, terminal):
    other = SimpleNamespace(**{**vars(STATE), "is_world_process_zero": False})
    assert tell(other, LOSS, monkeypatch=monkeypatch, terminal=terminal) == ""


def test_time_before_an_interruption_counts(make, monkeypatch):
    trainer = make()
    monkeypatch.setattr(trainers.time, "monotonic", lambda: trainer._started + 30)
    assert trainer.seconds == 30.0
    trainer.state.log_history = [{"step": 1}, {"step": 2, "seconds": 100.0}]
    trainer.go_on()
    assert trainer.seconds == 130.0


def test_logits_come_from_the_learner_s_inputs_alone(make):
    trainer = make(scratch={"architecture": "distilbert", "hidden_size": 16, "heads": 2, "layers": 1})
    assert isinstance(trainer.model, Learner)
    assert trainer.model.inputs == ["input_ids", "attention_mask"]
    assert np.isfinite(predict_logits(trainer.model, trainer.experiment.windows["validation"])).all()
