"""JSON as the project writes it, and the hashes of files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TextIO

from utils.files import whole_file


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
