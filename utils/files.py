"""Files and folders that are whole or absent: written aside, then renamed.

What is written aside is locked meanwhile. A lock ends with its process, however that ends: so what lies aside without
one was left by a killed process, and may be removed.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from project_config import ProjectError

_ASIDE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]+\.part", re.DOTALL)


class WriteError(ProjectError):
    """A result cannot be written."""


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """A path at which to write a file, which takes its place only once it is complete; else nothing is left.

    A file that it replaces hands down its permissions. A link is replaced, not followed: whatever lies in a folder,
    nothing outside of it is written.

    Raises:
        WriteError: if it cannot be written, say because the disk is full, or something other than a file is there.
    """
    try:
        mode = _mode(path)
        with _aside(path.parent, path.name, 0o666 if mode is None else 0o600) as aside:
            yield aside
            if mode is not None:
                aside.chmod(mode)
            _sync(aside)
            aside.replace(path)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error}. Free some space or name another folder.") from error


def leftovers(folder: Path, name: str | None = None) -> list[Path]:
    """What killed processes left of the files and folders that they were writing in a folder.

    Args:
        folder: where they were to be.
        name: only of what was to have this name.
    """
    found = ((path, _ASIDE.fullmatch(path.name)) for path in folder.iterdir())
    return [path for path, match in found if match and name in (None, match["name"]) and _is_left(path)]


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Removes ``leftovers`` as far as that is allowed: they take room, and do no other harm."""
    with suppress(OSError):
        for path in leftovers(folder, name):
            _remove(path)


@contextmanager
def scratch_folder(name: str, parent: Path | None = None) -> Iterator[Path]:
    """An empty folder of one's own, which is gone afterwards, with those that killed processes left of this name.

    Args:
        name: what it is for.
        parent: where it is made; default: the system's folder for temporary files.

    Raises:
        OSError: if it cannot be made.

    >>> with scratch_folder("squad-albert-example") as folder:
    ...     (folder / "a.txt").touch()
    >>> folder.exists()
    False
    """
    with _aside(parent or Path(tempfile.gettempdir()), name, 0o700, folder=True) as aside:
        yield aside


def real_path(path: Path) -> Path:
    """The file that a path leads to which a user has named: one that is a link is written where it leads."""
    return Path(os.path.realpath(path))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While it lasts, no other process and no other thread that asks for it works in a folder; waits for those.

    Raises:
        WriteError: if the folder cannot be locked.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            os.close(descriptor)
            raise
    except OSError as error:
        raise WriteError(f"{folder} cannot be written to: {error}. Name one that exists, on a local disk.") from error
    try:
        yield
    finally:
        os.close(descriptor)  # the lock goes with it, also when the process is killed


def make_folder(folder: Path) -> None:
    """Makes a folder for results, and those above it, where they are not there yet.

    Raises:
        WriteError: if it cannot be made, say because a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder} cannot be made: {error}. Name another folder with --out.") from error


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


def _mode(path: Path) -> int | None:
    """The permissions of the file that is to be replaced, None where there is none."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise WriteError(f"{path} cannot be written: it is there already, and no file. Name another file.")
    return None if stat.S_ISLNK(mode) else stat.S_IMODE(mode)


@contextmanager
def _aside(parent: Path, name: str, mode: int, folder: bool = False) -> Iterator[Path]:
    """An empty file or folder aside, locked; in the end it is removed, if it is still there."""
    remove_leftovers(parent, name)
    path, descriptor = _made_aside(parent, name, mode, folder)
    try:
        yield path
    finally:
        with suppress(FileNotFoundError):
            _remove(path)
        os.close(descriptor)


def _made_aside(parent: Path, name: str, mode: int, folder: bool) -> tuple[Path, int]:
    while True:
        path = parent / f".{name}.{secrets.token_hex(4)}.part"
        if folder:
            path.mkdir(mode)
        else:
            path.touch(mode, exist_ok=False)
        with suppress(FileNotFoundError):  # another process took it for a leftover before it was locked
            descriptor = os.open(path, os.O_RDONLY)
            with suppress(OSError):  # not every file system has locks: there, nothing is taken for a leftover
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                return path, descriptor
            os.close(descriptor)


def _is_left(path: Path) -> bool:
    """Whether nobody is writing a file or folder aside."""
    try:
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # not of our making
            return False
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # it has just been renamed, or belongs to somebody else
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def _sync(path: Path) -> None:
    """Waits until the disk has the file: a rename must not outlive it when the power fails."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _old(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")
