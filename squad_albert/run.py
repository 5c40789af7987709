"""A run: answers to the questions of one or several splits, in a folder that all analyses read.

The answers are a model's, or somebody else's. The folder holds ``questions.parquet`` (``run_columns``),
``predictions.json`` (``{id: text}``) and ``metrics.json`` beside the manifest of ``run_folder``; of a model also
``windows.parquet``, the latent vectors ``latent_<name>.npy``, ``nbest.json`` and ``null_odds.json`` (``{id: margin in
logits}``).

Questions are answered group by group (``model.runtime.question_groups``). A group's rows are on the disk before the
model begins with the next one. So a run may be killed at any moment and started again: all that it does again is the
one group that it was in, and it ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.inner import last_hidden
from model.runtime import Model
from project_config import Settings
from utils.samples import model_folder
from utils.squad import SPLITS
from utils.squad_metrics import read_null_odds, read_predictions

from .asked import Asked, Warn, load_asked
from .files import sha256, write_json
from .measures import measure, metric_lines
from .model_files import model_hashes
from .parts import Part, Parts
from .progress import Progress
from .run_answers import Answers, GivenAnswers, ModelAnswers
from .run_columns import QUESTIONS, VECTORS, WINDOWS
from .run_files import assemble, column
from .run_folder import RunFolder, folder_name, identity
from .run_inside import RunError, inside, read_object

DEFAULT_PARENT = Path("runs")
"""Where a run goes that is given no folder, under a name of its own for each data, model and settings."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    metrics: dict[str, Any]  # as in metrics.json
    found: bool = False  # whether the folder held it already


def limits(limit: int | None) -> dict[str, int | None]:
    """The same limit for every split, as overrides of the settings.

    >>> limits(10)["test_limit"]
    10
    """
    return {f"{split}_limit": limit for split in SPLITS}


def evaluate(settings: Settings, split: str | None, out: Path | None, warn: Warn) -> Run:
    """Answers and scores questions with a model; goes on with a run that was killed, and only reads a complete one.

    Args:
        settings: data, model and everything else.
        split: one or several, as in "train,validation"; default: validation, or the one split of data that is one file.
        out: the run's folder; default: one below ``DEFAULT_PARENT``.
        warn: receives the warnings about the data, and those about golds out of reach, before the work begins.

    Raises:
        DataError: if the data is bad, has no such split, or an id is in two of the splits.
        ModelError: if the model is missing or damaged, or its last hidden layer cannot be read.
        SignatureError: if it does not fit the windows.
        RunError: if ``out`` holds something else or forged files, or another process works in it.
        WriteError: if a file cannot be written.
    """
    asked = load_asked(settings, split, warn)
    source = model_folder(settings)
    model = Model(source, asked.settings, last_hidden)
    what = identity(asked.splits, asked.settings, model=model_hashes(source), engine=model.engine)

    def answers() -> Answers:
        made = ModelAnswers(asked, model)
        warn(made.warnings())
        return made

    return _run(asked, what, {"model": settings.model}, out, answers)


def evaluate_predictions(
    settings: Settings, split: str | None, predictions: Path, null_odds: Path | None, out: Path | None, warn: Warn
) -> Run:
    """Makes a run of answers that somebody else gave; needs no model, and lacks all that takes one.

    Args:
        settings: the data.
        split: as in ``evaluate``.
        predictions: JSON of ``{id: text}``, the empty text for no answer: the final answers.
        null_odds: JSON of ``{id: number}``, higher where there is rather no answer; they change no answer.
        out: as in ``evaluate``.
        warn: as in ``evaluate``.

    Raises:
        DataError: as ``evaluate``.
        ScoreError: if the files are bad or do not belong to the questions.
        RunError: as ``evaluate``.
        WriteError: as ``evaluate``.
    """
    asked = load_asked(settings, split, warn)
    notes: list[str] = []
    answers = read_predictions(predictions, asked.questions, warnings=notes)
    odds = read_null_odds(null_odds, asked.questions, warnings=notes) if null_odds else {}
    warn(notes)
    files = {"predictions": predictions} | ({"null_odds": null_odds} if null_odds else {})
    what = identity(asked.splits, asked.settings, predictions={name: sha256(path) for name, path in files.items()})
    sources = {name: str(path) for name, path in files.items()}
    return _run(asked, what, sources, out, lambda: GivenAnswers(asked, answers, odds))


def _run(
    asked: Asked,
    what: Mapping[str, Any],
    sources: Mapping[str, str],
    out: Path | None,
    source: Callable[[], Answers],
) -> Run:
    """Makes a run in its folder, or only reads it where it is complete."""
    path = out or DEFAULT_PARENT / folder_name(what)
    with RunFolder(path, what, {"data": asked.settings.data, **sources}) as run:
        parts = Parts(path)
        if not run.complete:
            answers = source()
            with_model = what["model"] is not None
            _answer(answers, asked, parts, with_model)
            files = assemble(parts, answers.groups, path, with_model)
            write_json(path / "metrics.json", {"splits": _metrics(path / "questions.parquet", asked, with_model)})
            run.finish([*files, "metrics.json"])
        parts.remove()
    return Run(path, _read_metrics(path), run.complete)


def _answer(answers: Answers, asked: Asked, parts: Parts, with_model: bool) -> None:
    """Writes the parts that are not there yet, once those that are there are seen to be of this run."""
    done = [group for group in answers.groups if group in parts.done()]
    for group in done:
        _check_part(parts, group, [question.id for question in asked.questions[group.start : group.stop]], with_model)
    before = sum(map(len, done))
    with Progress("evaluate", len(asked.questions), "questions", before=before) as progress:
        for group in answers.groups:
            if group not in done:
                parts.write(group, answers.part(group, progress))


def _check_part(parts: Parts, group: range, ids: list[str], with_model: bool) -> None:
    part = parts.read(group)
    expected = (QUESTIONS, WINDOWS, set(VECTORS)) if with_model else (QUESTIONS, None, set())
    if _layout(part) != expected:
        raise parts.misfit(group, "its columns are others")
    if part.questions["id"].to_pylist() != ids:
        raise parts.misfit(group, "it answers other questions")


def _layout(part: Part) -> tuple[Any, Any, set[str]]:
    return part.questions.schema, part.windows.schema if part.windows is not None else None, set(part.vectors)


def _read_metrics(folder: Path) -> dict[str, Any]:
    """What ``metrics.json`` holds, if it can be shown: a complete run may be somebody else's."""
    path = inside(folder, "metrics.json")
    try:
        metrics = read_object(path)
        metric_lines(metrics)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path} does not hold the figures of a run ({type(error).__name__}: {error}). Remove the run and make it "
            f"again: squad-albert evaluate --out {folder}"
        ) from error
    return metrics


def _metrics(table: Path, asked: Asked, with_model: bool) -> dict[str, dict[str, Any]]:
    """The figures of every split."""
    best, odds = column(table, "prediction"), column(table, "null_odds")
    if not with_model:
        given = None if None in odds.values() else odds
        return {split: measure(best, questions, given) for split, questions in asked.splits.items()}
    spans, counts = column(table, "best_span"), column(table, "window_count")
    settings = asked.settings
    allowed = odds if settings.no_answer == "always" else None
    return {
        split: {
            "windows": sum(counts[question.id] for question in questions),
            **measure(best, questions, allowed, spans=spans, used=settings.no_answer_threshold),
        }
        for split, questions in asked.splits.items()
    }
