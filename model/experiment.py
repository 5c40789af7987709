"""An experiment's folder on disk, of which whatever is read is whole, whenever a run is killed.

Everything is written aside and moved into place: ``config.yaml``, ``tokenizer/``, ``checkpoints/``
to resume from, ``best/`` (the model and tokenizer of the best evaluation) and ``metrics.json``, which
comes last and marks the end.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from project_config import ProjectError
from utils.files import WriteError, remove_leftovers, whole_file
from utils.questions import Question
from utils.windows import Windows

from .training_settings import TrainingSettings, load_training_settings

KEPT_CHECKPOINTS = 2

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_LAST_WRITTEN = "trainer_state.json"


class TrainingError(ProjectError):
    """Training cannot start or go on; the last good checkpoint is intact."""


@dataclass(frozen=True)
class Experiment:
    """What a training run works with."""

    settings: TrainingSettings
    folder: Path
    tokenizer: PreTrainedTokenizerFast
    questions: dict[str, list[Question]]
    windows: dict[str, Windows]
    weights: NDArray[np.float64]  # [training windows] how often an epoch visits each

    @property
    def best(self) -> Path:
        """The folder of the best model so far."""
        return self.folder / "best"


def claim(folder: Path, settings: TrainingSettings) -> None:
    """Begins an experiment in a folder, or makes sure that it is the one that was begun there.

    Raises:
        TrainingError: if the folder holds an experiment with other settings or anything else, or cannot be written.
        SettingsError: if its settings can no longer be read.
    """
    path = folder / "config.yaml"
    if path.exists():
        before, values = load_training_settings(path).model_dump(), settings.model_dump()
        changed = [key for key, value in values.items() if before[key] != value]
        if changed:
            raise TrainingError(
                f"experiment {folder} was begun with other settings ({', '.join(changed)} differ). "
                "Give another --name, or restore the settings, or remove the folder."
            )
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        if any(folder.iterdir()):
            raise TrainingError(f"{folder} holds something else than an experiment. Give another --name or `output`.")
        with whole_file(path) as stream:
            yaml.safe_dump(settings.model_dump(), stream, sort_keys=False)
    except (OSError, WriteError) as error:
        raise TrainingError(f"{folder} cannot be written: {error}. Set `output` to a folder that can be.") from error


def checkpoints(folder: Path) -> list[Path]:
    """An experiment's whole checkpoints, the last one last."""
    found = {}
    for path in (folder / "checkpoints").glob("*"):
        match = _CHECKPOINT.fullmatch(path.name)
        if match and (path / _LAST_WRITTEN).exists():
            found[int(match[1])] = path
    return [found[step] for step in sorted(found)]


def keep_checkpoint(written: Path, folder: Path) -> None:
    """Moves a checkpoint that was written aside to its place, and removes those that are no longer needed."""
    place = folder / "checkpoints" / written.name
    place.parent.mkdir(exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    written.rename(place)
    for path in checkpoints(folder)[:-KEPT_CHECKPOINTS]:
        shutil.rmtree(path)


def last_good(folder: Path) -> str:
    """A sentence that names the last checkpoint, for errors."""
    found = checkpoints(folder)
    return f"The last good checkpoint is {found[-1]}." if found else "No checkpoint had been written yet."
