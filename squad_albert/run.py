"""A run: a model over a split of the data, into a folder.

``predictions.json`` (``{id: text}``), ``nbest.json``, ``null_odds.json`` (``{id: margin in logits}``)
and ``metrics.json``, beside the manifest of ``run_folder``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.runtime import MODEL_FILES, Model
from project_config import Settings
from utils.decoders import Decoded, allows_no_answer, decode_questions, window_spans
from utils.samples import model_folder
from utils.squad import SPLITS, DataError, Question, load_data
from utils.windows import Windows, build_windows

from .answers import ranked
from .files import EntryWriter, whole_file, write_json
from .measures import measure
from .progress import Progress
from .run_folder import RunFolder, folder_name, identity

RESULTS = ("predictions.json", "nbest.json", "null_odds.json", "metrics.json")
"""The files of a run, beside its manifest."""

DEFAULT_PARENT = Path("runs")
"""Where a run goes that is given no folder, under a name of its own for each data, model and settings."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    metrics: dict[str, Any]  # as in metrics.json


def limits(limit: int | None) -> dict[str, int | None]:
    """The same limit for every split, as overrides of the settings.

    >>> limits(10)["test_limit"]
    10
    """
    return {f"{split}_limit": limit for split in SPLITS}


def evaluate(settings: Settings, split: str | None, out: Path | None, warn: Callable[[list[str]], None]) -> Run:
    """Answers and scores the questions of a split.

    Args:
        settings: data, model and everything else.
        split: default: validation, or the one split of data that is one file.
        out: the run's folder; default: one below ``DEFAULT_PARENT``.
        warn: receives the warnings about the data, before the work begins.

    Raises:
        DataError: if the data is bad or has no such split.
        ModelError: if the model is missing or damaged.
        SignatureError: if it does not fit the windows.
        RunError: if ``out`` holds something else.
        WriteError: if a file cannot be written.
    """
    split, questions, settings = _load(settings, split, warn)
    source = model_folder(settings)
    model = Model(source, settings)
    what = identity(split, questions, [source / name for name in MODEL_FILES], settings)
    path = out or DEFAULT_PARENT / folder_name(what)
    run = RunFolder(path, what, {"data": settings.data, "model": settings.model})
    windows = build_windows(questions, model.tokenizer, settings, progress=True)
    best, forced, null_odds = _answer(model, windows, questions, settings, run)
    metrics = {"split": split, "questions": len(questions), "windows": len(windows)}
    metrics |= measure(best, forced, null_odds, questions, settings)
    for name, value in (("predictions", best), ("null_odds", null_odds), ("metrics", metrics)):
        write_json(path / f"{name}.json", value)
    run.finish(RESULTS)
    return Run(path, metrics)


def _load(
    settings: Settings, split: str | None, warn: Callable[[list[str]], None]
) -> tuple[str, list[Question], Settings]:
    """The split's name and questions, and the settings with ``no_answer`` decided."""
    if split is not None and split not in SPLITS:
        raise DataError(f"there is no split `{split}`. Splits are {', '.join(SPLITS)}.")
    warnings: list[str] = []
    data = load_data(settings, warnings=warnings)  # whole, as it decides whether `no answer` may be given
    warn(warnings)
    if split is None:
        split = "validation" if "validation" in data else next(iter(data))
    if split not in data:
        raise DataError(f"data `{settings.data}` has no {split} split, only {', '.join(data)}. Name one with --split.")
    allowed = allows_no_answer(settings, [question for questions in data.values() for question in questions])
    return split, data[split], settings.model_copy(update={"no_answer": "always" if allowed else "never"})


def _answer(
    model: Model, windows: Windows, questions: Sequence[Question], settings: Settings, run: RunFolder
) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """Answers given, answers had there been no `no answer`, and null odds, by id; the n-best go to the disk at once."""
    allowed = settings.no_answer == "always"
    best: dict[str, str] = {}
    forced: dict[str, str] = {}
    null_odds: dict[str, float] = {}
    with whole_file(run.path / "nbest.json") as stream:
        with closing(EntryWriter(stream)) as nbest:
            for question, decoded in _decoded(model, windows, questions, settings):
                best[question.id] = decoded.best(allowed, settings.no_answer_threshold).text
                forced[question.id] = decoded.best(False, settings.no_answer_threshold).text
                null_odds[question.id] = decoded.margin
                nbest.add(question.id, ranked(decoded, allowed))
        run.begin_writing()
    return best, forced, null_odds


def _decoded(
    model: Model, windows: Windows, questions: Sequence[Question], settings: Settings
) -> Iterator[tuple[Question, Decoded]]:
    share = 1 / windows.count
    with Progress("evaluate", len(questions), "questions") as progress:
        groups = model.groups(windows, lambda rows: progress.advance(float(share[rows].sum())))
        for which, logits in groups:
            rows = slice(int(windows.first[which.start]), int(windows.first[which.stop]))
            spans = window_spans(logits, windows.context_start[rows], windows.context_end[rows], settings)
            decoded = decode_questions(spans, windows, questions, settings, which)
            yield from zip(questions[which.start : which.stop], decoded, strict=True)
