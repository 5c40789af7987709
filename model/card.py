"""What a training run leaves for people to read: the learning curve and the model card."""

from __future__ import annotations

import csv
import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml
from accelerate import PartialState

from utils.files import whole_file, whole_path
from utils.question_types import question_type
from utils.questions import Question
from utils.squad_metrics import by_answerability, group_scores

if TYPE_CHECKING:
    from .experiment import Experiment

MAKING = "## Making it again"
COLUMNS = ["step", "loss", "learning_rate", "eval_exact", "eval_f1"]


def write_curve(folder: Path, history: list[dict[str, Any]]) -> None:
    """Writes ``curve.csv`` and ``curve.png``: loss and validation scores by step.

    Args:
        folder: where to write.
        history: the Trainer's log, one mapping an entry.
    """
    entries = [entry for entry in history if "loss" in entry or "eval_f1" in entry]
    with whole_file(folder / "curve.csv") as file:
        table = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        table.writeheader()
        table.writerows(entries)
    _draw_curve(folder / "curve.png", entries)


def _draw_curve(path: Path, entries: list[dict[str, Any]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    losses = figure.subplots()
    losses.plot(*_series(entries, "loss"), color="tab:grey", label="training loss")
    losses.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    scores = losses.twinx()
    scores.plot(*_series(entries, "eval_exact"), color="tab:blue", marker=".", label="validation EM")
    scores.plot(*_series(entries, "eval_f1"), color="tab:orange", marker=".", label="validation F1")
    scores.set(ylabel="EM, F1 (%)", ylim=(0, 100))
    figure.legend(loc="outside upper center", ncols=3)
    with whole_path(path) as aside:
        figure.savefig(aside, dpi=120, format="png")


def _series(entries: list[dict[str, Any]], key: str) -> tuple[list[float], list[float]]:
    points = [(entry["step"], entry[key]) for entry in entries if key in entry]
    return [step for step, _ in points], [value for _, value in points]


def write_card(experiment: Experiment, model: Any, predictions: dict[str, str], metrics: dict[str, Any]) -> None:
    """Writes ``README.md`` into the experiment and beside its best model.

    Args:
        experiment: the run.
        model: its best model.
        predictions: that model's answers to the validation questions.
        metrics: ``validation`` figures, ``best_step``, ``steps`` and ``seconds``.
    """
    text = _card(experiment, model, predictions, metrics)
    for folder in (experiment.folder, experiment.best):
        with whole_file(folder / "README.md") as file:
            file.write(text)


def _card(experiment: Experiment, model: Any, predictions: dict[str, str], metrics: dict[str, Any]) -> str:
    settings, questions = experiment.settings, experiment.questions["validation"]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    rows = by_answerability(metrics["validation"])
    rows |= group_scores(predictions, questions, lambda question: question_type(question.question))
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "tokenizers", "numpy"))
    return "\n".join(
        [
            f"# {experiment.folder.name}",
            "",
            f"`{type(model).__name__}` with {parameters:,} parameters, trained by `squad-albert train` on "
            f"`{settings.data}`: {len(experiment.questions['train']):,} questions in "
            f"{len(experiment.windows['train']):,} windows.",
            "",
            "## Validation",
            "",
            "By the official SQuAD 2.0 rules; after all questions and those with and without an answer, by question "
            "type.",
            "",
            "| | questions | EM | F1 |",
            "|---|---|---|---|",
            *(f"| {name} | {row['total']:,} | {row['exact']:.1f} | {row['f1']:.1f} |" for name, row in rows.items()),
            "",
            MAKING,
            "",
            "`squad-albert train --config FILE`, with this file:",
            "",
            "```yaml",
            yaml.safe_dump(settings.model_dump(), sort_keys=False).strip(),
            "```",
            "",
            f"- {metrics['steps']:,} steps in {metrics['seconds'] / 60:.1f} minutes on {_devices()}; "
            f"the model is that of step {metrics['best_step']:,}",
            f"- seed {settings.seed}; Python {platform.python_version()}, {versions}",
            *(
                f"- SHA-256 of the {split} questions: `{hash_questions(experiment.questions[split])}`"
                for split in ("train", "validation")
            ),
            *_before(settings.model),
            "",
        ]
    )


def _before(model: str) -> list[str]:
    """How the model that training went on from was made, where it is a folder with a card of that kind."""
    card = Path(model, "README.md")
    told = card.read_text(encoding="utf-8").partition(MAKING)[2].partition("\n## ")[0] if card.is_file() else ""
    return ["", f"### Before that, `{model}`", "", told.strip()] if told else []


def _devices() -> str:
    state = PartialState()
    kind = torch.cuda.get_device_name(state.device) if state.device.type == "cuda" else state.device.type.upper()
    return f"{state.num_processes} x {kind}" if state.num_processes > 1 else kind


def hash_questions(questions: Sequence[Question]) -> str:
    """SHA-256 over the ids, texts and golds of questions, in their order."""
    digest = hashlib.sha256()
    for question in questions:
        golds = [(gold.text, gold.start) for gold in question.golds]
        digest.update(repr((question.id, question.question, question.context, golds)).encode())
    return digest.hexdigest()
