"""A selection to take away: a table, JSON, a SQuAD file, or ids; made piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, groupby, islice
from typing import Any, NamedTuple

from squad_albert.csv_text import csv_line, guarded

from .columns import TABLE
from .runs import Record, ServedRun, plain
from .schemas import ExportQuery
from .selecting import Condition, condition

PIECE = 1000
"""Questions that are read from the database at once."""


class Export(NamedTuple):
    """What is downloaded."""

    name: str  # of the file
    media_type: str
    pieces: Iterator[str]


def export(run: ServedRun, query: ExportQuery) -> Export:
    """A selection in the format that is asked for, in the order of the data.

    Raises:
        NotFoundError: for a column that there is not.
        InvalidError: for a filter that does not fit its column.
        TooLargeError: if the selection takes too long to find.
    """
    where = condition(query, run.columns)
    name, media_type, make = _FORMATS[query.format]
    pieces = _joined(make(run, where))
    first = next(pieces, "")  # what fails, fails before the response has begun
    return Export(name, media_type, chain([first], pieces))


def cell(value: Any) -> str:
    """A value in CSV.

    >>> cell("=1+1"), cell(-1.5), cell(None), cell(["a", "b"])
    ("'=1+1", '-1.5', '', '["a", "b"]')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    return json.dumps(value, ensure_ascii=False)


def _records(run: ServedRun, where: Condition, columns: str, order: str = '"row"') -> Iterator[Record]:
    """Every row, a piece at a time, each piece by a query of its own: nothing is held while a client reads."""
    chosen = run.database.rows(f'SELECT "row" FROM {TABLE} WHERE {where.sql} ORDER BY {order}', where.values)
    query = f'SELECT "row", {columns} FROM {TABLE} WHERE "row" IN (SELECT unnest(?::BIGINT[]))'
    for start in range(0, len(chosen), PIECE):
        wanted = [row for (row,) in chosen[start : start + PIECE]]
        found = {record.pop("row"): record for record in run.database.records(query, [wanted])}
        yield from (plain(found[row]) for row in wanted)


def _joined(texts: Iterator[str]) -> Iterator[str]:
    """The same text in fewer pieces: each costs a switch of threads."""
    while piece := list(islice(texts, PIECE)):
        yield "".join(piece)


def _all_columns(run: ServedRun) -> str:
    return ", ".join(column.quoted for column in run.columns.values())


def _csv(run: ServedRun, where: Condition) -> Iterator[str]:
    yield csv_line(run.columns)
    for row in _records(run, where, _all_columns(run)):
        yield csv_line(cell(value) for value in row.values())


def _json(run: ServedRun, where: Condition) -> Iterator[str]:
    before = "[\n"
    for row in _records(run, where, _all_columns(run)):
        yield before + _dumped(row)
        before = ",\n"
    yield "\n]\n" if before != "[\n" else "[]\n"


def _ids(run: ServedRun, where: Condition) -> Iterator[str]:
    for (key,) in run.database.rows(f'SELECT id FROM {TABLE} WHERE {where.sql} ORDER BY "row"', where.values):
        yield id_line(key)


def id_line(key: str) -> str:
    r"""An id in a list, one a line: as JSON where it would be several lines, or be taken for JSON.

    >>> id_line("a"), id_line("a\nb"), id_line('"')
    ('a\n', '"a\\nb"\n', '"\\""\n')
    """
    plain_ = key.splitlines() == [key] and not key.startswith('"')
    return f"{key if plain_ else json.dumps(key)}\n"


def _squad(run: ServedRun, where: Condition) -> Iterator[str]:
    """Articles and paragraphs in the order of their first questions."""
    order = 'min("row") OVER (PARTITION BY title), min("row") OVER (PARTITION BY title, context), "row"'
    columns = "id, title, question, context, golds, gold_starts, labeled"
    yield '{"version": "v2.0", "data": ['
    between = "\n"
    for title, article in groupby(_records(run, where, columns, order), lambda row: row["title"]):
        paragraphs = [
            {"context": context, "qas": [_qa(row) for row in rows]}
            for context, rows in groupby(article, lambda row: row["context"])
        ]
        yield between + _dumped({"title": title, "paragraphs": paragraphs})
        between = ",\n"
    yield "\n]}\n"


def _qa(row: Record) -> Record:
    asked = {"id": row["id"], "question": row["question"]}
    if not row["labeled"]:
        return asked
    answers = [
        {"text": text, "answer_start": start} for text, start in zip(row["golds"], row["gold_starts"], strict=True)
    ]
    return {**asked, "answers": answers, "is_impossible": not answers}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


_FORMATS: Mapping[str, tuple[str, str, Callable[[ServedRun, Condition], Iterator[str]]]] = {
    "csv": ("questions.csv", "text/csv", _csv),
    "json": ("questions.json", "application/json", _json),
    "squad": ("squad.json", "application/json", _squad),
    "ids": ("ids.txt", "text/plain", _ids),
}
"""By name: the file, its type, and what makes its text."""
