"""The Trainer of transformers over batches of windows, with the project's own evaluation, progress and checkpoints.

Started by ``accelerate launch``, every process trains on batches of its own and evaluates its share of the
windows; all come to the same figures, and only the main process writes.
"""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import reduce
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from utils.decoders import LOWEST, best_texts, decode
from utils.files import whole_folder
from utils.squad_metrics import evaluate
from utils.windows import Windows

from .batches import BatchOrder, Collator
from .card import write_curve
from .experiment import Experiment, TrainingError, keep_checkpoint, last_good
from .learner import Learner

History = Sequence[Mapping[str, Any]]


class SpanTrainer(Trainer):  # type: ignore[misc]
    """A run over an experiment.

    Args:
        experiment: the run.
        learner: the model with its loss.
        collator: makes the tensors of a batch.
        started: when the run began, by ``time.monotonic``.
    """

    def __init__(self, experiment: Experiment, learner: Learner, collator: Collator, started: float) -> None:
        self.experiment = experiment
        self.collate = collator
        self._started = started
        self._history_before: History = ()
        settings, windows = experiment.settings, experiment.windows["train"]
        processes = PartialState().num_processes
        self.batches_a_step = settings.gradient_accumulation * processes
        steps = settings.steps or math.ceil(
            (settings.epochs or 0) * experiment.weights.sum() / (settings.batch_size * self.batches_a_step)
        )
        self.order = BatchOrder(
            np.asarray(windows.length),
            settings.batch_size,
            steps * self.batches_a_step,
            settings.seed,
            experiment.weights,
        )
        super().__init__(
            model=learner,
            args=_arguments(experiment, steps),
            train_dataset=range(len(windows)),
            eval_dataset=range(len(experiment.windows["validation"])),
            callbacks=[GoOn(self), StopAtBadGradient(experiment), KeepBest(experiment), ShowProgress()],
        )
        self.remove_callback(PrinterCallback)  # standard output is for results

    @property
    def seconds(self) -> float:
        """How long the experiment has been trained, the time before an interruption included."""
        before = max((entry["seconds"] for entry in self._history_before if "seconds" in entry), default=0.0)
        return round(before + time.monotonic() - self._started, 1)

    def go_on(self) -> None:
        """Goes on where the restored state stands: with the batches that come next, and with its clock."""
        self.order.start = self.state.global_step * self.batches_a_step
        self._history_before = list(self.state.log_history)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches of this process. The loader has a generator of its own, or resuming would shift dropout."""
        rows: Any = range(len(self.experiment.windows["train"]))
        loader: DataLoader[Any] = DataLoader(
            rows, batch_sampler=self.order, collate_fn=self.collate, generator=torch.Generator()
        )
        return self.accelerator.prepare(loader)

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, **_: Any
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """The learner's loss.

        Raises:
            TrainingError: if it is not finite.
        """
        outputs = model(**inputs)
        loss: torch.Tensor = outputs["loss"].mean()  # several where one process drives several GPUs
        if not torch.isfinite(loss):
            raise _not_finite(f"the loss is {loss.item()}", self.state, self.experiment)
        return (loss, outputs) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """EM and F1 over the validation split by the official rules; logged as ``eval_exact`` and ``eval_f1``."""
        scores = evaluate(answer(self.experiment, self.model), self.experiment.questions["validation"])
        metrics = {f"eval_{key}": float(value) for key, value in scores.items()}
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Logs with the time, so that a resumed run knows how long it has been trained before."""
        super().log({**logs, "seconds": self.seconds}, start_time)

    def _get_output_dir(self, trial: Any) -> str:
        """Where checkpoints are written at first: a half-written one must not be there to resume from."""
        return str(self.experiment.folder / "checkpoints.part")

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        aside = Path(self._get_output_dir(trial))
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                keep_checkpoint(aside / f"checkpoint-{self.state.global_step}", self.experiment.folder)
        finally:
            if self.args.should_save:
                shutil.rmtree(aside, ignore_errors=True)


class GoOn(TrainerCallback):  # type: ignore[misc]
    """Tells the trainer when its state is restored."""

    def __init__(self, trainer: SpanTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """The state is restored by now, and no batch drawn."""
        self.trainer.go_on()


class StopAtBadGradient(TrainerCallback):  # type: ignore[misc]
    """Stops before a gradient that is not finite gets into the weights, and from there into a checkpoint."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    def on_pre_optimizer_step(
        self, args: Any, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        """Gradients are summed over batches and processes, and clipped."""
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise _not_finite(f"the gradient is {norm.item()}", state, self.experiment)


class KeepBest(TrainerCallback):  # type: ignore[misc]
    """Keeps the best model, stops when evaluations no longer improve, and writes the learning curve."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        """Evaluates after the last step, whatever the interval."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = True
        return control

    def on_evaluate(
        self, args: Any, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> TrainerControl:
        """Compares with the evaluations in the log, which a resumed run has too."""
        if out_of_patience(state.log_history, self.experiment.settings.patience):
            control.should_training_stop = True
        if state.is_world_process_zero:
            if best_step(state.log_history) == state.global_step:
                with whole_folder(self.experiment.best) as folder:
                    model.model.save_pretrained(folder)
                    self.experiment.tokenizer.save_pretrained(folder)
            write_curve(self.experiment.folder, state.log_history)
        return control


class ShowProgress(TrainerCallback):  # type: ignore[misc]
    """A bar on a terminal, and a line for every entry of the log; both on standard error."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Opens the bar where the run stands."""
        if state.is_world_process_zero and sys.stderr.isatty():
            self._bar = tqdm(
                desc="train", total=state.max_steps, initial=state.global_step, unit=" steps", file=sys.stderr
            )

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Moves the bar."""
        if self._bar is not None:
            self._bar.update(1)

    def on_log(
        self,
        args: Any,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Writes a line."""
        line = _line(state, logs or {})
        if line and state.is_world_process_zero:
            tqdm.write(line, file=sys.stderr)
            sys.stderr.flush()

    def on_train_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Closes the bar."""
        if self._bar is not None:
            self._bar.close()


def _line(state: TrainerState, logs: Mapping[str, float]) -> str:
    at = f"step {state.global_step:,} of {state.max_steps:,}, {logs.get('seconds', 0) / 60:.0f} min"
    if "loss" in logs:
        return f"{at}: loss {logs['loss']:.4f}, learning rate {logs['learning_rate']:.3g}"
    if "eval_f1" in logs:
        return f"{at}: validation EM {logs['eval_exact']:.2f}, F1 {logs['eval_f1']:.2f}"
    return ""


def best_step(history: History) -> int:
    """The step of the best evaluation, the first of equals.

    >>> best_step([{"eval_f1": 3.0, "step": 10}, {"eval_f1": 3.0, "step": 20}])
    10
    """
    return int(max(_evaluations(history), key=lambda entry: entry["eval_f1"])["step"])


def out_of_patience(history: History, patience: int) -> bool:
    """Whether as many evaluations as that came after the best one.

    >>> out_of_patience([{"eval_f1": 3.0, "step": 10}, {"eval_f1": 2.0, "step": 20}], 1)
    True
    """
    evaluations = _evaluations(history)
    scores = [entry["eval_f1"] for entry in evaluations]
    return bool(scores) and len(scores) - 1 - int(np.argmax(scores)) >= patience


def _evaluations(history: History) -> list[Mapping[str, Any]]:
    return [entry for entry in history if "eval_f1" in entry]


def _not_finite(what: str, state: TrainerState, experiment: Experiment) -> TrainingError:
    return TrainingError(
        f"{what} at step {state.global_step + 1}. {last_good(experiment.folder)} "
        "Lower learning_rate, lengthen warmup or train in fp32, under another --name."
    )


def _arguments(experiment: Experiment, steps: int) -> TrainingArguments:
    settings = experiment.settings
    warmup, decay = round(settings.warmup * steps), round(settings.decay * steps)
    return TrainingArguments(
        output_dir=str(experiment.folder / "checkpoints"),
        max_steps=steps,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": decay, "decay_type": "linear"},
        warmup_steps=warmup,
        weight_decay=settings.weight_decay,
        adam_beta2=settings.adam_beta2,
        max_grad_norm=settings.max_grad_norm,
        bf16=settings.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        seed=settings.seed,
        eval_strategy="steps",
        eval_steps=settings.evaluate_every,
        save_strategy="steps",
        save_steps=settings.checkpoint_every,
        logging_steps=settings.log_every,
        logging_nan_inf_filter=False,
        ignore_data_skip=True,  # the order of batches knows where to go on
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
    )


def predict_logits(learner: Learner, windows: Windows, batch_size: int = 32) -> NDArray[np.float32]:
    """The span logits of every window, float32 ``[N, L, 2]``, with ``LOWEST`` on padding.

    Every process computes its share of the batches and gets all the logits.
    """
    state, device, collate = PartialState(), next(learner.parameters()).device, Collator(windows)
    shares = torch.zeros(len(windows), windows.max_length, 2, device=device)
    was_training = learner.training
    learner.eval()
    order = np.argsort(windows.length, kind="stable")
    batches = np.array_split(order, max(1, math.ceil(len(order) / batch_size)))
    for rows in batches[state.process_index :: state.num_processes]:
        batch = {name: tensor.to(device) for name, tensor in collate(rows.tolist()).items()}
        with torch.no_grad():
            outputs = learner.model(**{name: batch[name] for name in learner.inputs})
        logits = torch.stack([outputs.start_logits, outputs.end_logits], dim=-1)
        shares[torch.from_numpy(rows).to(device), : logits.shape[1]] = logits.float()
    learner.train(was_training)
    found: NDArray[np.float32] = reduce(shares, "sum").cpu().numpy()
    found[np.arange(windows.max_length) >= windows.length[:, None]] = LOWEST
    return found


def answer(experiment: Experiment, learner: Learner) -> dict[str, str]:
    """The model's answer to every validation question, by id."""
    settings, questions = experiment.settings.window_settings(), experiment.questions["validation"]
    windows = experiment.windows["validation"]
    return best_texts(decode(predict_logits(learner, windows), windows, questions, settings), questions, settings)
