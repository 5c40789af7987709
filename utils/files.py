"""Files and folders that are whole or absent: written aside, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from project_config import ProjectError


class WriteError(ProjectError):
    """A result cannot be written."""


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """A path at which to write a file, which takes its place only once it is complete; else nothing is left.

    Raises:
        WriteError: if it cannot be written, say because the disk is full.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        _sync(aside)
        aside.replace(path)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error}. Free some space or name another folder.") from error
    finally:
        if aside.exists():
            aside.unlink()


def leftovers(folder: Path) -> list[Path]:
    """What killed processes left of the files that they were writing in a folder."""
    return list(folder.glob(".*.part"))


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file to write to, UTF-8 with plain newlines; whole or absent as with ``whole_path``.

    Raises:
        WriteError: if it cannot be written.
    """
    with whole_path(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which then takes the place of ``folder``; after an error the old one stays.

    A kill between its two renames leaves no folder: call ``mend_folder`` before it is read.
    """
    aside, old = folder.with_name(f"{folder.name}.part"), _old(folder)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        aside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def mend_folder(folder: Path) -> None:
    """Puts the old folder back where ``whole_folder`` was killed between its two renames."""
    if not folder.exists() and _old(folder).exists():
        _old(folder).rename(folder)


def _sync(path: Path) -> None:
    """Waits until the disk has the file: a rename must not outlive it when the power fails."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _old(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")
