"""Trains an extractive question-answering model with the Trainer of transformers.

An experiment is a folder: ``config.yaml``, ``tokenizer/``, ``checkpoints/`` to resume from, ``best/`` (the
model and tokenizer of the best evaluation), ``curve.csv`` and ``curve.png``, ``metrics.json`` and
``README.md`` (the model card).
"""

from __future__ import annotations

import errno
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    TrainerState,
    set_seed,
)
from transformers.utils import logging as transformers_logging

from utils.decoders import best_texts, decode
from utils.files import mend_folder, whole_file, whole_folder
from utils.questions import Question
from utils.reach import out_of_reach
from utils.squad_metrics import evaluate
from utils.windows import Windows, build_windows

from .batches import Collator
from .bert import ArchitectureError, albert_of_bert
from .calibration import build_in, fit_temperature
from .card import write_card, write_curve
from .checkpoint import misfit
from .experiment import Experiment, TrainingError, checkpoints, claim, last_good
from .factorise import factorise
from .inputs import max_positions
from .learner import Learner
from .scratch import make_model, train_tokenizer
from .sources import load_training_data
from .trainer import SpanTrainer, best_step, out_of_patience, predict_logits
from .training_settings import TrainingSettings

__all__ = ["TrainingError", "train"]

_log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SIGNS_OF_FULL = ("No space left", "PytorchStreamWriter", "inline_container", *(f"os error {code})" for code in _FULL))


def train(settings: TrainingSettings, name: str) -> dict[str, Any]:
    """Trains a model, or goes on where an interrupted run of that name stopped.

    Args:
        settings: the run; they must be those with which the experiment began.
        name: the experiment's folder within ``settings.output``.

    Returns:
        The experiment's folder, the validation figures of its best model, the steps and the seconds. Nothing
        in processes of ``accelerate launch`` other than the main one.

    Raises:
        TrainingError: if the experiment exists with other settings, the checkpoint cannot be loaded, its
            tokenizer is missing or another model's, the data has no training or validation questions, the loss is
            not finite or the disk is full.
        DataError: if the data is bad.
        TokenizerError: if the checkpoint's tokenizer does not suit.
    """
    started = time.monotonic()
    if name in ("", ".", "..") or Path(name).name != name:
        raise TrainingError(f"`{name}` cannot be an experiment's name. Give --name one word; `output` is its place.")
    folder = Path(settings.output) / name
    state = PartialState(cpu=not torch.cuda.is_available())
    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()
    with _told_as_training_errors(folder):
        with state.main_process_first():
            claim(folder, settings)
        if not (folder / "metrics.json").exists():
            _train(settings, folder, started)
    if not PartialState().is_main_process:
        return {}
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {"experiment": str(folder), **metrics.pop("validation"), **metrics}


def _train(settings: TrainingSettings, folder: Path, started: float) -> None:
    set_seed(settings.seed)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    with PartialState().main_process_first():
        mend_folder(folder / "best")
        experiment, learner, collator = _prepare(settings, folder)
    trainer = SpanTrainer(experiment, learner, collator, started)
    _run(trainer)
    trainer.accelerator.wait_for_everyone()
    _finish(experiment, trainer)


def _run(trainer: SpanTrainer) -> None:
    """Trains from the last checkpoint on, unless early stopping had come when it was written."""
    found = checkpoints(trainer.experiment.folder)
    if not found:
        trainer.train()
        return
    state = TrainerState.load_from_json(str(found[-1] / "trainer_state.json"))
    if out_of_patience(state.log_history, trainer.experiment.settings.patience):
        trainer.state = state
        trainer.go_on()
    else:
        trainer.train(resume_from_checkpoint=str(found[-1]))


def _prepare(settings: TrainingSettings, folder: Path) -> tuple[Experiment, Learner, Collator]:
    data = load_training_data(settings)
    questions = {"train": data.train, "validation": data.validation}
    for split, found in questions.items():
        if not found:
            raise TrainingError(f"data `{settings.data}` has no {split} questions, which training needs. Add a file.")
    model, tokenizer = _load(settings, questions["train"], folder)
    windows = {
        split: build_windows(found, tokenizer.backend_tokenizer, settings.window_settings(), progress=True)
        for split, found in questions.items()
    }
    for split, cut in windows.items():
        for line in out_of_reach(questions[split], cut, settings.window_settings()).lines(split):
            _log.warning(line)
    if settings.embedding_size:
        model = _factorised(model, windows["train"], settings)
    weights = data.weights[windows["train"].question]
    experiment = Experiment(settings, folder, tokenizer, questions, windows, weights)
    return experiment, Learner(model), Collator(windows["train"])


def _load(settings: TrainingSettings, questions: list[Question], folder: Path) -> tuple[Any, PreTrainedTokenizerFast]:
    if settings.model == "scratch":
        tokenizer = _own_tokenizer(settings, questions, folder / "tokenizer")
        model = make_model(settings.scratch, tokenizer, settings.max_length)
    else:
        model, tokenizer = _load_checkpoint(settings)
    longest = max_positions(model)
    if longest is not None and longest < settings.max_length:
        raise TrainingError(
            f"model `{settings.model}` takes {longest} tokens, max_length is {settings.max_length}. Lower max_length."
        )
    if settings.attention == "eager" or model._supports_sdpa:
        model.set_attn_implementation(settings.attention)
    return model, tokenizer


def _factorised(model: Any, windows: Windows, settings: TrainingSettings) -> Any:
    tokens = windows.input_ids[np.arange(windows.max_length) < windows.length[:, None]]
    counts = np.bincount(tokens, minlength=model.config.vocab_size)
    try:
        return factorise(model, settings.embedding_size or 0, counts, settings.max_length, settings.seed)
    except ArchitectureError as error:
        raise TrainingError(str(error)) from error


def _own_tokenizer(settings: TrainingSettings, questions: list[Question], folder: Path) -> PreTrainedTokenizerFast:
    """A new tokenizer, kept in the experiment: the trainer of tokenizers does not give the same one twice."""
    if not folder.exists():
        texts = [*dict.fromkeys(question.context for question in questions), *(q.question for q in questions)]
        with whole_folder(folder) as aside:
            train_tokenizer(texts, settings.scratch.vocabulary_size).save_pretrained(aside)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer


def _load_checkpoint(settings: TrainingSettings) -> tuple[Any, PreTrainedTokenizerFast]:
    name = settings.model
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForQuestionAnswering.from_pretrained(name, dtype=torch.float32)
    except Exception as error:  # tokenizers raises nothing narrower, and a broken config leads to anything
        raise TrainingError(
            f"model `{name}` cannot be loaded: {error}. Give `scratch`, the folder of a transformers "
            "checkpoint with its tokenizer, or a hub id that can be reached."
        ) from error
    if reason := misfit(tokenizer, model):
        raise TrainingError(f"model `{name}` {reason}")
    if settings.architecture == "albert" and model.config.model_type != "albert":
        try:
            model = albert_of_bert(model)
        except ArchitectureError as error:
            raise TrainingError(f"model `{name}`: {error}") from error
    model.config.span_temperature = None  # that of an earlier training
    return model, tokenizer


def _finish(experiment: Experiment, trainer: SpanTrainer) -> None:
    """Calibrates and scores the best model and writes card and metrics, the metrics last: they mark the end."""
    model = AutoModelForQuestionAnswering.from_pretrained(experiment.best)
    windows, questions = experiment.windows["validation"], experiment.questions["validation"]
    settings = experiment.settings.window_settings()
    logits = predict_logits(Learner(model).to(trainer.args.device), windows)
    if not trainer.is_world_process_zero():
        return
    if getattr(model.config, "span_temperature", None) is None:  # it has one where the run was stopped just here
        build_in(model, fit_temperature(logits, windows, questions, settings))
        with whole_folder(experiment.best) as folder:
            model.save_pretrained(folder)
            experiment.tokenizer.save_pretrained(folder)
    predictions = best_texts(decode(logits, windows, questions, settings), questions, settings)
    history = trainer.state.log_history
    metrics = {
        "validation": dict(evaluate(predictions, questions)),
        "temperature": model.config.span_temperature,
        "best_step": best_step(history),
        "steps": trainer.state.global_step,
        "seconds": trainer.seconds,
    }
    write_curve(experiment.folder, history)
    write_card(experiment, model, predictions, metrics)
    with whole_file(experiment.folder / "metrics.json") as stream:
        stream.write(json.dumps(metrics, indent=2) + "\n")


@contextmanager
def _told_as_training_errors(folder: Path) -> Iterator[None]:
    """Turns a full disk and exhausted memory into a TrainingError."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"the device has too little memory: {error}. {last_good(folder)} "
            "Lower batch_size (and raise gradient_accumulation) or max_length, under another --name."
        ) from error
    except Exception as error:  # a full disk has no class of its own; tokenizers raises Exception itself
        if not _is_of_full_disk(error):
            raise
        raise TrainingError(
            f"{folder} cannot be written, the disk is full: {error}. {last_good(folder)} "
            "Free some space and start the same command again; it resumes."
        ) from error


def _is_of_full_disk(error: BaseException) -> bool:
    return getattr(error, "errno", None) in _FULL or any(sign in str(error) for sign in _SIGNS_OF_FULL)
