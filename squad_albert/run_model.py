"""The model that a run was made with, and the run's questions as that model is given them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from model.runtime import MODEL_FILES, ModelError
from project_config import Settings
from utils.questions import Gold, Question
from utils.samples import model_folder

from .model_files import model_hashes
from .run_folder import RunError
from .run_tables import RunTables


def run_model_folder(run: RunTables, settings: Settings) -> Path:
    """The folder of the model that a run was made with, unchanged since.

    Raises:
        RunError: if the run was made without a model, or the folder is gone or holds another model.
    """
    hashes = run.manifest["model"]
    if hashes is None:
        raise RunError(
            f"{run.folder} was made from predictions, without a model. "
            "Make a run with a model: squad-albert evaluate --model FOLDER --out RUN"
        )
    folder = model_folder(settings.model_copy(update={"model": run.manifest["sources"]["model"]}))
    try:
        found = model_hashes(folder)
    except ModelError as error:
        raise RunError(f"the model that the run {run.folder} was made with has changed since: {error}") from error
    changed = sorted((name for name in {*hashes, *found} if hashes.get(name) != found.get(name)), key=_rank)
    if changed:
        path = folder / changed[0]
        raise RunError(
            f"{path} {'has changed since' if changed[0] in found else 'is gone that'} the run {run.folder} was made "
            f"with. Put the model back, or make the run again: squad-albert evaluate --out {run.folder}"
        )
    return folder


def _rank(name: str) -> tuple[bool, str]:
    """The model itself first."""
    return name != MODEL_FILES[0], name


def run_settings(run: RunTables, settings: Settings) -> Settings:
    """The settings, with those of the run wherever its results depend on them."""
    return settings.model_copy(update=run.manifest["settings"])


def run_questions(run: RunTables, rows: Iterable[int]) -> list[Question]:
    """Questions of a run, by their rows, as the data had them."""
    columns = ["id", "title", "question", "context", "golds", "gold_starts", "labeled"]
    return [
        Question(
            row.id,
            row.title,
            row.question,
            row.context,
            tuple(Gold(text, int(start)) for text, start in zip(row.golds, row.gold_starts, strict=True)),
            labeled=bool(row.labeled),
        )
        for row in run.questions.iloc[list(rows)][columns].itertuples(index=False)
    ]
