"""Files that are whole or absent: written aside, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from project_config import ProjectError


class WriteError(ProjectError):
    """A result cannot be written."""


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file to write to, which takes its place only once it is complete; else nothing is left.

    Raises:
        WriteError: if it cannot be written, say because the disk is full.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error}. Free some space or name another folder.") from error
    finally:
        if aside.exists():
            aside.unlink()


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON.

    Raises:
        WriteError: if the file cannot be written.
    """
    with whole_file(path) as stream:
        stream.write(to_json(value) + "\n")


def to_json(value: Any) -> str:
    """Indented JSON with letters as they are; infinities and NaN are a bug.

    >>> print(to_json({"café": 1}))
    {
      "café": 1
    }
    """
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)


class EntryWriter:
    """A JSON object that is written entry by entry, one a line, so that it need not fit into memory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._before = "{\n"

    def add(self, key: str, value: Any) -> None:
        """Writes one entry; a key must be given once only."""
        entry = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        self._stream.write(self._before + entry)
        self._before = ",\n"

    def close(self) -> None:
        """Ends the object; the stream stays open."""
        self._stream.write("{}\n" if self._before.startswith("{") else "\n}\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
