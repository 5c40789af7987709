"""JSON as the project writes it, and the hashes of files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, TextIO

from utils.files import whole_file

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.#-]{0,99}")
_NAMED_APART = re.compile(r"-([0-9a-f]{16}|heads)$")  # as other ids' files end
_OTHER = re.compile(r"[^\w.#-]|^[.-]")
_LONGEST_STEM = 40  # letters, of up to four bytes each


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


def picture_name(key: str) -> str:
    """What the files about a question or a window are called after its id: something else for every id.

    An id that every file system takes is its own name. Another one is spelt with what they take, and told apart by a
    hash: as some take no capitals for letters of their own, one with capitals, too.

    >>> picture_name("q-1#2"), picture_name("a/b")
    ('q-1#2', 'a_b-c14cddc033f64b9d')
    """
    if _PLAIN.fullmatch(key) and not _NAMED_APART.search(key):
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{_OTHER.sub('_', key)[:_LONGEST_STEM]}-{digest}"


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
