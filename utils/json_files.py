"""JSON as others write it: in any encoding of Unicode, compressed or not, as one value or as one a line.

What Python's reader would lose or stumble over is refused with a reason: a key that an object gives twice (only
the last one would count), nesting and numbers beyond its limits.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_GZIP = b"\x1f\x8b"


class JsonError(ValueError):
    """The content of a file cannot be taken as JSON: the message is the reason, a clause of its own."""


class DoubledKeyError(JsonError):
    """An object gives a key twice."""


@dataclass(frozen=True, slots=True)
class Json:
    """What a file holds."""

    value: Any  # of JSON lines: the list of their values
    lines: bool = False  # whether it holds JSON lines, a value each


def read_json(path: Path) -> Json:
    """The value that a JSON file holds, or the values of its lines; gzip and a byte order mark are understood.

    Raises:
        OSError: if the file cannot be read.
        JsonError: if its content cannot be taken as JSON.
        DoubledKeyError: if an object gives a key twice.
    """
    text = _text(_unpacked(path.read_bytes()))
    try:
        return Json(_parsed(text))
    except json.JSONDecodeError as error:
        if error.msg != "Extra data" or not text[: error.pos].rstrip(" \t").endswith("\n"):
            raise JsonError(str(error)) from error
    return Json(list(_values_of_lines(text)), lines=True)


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise JsonError(f"the compressed file is damaged ({error})") from error


def _text(content: bytes) -> str:
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.upper().removesuffix("-SIG")
        raise JsonError(f"byte {error.start} is not {name} ({error.reason})") from error


def _values_of_lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _parsed(line)
        except json.JSONDecodeError as error:
            raise JsonError(f"line {number}, column {error.colno}: {error.msg}") from error
        except JsonError as error:
            raise type(error)(f"line {number}: {error}") from error


def _parsed(text: str) -> Any:
    """The value of a text.

    Raises:
        json.JSONDecodeError: if it is not JSON.
        JsonError: if Python cannot hold it, or an object gives a key twice.
    """
    doubled: list[_Doubled] = []

    def hold(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            doubled.append(_Doubled(pairs))
            return doubled[-1]
        return found

    try:
        value = json.JSONDecoder(object_pairs_hook=hold).decode(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise JsonError("it is nested too deeply") from error
    except ValueError as error:  # Python's own words would advise to change an option of Python
        raise JsonError(f"it holds a number of more than {sys.get_int_max_str_digits():,} digits") from error
    if doubled:
        place, first = next(_doubled_objects(value))
        raise DoubledKeyError(f"{place}: the key `{first.key}` is given twice")
    return value


class _Doubled(dict[str, Any]):
    """An object that gives a key twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.key = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)


def _doubled_objects(value: Any) -> Iterator[tuple[str, _Doubled]]:
    """The objects that give a key twice, with their places; in what such an object lost are more, perhaps."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, _Doubled):
            yield place.removeprefix(", ") or "top level", one
        parts: list[tuple[str, Any]] = []
        if isinstance(one, dict):
            for key, part in one.items():
                if isinstance(part, list):
                    parts += [(f"{place}, item {number} of `{key}`", item) for number, item in enumerate(part, 1)]
                else:
                    parts.append((f"{place}, `{key}`", part))
        elif isinstance(one, list):
            parts = [(f"{place}, item {number}", item) for number, item in enumerate(one, 1)]
        waiting += reversed(parts)
