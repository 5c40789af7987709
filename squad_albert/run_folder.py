"""The folder of a run: results beside a manifest that says of which data, model and settings they are.

The manifest comes first, marked incomplete, and is completed last, with the hash of every file. So a
folder always tells whether it is a run, of what, and whether it may be read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from project_config import ProjectError, Settings
from utils.questions import Question

from .files import sha256, write_json

FORMAT = 1
"""The number of this layout; it grows when the same data and model would give other files."""

MANIFEST = "manifest.json"

RESULT_SETTINGS = (
    "max_length",
    "overlap",
    "max_question_tokens",
    "max_answer_tokens",
    "n_best",
    "no_answer",
    "no_answer_threshold",
    "batch_tokens",
)
"""The settings on which the files of a run depend, beside data and model."""


class RunError(ProjectError):
    """A folder is not the run that is wanted."""


def identity(
    split: str, questions: Iterable[Question], model_files: Iterable[Path], settings: Settings
) -> dict[str, Any]:
    """What makes two runs the same: format, split, and hashes of data, model and settings."""
    return {
        "format": FORMAT,
        "split": split,
        "data": hash_questions(questions),
        "model": {path.name: sha256(path) for path in model_files},
        "settings": settings.model_dump(include=set(RESULT_SETTINGS)),
    }


def hash_questions(questions: Iterable[Question]) -> str:
    """A SHA-256 over every field of the questions, in their order."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(json.dumps(asdict(question)).encode())
    return digest.hexdigest()


def folder_name(identity: Mapping[str, Any]) -> str:
    """A name of its own for each identity.

    >>> folder_name({"split": "test"})
    'test-0546ad48'
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
    return f"{identity['split']}-{digest.hexdigest()[:8]}"


class RunFolder:
    """A folder that takes the results of one run.

    Args:
        path: it need not exist.
        identity: of the run to be written.
        sources: what the data and the model were called; for people only.

    Raises:
        RunError: if the folder holds something else, or another run, or cannot be made.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], sources: Mapping[str, str]) -> None:
        self.path = path
        self._manifest = {**identity, "sources": dict(sources)}
        found = _read_manifest(path)
        if found is None:
            _make(path)
            self._mark(complete=False, files={})
            return
        other = [key for key in identity if found.get(key) != identity[key]]
        if other:
            raise RunError(
                f"{path} holds another run: {' and '.join(other)} differ{'s' if len(other) == 1 else ''}. "
                "Name another folder with --out, or remove this one."
            )

    def begin_writing(self) -> None:
        """Call before the first file of an earlier, equal run is replaced."""
        self._mark(complete=False, files={})

    def finish(self, names: Iterable[str]) -> None:
        """Declares the run complete with these files, and removes what killed processes left of them."""
        for leftover in self.path.glob(".*.part"):
            leftover.unlink()
        self._mark(complete=True, files={name: sha256(self.path / name) for name in names})

    def _mark(self, complete: bool, files: Mapping[str, str]) -> None:
        write_json(self.path / MANIFEST, {**self._manifest, "complete": complete, "files": dict(files)})


def _read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest of an existing run, None for a folder that is yet to be filled."""
    if not path.exists():
        return None
    if not path.is_dir():
        raise RunError(f"{path} is a file, not a folder for a run. Name another with --out.")
    manifest = path / MANIFEST
    if not manifest.exists() and not any(path.iterdir()):
        return None
    try:
        values = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} is not empty and its {MANIFEST} cannot be read ({error}), so it is no run. "
            "Name another folder with --out, or remove this one."
        ) from error
    if not isinstance(values, dict):
        raise RunError(f"{manifest} is not a run's manifest. Name another folder with --out.")
    return values


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made: {error}. Name another folder with --out.") from error
