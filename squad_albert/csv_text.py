"""CSV as the project writes and reads it, whatever the texts hold.

Python's own writer leaves a lone carriage return without quotation marks, which its reader then takes for the end of a
row; that reader also gives up at the first bad row, and at a cell of more than 131,072 characters.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""A text that begins so is a formula to a spreadsheet, or was one before it was guarded."""

_CELL = re.compile(r'"(?P<quoted>(?:[^"]++|"")*+)"(?=[,;\r\n]|\Z)|(?P<plain>[^,\n]*+)')
_CELL_SEMICOLON = re.compile(_CELL.pattern.replace("^,", "^;"))


class CsvRow(NamedTuple):
    """A row of a CSV text; one whose quotation marks do not match is ``broken``, and its line is taken as it stands."""

    line: int  # of the text, from 1
    text: str  # as it stands, without the end of its line
    cells: list[str]
    broken: bool


def csv_line(cells: Iterable[str], delimiter: str = ",") -> str:
    r"""A row with its newline; every text comes back from any reader as it is.

    >>> csv_line(["a", "b\rc", "d, e"])
    'a,"b\rc","d, e"\n'
    """
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerow(cells)  # which quotes both, unlike "\n"
    return stream.getvalue()[:-2] + "\n"


def csv_rows(text: str, delimiter: str = ",") -> Iterator[CsvRow]:
    r"""The rows of a text that are not blank; a row that is broken spoils no other.

    Lines end in a newline, with or without a carriage return before it; in a carriage return alone only where
    the text has no newline at all. Elsewhere one is part of its cell, in quotation marks or not.

    >>> [row.cells for row in csv_rows('a,"b ""c"" d"\r\ne\rf,g\n')]
    [['a', 'b "c" d'], ['e\rf', 'g']]
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")
    pattern = _CELL if delimiter == "," else _CELL_SEMICOLON
    place, line = 0, 1
    while place < len(text):
        cells, end = _cells(text, place, pattern, delimiter)
        broken = end is None
        if end is None:
            newline = text.find("\n", place)
            end = len(text) if newline < 0 else newline
        row = text[place:end].removesuffix("\r")
        if row:
            yield CsvRow(line, row, cells, broken)
        line += text.count("\n", place, end + 1)
        place = end + 1


def _cells(text: str, place: int, pattern: re.Pattern[str], delimiter: str) -> tuple[list[str], int | None]:
    """The cells of the row that begins at a place, and where its line ends; None if it is broken."""
    cells: list[str] = []
    while found := pattern.match(text, place):
        end = found.end()
        quoted = found["quoted"]
        if quoted is not None:
            cells.append(quoted.replace('""', '"'))
            end += text.startswith("\r\n", end) or (end == len(text) - 1 and text[end] == "\r")
        elif found["plain"].startswith('"'):
            return [], None
        else:
            last = text[end : end + 1] != delimiter
            cells.append(found["plain"].removesuffix("\r") if last else found["plain"])
        if end >= len(text) or text[end] == "\n":
            return cells, end
        if text[end] != delimiter:  # something stands behind the quotation mark
            return [], None
        place = end + 1
    raise AssertionError("an empty cell matches everywhere")


def guarded(text: str) -> str:
    r"""A text that no spreadsheet takes for a formula: with an apostrophe before what would be one.

    >>> guarded("=1+1"), guarded("'=1+1"), guarded("1 = 1")
    ("'=1+1", "''=1+1", '1 = 1')
    """
    return f"'{text}" if FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that was guarded.

    >>> unguarded(guarded("=1+1")), unguarded("=1+1"), unguarded("'tis")
    ('=1+1', '=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text
