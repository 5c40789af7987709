"""Which tokens drive the loss of one sample of a run, or of any question about any context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project_config import ProjectError, Settings
from utils.files import make_folder
from utils.questions import DataError, Question

from .attribution import GRADIENTS, METHODS, Attributor, Integrated
from .files import picture_name
from .run_folder import RunError
from .run_inside import inside_folder
from .run_model import run_model_folder, run_questions, run_settings
from .run_tables import read_run
from .targets import Targets, choose_targets
from .token_pictures import terminal_lines, write_html, write_png
from .window_tokens import window_tokens

Float = NDArray[np.float32]


class ExplainError(ProjectError):
    """A method that does not exist was asked for."""


def explain(
    folder: Path, sample_id: str, settings: Settings, methods: Sequence[str] = METHODS, out: Path | None = None
) -> dict[str, Any]:
    """Explains the loss of a sample, and writes the picture and the page of it.

    A question with several windows is explained in the one that ``choose_targets`` takes. An id such as ``q#1`` names
    another.

    Args:
        folder: of a run with a model that is still where it was.
        sample_id: of a question or of a window.
        settings: ``threads``; all else is the run's.
        methods: some of ``METHODS``.
        out: the folder for the two, named by ``files.picture_name``; default: ``explain`` in the run.

    Returns:
        What ``attributions`` returns, with ``id``, ``split``, ``title``, ``golds`` and ``files``.

    Raises:
        RunError: if the run is damaged, was made without a model or with another one, or has no such sample.
        ExplainError: for an unknown method.
        DifferentiableError: if a method needs gradients that cannot be had.
        WriteError: if a file cannot be written.
    """
    _check(methods)
    run = read_run(folder)
    out = out or inside_folder(folder, "explain")
    question_id, _, index = sample_id.partition("#")
    row = run.row(question_id)
    [question] = run_questions(run, [row])
    settings = run_settings(run, settings)
    attributor = Attributor(run_model_folder(run, settings), settings)
    count = int(run.questions["window_count"].iloc[row])
    if index and not (index.isdecimal() and int(index) < count):
        raise RunError(f"{folder} has no sample `{sample_id}`: {question_id} has {count} windows, from #0.")
    result = question_attributions(attributor, question, settings, methods, int(index) if index else None)
    known = {"id": sample_id, "split": run.questions["split"].iloc[row], "title": question.title}
    result = {**known, "golds": [gold.text for gold in question.golds], **result}
    return {**result, "files": _write(result, out)}


def attributions(
    attributor: Attributor, question: str, context: str, settings: Settings, methods: Sequence[str] = METHODS
) -> dict[str, Any]:
    """Which tokens make the model give its answer: the loss is that of the answer which it gives.

    Args:
        attributor: a model, opened with the same settings.
        question: any.
        context: any; one that takes several windows is seen in the one that the answer is from.
        settings: as for ``Model``, and whether `no answer` may be given: unless ``never``.
        methods: some of ``METHODS``.

    Returns:
        ``question``, ``context``, ``prediction`` (empty for no answer), ``window`` (from 1) of ``windows``, ``target``
        (``kind``: gold, no answer or prediction; ``text``, ``start``, ``end``: characters of the context), ``loss``,
        ``methods``, ``integrated_gradients`` (if asked for: ``difference`` of the losses with and without all tokens,
        ``gap`` and ``steps``), and ``tokens``: each with ``token``, ``segment``, ``start``, ``end`` and a score a
        method, positive where the token raises the loss.

    Raises:
        DataError: if question or context is empty.
        ExplainError: for an unknown method.
        DifferentiableError: if a method needs gradients that cannot be had.
    """
    _check(methods)
    for name, text in (("question", question), ("context", context)):
        if not text.strip():
            raise DataError(f"the {name} is empty. Give some text.")
    asked = Question("question", "", question, context, (), labeled=False)
    return question_attributions(attributor, asked, settings, methods)


def explain_lines(result: dict[str, Any], colour: bool) -> list[str]:
    """An explanation for people, as ``token_pictures`` prints it, and where its files are."""
    return [*terminal_lines(result, colour), *(f"written: {path}" for path in result.get("files", {}).values())]


def _check(methods: Sequence[str]) -> None:
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        what = f"there is no method `{unknown[0]}`" if unknown else "no method was named"
        raise ExplainError(f"{what}. Methods are {', '.join(METHODS)}.")


def question_attributions(
    attributor: Attributor,
    question: Question,
    settings: Settings,
    methods: Sequence[str] = METHODS,
    window: int | None = None,
) -> dict[str, Any]:
    """Which tokens drive the loss of a question of a run: what ``attributions`` returns, for its golds if it has any.

    Args:
        attributor: a model, opened with the same settings.
        question: with its context and golds.
        settings: as for ``attributions``.
        methods: some of ``METHODS``.
        window: which of its windows, from 0; default: the one that ``choose_targets`` takes.

    Raises:
        DifferentiableError: if a method needs gradients that cannot be had.
    """
    targets, [answer] = choose_targets(attributor.model, [question], settings, window)
    if set(methods) & set(GRADIENTS):
        attributor.disagreement(targets)
    scores: dict[str, Float] = {}
    more: dict[str, Any] = {}
    for method in methods:
        if method == "integrated_gradients":
            found = attributor.integrated_gradients(targets)
            scores[method], more[method] = found.scores[0], _summed(found)
        else:
            scores[method] = attributor.scores(method, targets)[0]
    [tokens] = window_tokens([question], targets.windows, targets.rows.tolist(), attributor.model.tokenizer)
    return {
        "question": question.question,
        "context": question.context,
        "prediction": answer.text,
        "window": int(targets.rows[0]) + 1,
        "windows": len(targets.windows),
        "target": _target(question, targets),
        "loss": float(targets.loss[0]),
        "methods": list(methods),
        **more,
        "tokens": [
            {"token": token.text, "segment": token.segment, "start": token.start, "end": token.end}
            | {method: float(scores[method][place]) for method in methods}
            for place, token in enumerate(tokens)
        ],
    }


def _summed(found: Integrated) -> dict[str, Any]:
    return {"difference": float(found.difference[0]), "gap": float(found.gap[0]), "steps": int(found.steps[0])}


def _target(question: Question, targets: Targets) -> dict[str, Any]:
    row, first, last = int(targets.rows[0]), int(targets.start[0]), int(targets.end[0])
    if not last:
        kind = "no answer" if question.labeled else "prediction"
        return {"kind": kind, "text": "", "start": 0, "end": 0}
    start, end = int(targets.windows.offsets[row, first, 0]), int(targets.windows.offsets[row, last, 1])
    text = question.context[start:end].strip()
    start = end - len(question.context[start:end].lstrip())
    return {
        "kind": "gold" if question.labeled else "prediction",
        "text": text,
        "start": start,
        "end": start + len(text),
    }


def _write(result: dict[str, Any], out: Path) -> dict[str, str]:
    """The picture and the page, named after the sample."""
    name = picture_name(result["id"])
    files = {"png": out / f"{name}.png", "html": out / f"{name}.html"}
    make_folder(out)
    write_png(result, files["png"])
    write_html(result, files["html"])
    return {kind: str(path) for kind, path in files.items()}
