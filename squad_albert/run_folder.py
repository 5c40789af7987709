"""The folder of a run: results beside a manifest that says of which data, model and settings they are.

The manifest comes first, marked incomplete, and is completed last, with the hash of every file. So a
folder always tells whether it is a run, of what, and whether it may be read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from project_config import Settings, SettingsError, validate
from utils.files import leftovers, remove_leftovers
from utils.questions import Question

from .files import sha256, write_json
from .run_inside import RunError, check, inside, read_object

__all__ = [
    "FORMAT",
    "MANIFEST",
    "RESULT_SETTINGS",
    "RunError",
    "RunFolder",
    "complete_manifest",
    "folder_name",
    "hash_questions",
    "identity",
]

FORMAT = 2
"""The number of this layout; it grows when the same data and model would give other files."""

MANIFEST = "manifest.json"

RESULT_SETTINGS = (
    "max_length",
    "overlap",
    "max_question_tokens",
    "max_answer_tokens",
    "n_best",
    "whole_words",
    "no_answer",
    "no_answer_threshold",
    "batch_tokens",
)
"""The settings on which the files of a run depend, beside data and model."""


class _Files(BaseModel):
    """The part of a manifest that says which files the run has."""

    model_config = ConfigDict(strict=True)

    complete: bool
    files: dict[str, str]  # hash by name


class _Manifest(_Files):
    """What readers take from a manifest."""

    splits: Annotated[list[Literal["train", "validation", "test", "unlabeled"]], Field(min_length=1)]
    model: dict[str, str] | None
    engine: str | None
    settings: dict[str, Any]
    sources: dict[str, str | None]


def identity(
    splits: Mapping[str, Iterable[Question]],
    settings: Settings,
    *,
    model: Mapping[str, str] | None = None,
    engine: str | None = None,
    predictions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What makes two runs the same: format, data, settings, and where the answers come from.

    Args:
        splits: the questions of each split, in order.
        settings: of which ``RESULT_SETTINGS`` count.
        model: hash of each of the model's files.
        engine: what runs the model, with its version.
        predictions: hash of each of the files that the answers were taken from, where there is no model.
    """
    return {
        "format": FORMAT,
        "splits": list(splits),
        "data": {split: hash_questions(questions) for split, questions in splits.items()},
        "model": model,
        "engine": engine,
        "predictions": predictions,
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

    >>> folder_name({"splits": ["train", "test"]})
    'train-test-65fae6c7'
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
    return f"{'-'.join(identity['splits'])}-{digest.hexdigest()[:8]}"


class RunFolder:
    """A folder that takes the results of one run, locked for other processes from entering to leaving.

    Args:
        path: it need not exist.
        identity: of the run to be written.
        sources: what the data and the model were called; for people only.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], sources: Mapping[str, str]) -> None:
        self.path = path
        self._manifest = {**identity, "sources": dict(sources)}
        self._identity = identity

    def __enter__(self) -> Self:
        """Locks the folder, and makes it if need be.

        Raises:
            RunError: if it holds something else, or another run, or cannot be made, or another process works in it.
        """
        _make(self.path)
        self._lock = _lock(self.path)
        try:
            self.complete = self._is_complete()
            if not self.complete:
                self._mark(complete=False, files={})
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.close(self._lock)

    def finish(self, names: Iterable[str]) -> None:
        """Declares the run complete with these files, and removes what killed processes left of them."""
        remove_leftovers(self.path)
        self._mark(complete=True, files={name: sha256(self.path / name) for name in names})

    def _is_complete(self) -> bool:
        """Whether the folder holds the whole run already, its files unchanged."""
        found = _read_manifest(self.path)
        if found is None:
            return False
        other = [key for key in self._identity if found.get(key) != self._identity[key]]
        if other:
            raise RunError(
                f"{self.path} holds another run: {' and '.join(other)} differ{'s' if len(other) == 1 else ''}. "
                "Name another folder with --out, or remove this one."
            )
        listed = check(_Files, found, str(self.path / MANIFEST), "Name another folder with --out, or remove this one.")
        return listed.complete and not _damaged(self.path, listed.files)

    def _mark(self, complete: bool, files: Mapping[str, str]) -> None:
        write_json(self.path / MANIFEST, {**self._manifest, "complete": complete, "files": dict(files)})


def complete_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a finished run whose files are all as they were written.

    Raises:
        RunError: if there is no such run, it is of another format, or a file is gone or damaged.
    """
    if not inside(path, MANIFEST).exists():
        raise RunError(f"{path} is no run: it has no {MANIFEST}. Make one: squad-albert evaluate --out {path}")
    manifest = _read_manifest(path) or {}
    if manifest.get("format") != FORMAT:
        raise RunError(
            f"{path} was written in format {manifest.get('format')!r:.60}, not {FORMAT}, by another version of "
            "squad-albert. Remove it and run `squad-albert evaluate` again."
        )
    if manifest.get("complete") is not True:
        raise RunError(f"the run {path} is not complete. Go on with it: squad-albert evaluate --out {path}")
    again = f"Remove the run and make it again: squad-albert evaluate --out {path}"
    found = check(_Manifest, manifest, str(path / MANIFEST), again)
    _check_settings(found.settings, path / MANIFEST, again)
    damaged = _damaged(path, found.files)
    if damaged:
        raise RunError(
            f"the run {path} is damaged: {', '.join(damaged)} {'is' if len(damaged) == 1 else 'are'} gone or changed. "
            f"Make it again: squad-albert evaluate --out {path}"
        )
    return manifest


def _damaged(path: Path, files: Mapping[str, str]) -> list[str]:
    """Those of a run's files that are not as they were written."""
    paths = {name: inside(path, name) for name in files}  # all, before the first is read
    return [name for name, digest in files.items() if not paths[name].exists() or sha256(paths[name]) != digest]


def _check_settings(settings: Mapping[str, Any], manifest: Path, remedy: str) -> None:
    """A run says which settings its results depend on, and no others: none of a path, say."""
    unknown = sorted(set(settings) - set(RESULT_SETTINGS))
    if unknown:
        raise RunError(f"{manifest} is not as squad-albert writes it: it sets {unknown[0]!r:.60}. {remedy}")
    try:
        validate(Settings, settings, str(manifest))
    except SettingsError as error:
        raise RunError(f"{error}. {remedy}") from error


def _read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest of an existing run, None for a folder that is yet to be filled."""
    manifest = inside(path, MANIFEST)
    if not manifest.exists() and set(path.iterdir()) == set(leftovers(path)):
        return None
    try:
        return read_object(manifest)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} is not empty and its {MANIFEST} cannot be read ({error}), so it is no run. "
            "Name another folder with --out, or remove this one."
        ) from error


def _make(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file, not a folder for a run. Name another with --out.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made: {error}. Name another folder with --out.") from error


def _lock(path: Path) -> int:
    """An open descriptor of the folder; the lock goes with it, also when the process is killed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise RunError(
                f"another process is writing the run {path}. Wait for it, or name another folder with --out."
            ) from error
        raise RunError(f"{path} cannot be locked: {error}. Name a folder on a local disk with --out.") from error
    return descriptor
