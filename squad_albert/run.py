"""A run: a model over a split of the data, into a folder.

``predictions.json`` (``{id: text}``), ``nbest.json``, ``null_odds.json`` (``{id: margin in logits}``)
and ``metrics.json``, beside the manifest of ``run_folder``. Answers go to the disk group by group, so that a run
may be killed at any moment: started again, it goes on with the first group that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.runtime import MODEL_FILES, Model, question_groups
from project_config import Settings
from utils.decoders import allows_no_answer, decode_questions, window_spans
from utils.samples import model_folder
from utils.squad import SPLITS, DataError, Question, load_data
from utils.windows import Windows, build_windows

from .answers import ranked
from .files import EntryWriter, whole_file, write_json
from .measures import measure
from .parts import Answered, Parts
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
    found: bool = False  # whether the folder held it already


def limits(limit: int | None) -> dict[str, int | None]:
    """The same limit for every split, as overrides of the settings.

    >>> limits(10)["test_limit"]
    10
    """
    return {f"{split}_limit": limit for split in SPLITS}


def evaluate(settings: Settings, split: str | None, out: Path | None, warn: Callable[[list[str]], None]) -> Run:
    """Answers and scores the questions of a split; goes on with a run that was killed, and only reads a complete one.

    Args:
        settings: data, model and everything else.
        split: default: validation, or the one split of data that is one file.
        out: the run's folder; default: one below ``DEFAULT_PARENT``.
        warn: receives the warnings about the data, before the work begins.

    Raises:
        DataError: if the data is bad or has no such split.
        ModelError: if the model is missing or damaged.
        SignatureError: if it does not fit the windows.
        RunError: if ``out`` holds something else, or another process works in it.
        WriteError: if a file cannot be written.
    """
    split, questions, settings = _load(settings, split, warn)
    source = model_folder(settings)
    model = Model(source, settings)
    what = identity(split, questions, [source / name for name in MODEL_FILES], settings, model.engine)
    path = out or DEFAULT_PARENT / folder_name(what)
    with RunFolder(path, what, {"data": settings.data, "model": settings.model}) as run:
        parts = Parts(path / "parts")
        if not run.complete:
            windows = build_windows(questions, model.tokenizer, settings, progress=True)
            groups = _answer(model, windows, questions, settings, parts)
            best, forced, null_odds = _assemble(parts, groups, path)
            metrics = {"split": split, "questions": len(questions), "windows": len(windows)}
            metrics |= measure(best, forced, null_odds, questions, settings)
            for name, value in (("predictions", best), ("null_odds", null_odds), ("metrics", metrics)):
                write_json(path / f"{name}.json", value)
            run.finish(RESULTS)
        parts.remove()
    return Run(path, json.loads((path / "metrics.json").read_text(encoding="utf-8")), run.complete)


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
    model: Model, windows: Windows, questions: Sequence[Question], settings: Settings, parts: Parts
) -> list[range]:
    """Writes the parts that are not there yet; returns the groups of questions, in order."""
    share = 1 / windows.count
    groups = question_groups(windows.first)
    done = parts.done()
    before = sum(len(group) for group in groups if group in done)
    with Progress("evaluate", len(questions), "questions", before=before) as progress:
        for group in groups:
            if group not in done:
                rows = np.arange(windows.first[group.start], windows.first[group.stop])
                logits = model.logits(windows, rows, lambda batch: progress.advance(float(share[batch].sum())))
                parts.write(group, _answered(logits, group, windows, questions, settings))
    return groups


def _answered(
    logits: NDArray[np.float32], group: range, windows: Windows, questions: Sequence[Question], settings: Settings
) -> Iterator[Answered]:
    """The answers to a group of questions, given the logits of their windows."""
    allowed, threshold = settings.no_answer == "always", settings.no_answer_threshold
    rows = slice(int(windows.first[group.start]), int(windows.first[group.stop]))
    spans = window_spans(logits, windows.context_start[rows], windows.context_end[rows], settings)
    for number, decoded in zip(group, decode_questions(spans, windows, questions, settings, group), strict=True):
        best, forced = (decoded.best(may, threshold).text for may in (allowed, False))
        yield Answered(questions[number].id, best, forced, decoded.margin, ranked(decoded, allowed))


def _assemble(
    parts: Parts, groups: Sequence[range], path: Path
) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """Answers given, answers had there been no `no answer`, and null odds, by id; writes ``nbest.json``."""
    best: dict[str, str] = {}
    forced: dict[str, str] = {}
    null_odds: dict[str, float] = {}
    with whole_file(path / "nbest.json") as stream, closing(EntryWriter(stream)) as nbest:
        for one in parts.read(groups):
            best[one.id], forced[one.id], null_odds[one.id] = one.best, one.forced, one.null_odds
            nbest.add(one.id, one.nbest)
    return best, forced, null_odds
