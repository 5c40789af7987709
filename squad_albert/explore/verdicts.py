"""What a person decided about labels: a CSV file that a spreadsheet, a text editor and the web page can all edit.

One row a question: ``id``, ``verdict`` (keep, fix or drop; empty while undecided), for a fix the right ``answer`` (or
``<no answer>``) and, where the context holds it more than once, its ``start``; and a ``note``. Further columns,
such as the question, are for the reader: they stay as they are. In the project's own columns a text that a
spreadsheet would take for a formula has an apostrophe before it. A row that cannot be used hinders no other:
it stays as it is until somebody mends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from project_config import ProjectError
from squad_albert.csv_text import CsvRow, csv_line, csv_rows, guarded, unguarded
from utils.files import locked, real_path, whole_path

KINDS = ("keep", "fix", "drop")
"""What may be done with a label."""

UNDECIDED = ""
"""The verdict of a row that has none; it may have a note all the same."""

NO_ANSWER = "<no answer>"
"""Written as the answer of a fix where the context does not answer the question."""

FIELDS = ("id", "verdict", "answer", "start", "note")
"""The columns of a verdict."""

READING = ("rank", "reason", "question", "gold", "prediction", "context")
"""The columns of a review list that help to decide."""

MOST_DIGITS = 9
"""Of a place in a context."""

Row = dict[str, str]

_OWN = frozenset((*FIELDS, *READING))
_BYTE = re.compile("[\udc80-\udcff]")  # what stands for a byte that is not UTF-8


class VerdictError(ProjectError):
    """Verdicts cannot be used: the message names the file, its lines and the remedy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about the label of one question, or a note on one that is yet undecided.

    Raises:
        VerdictError: if it contradicts itself.

    >>> Verdict("q1", "fix", answer="")  # there is no answer
    Verdict(id='q1', verdict='fix', answer='', start=None, note='')
    """

    id: str
    verdict: str  # one of KINDS, or UNDECIDED
    answer: str | None = None  # of a fix: the right answer, "" for none
    start: int | None = None  # its first character in the context, where its text alone does not say
    note: str = ""

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault:
            raise VerdictError(f"the verdict on {self.id}: {fault}.")


@dataclass(frozen=True)
class FoundVerdicts:
    """What a verdict file says, as far as it can be used."""

    verdicts: dict[str, Verdict]  # by question id; also notes on questions that are undecided
    faults: dict[str, str]  # what is wrong with the rows of a question, by its id
    lost: list[str]  # what is wrong with rows of which nobody can tell whose they are


def find_verdicts(path: Path) -> FoundVerdicts:
    """The verdicts of a file whose rows need not all be usable; none where there is no file.

    Raises:
        VerdictError: if it is no verdict file at all.
    """
    table = _read(path)
    verdicts: dict[str, Verdict] = {}
    faults = dict(table.faults)
    for key, (line, row) in table.rows.items():
        try:
            verdict = _verdict(row)
        except VerdictError as error:
            faults[key] = f"line {line}: {error}"
        else:
            verdicts |= {key: verdict} if verdict else {}
    return FoundVerdicts(verdicts, faults, table.lost)


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """The verdicts of a file, by question id, in its order; rows without a verdict are yet undecided.

    Raises:
        VerdictError: with every problem of the file.
    """
    if not path.exists():
        raise VerdictError(f"{path} cannot be read: there is no such file. Name another.")
    found = find_verdicts(path)
    problems = [*found.lost, *found.faults.values()]
    if problems:
        raise VerdictError("\n  ".join([f"{path} cannot be used:", *problems]))
    return {key: verdict for key, verdict in found.verdicts.items() if verdict.verdict != UNDECIDED}


def save_verdicts(path: Path, verdicts: Iterable[Verdict], withdrawn: Iterable[str] = ()) -> None:
    """Adds verdicts to a file, in place of older ones on the same questions; all else stays as it is.

    Args:
        path: the file; made if need be.
        verdicts: to be added.
        withdrawn: ids of questions that are undecided again.

    Raises:
        VerdictError: if the file that is there cannot be read.
        WriteError: if it cannot be written.
    """
    path = real_path(path)
    with locked(path.parent):
        table = _read(path)
        for verdict in verdicts:
            table.row(path, verdict.id).update(_row(verdict))
        for key in set(withdrawn) & set(table.rows):
            table.row(path, key).update(dict.fromkeys(FIELDS[1:], ""))
        _write(path, table)


def save_verdict(path: Path, verdict: Verdict) -> None:
    """Adds one verdict, as ``save_verdicts`` does."""
    save_verdicts(path, [verdict])


def replace_verdict(
    path: Path, question_id: str, verdict: Verdict | None, check: Callable[[Verdict | None], None]
) -> None:
    """Puts a verdict in the place of the present one; nobody, in any process, decides in between.

    Args:
        path: the file; made if need be.
        question_id: of the question.
        verdict: None for undecided again.
        check: given the present verdict, None where there is none; it raises if that is not to be replaced.

    Raises:
        VerdictError: if the file that is there cannot be read.
        WriteError: if it cannot be written.
    """
    path = real_path(path)
    with locked(path.parent):
        table = _read(path)
        check(table.verdict(path, question_id))
        if verdict is not None:
            table.row(path, question_id).update(_row(verdict))
        elif question_id in table.rows:
            table.row(path, question_id).update(dict.fromkeys(FIELDS[1:], ""))
        _write(path, table)


def write_review(path: Path, labels: pd.DataFrame, first: int) -> int:
    """Adds the first rows of a review list to a verdict file, yet undecided, with what helps to decide.

    Args:
        path: the file; verdicts that it has stay.
        labels: the table of ``labels``.
        first: how many rows.

    Returns:
        How many rows were not in the file before.

    Raises:
        VerdictError: if the file that is there cannot be read.
        WriteError: if it cannot be written.
    """
    path = real_path(path)
    with locked(path.parent):
        table = _read(path)
        before = len(table.rows)
        reading = [name for name in READING if name in labels]
        for record in labels.head(first).to_dict("records"):
            key = str(record["id"])
            if key not in table.faults:  # its row stays as it is until somebody mends it
                table.row(path, key).update({"id": key} | {name: str(record[name]) for name in reading})
        table.fields[:] = dict.fromkeys([*table.fields, *reading])
        _write(path, table)
    return len(table.rows) - before


def _fault(verdict: Verdict) -> str | None:
    if verdict.verdict not in KINDS and not (verdict.verdict == UNDECIDED and verdict.note and verdict.answer is None):
        return f"the verdict `{verdict.verdict}` is none of {', '.join(KINDS)}"
    if verdict.verdict == "fix" and verdict.answer is None:
        return f"a fix needs the right `answer`, or {NO_ANSWER}"
    if verdict.verdict != "fix" and (verdict.answer is not None or verdict.start is not None):
        return f"`{verdict.verdict}` has no answer; make the verdict fix, or empty `answer` and `start`"
    if verdict.start is not None and (verdict.start < 0 or not verdict.answer):
        return f"`start` {verdict.start} is no place of an answer; count characters of the context from 0"
    return None


def _verdict(row: Row) -> Verdict | None:
    """What a row says, None where it is undecided."""
    kind, answer, start = row["verdict"].strip().lower(), row["answer"].strip(), row["start"].strip()
    if not (kind or answer or start or row["note"]):
        return None
    if start and not (start.isdecimal() and len(start) <= MOST_DIGITS):
        raise VerdictError(
            f"the verdict on {row['id']}: `start` is `{start[:50]}`, not a whole number of up to {MOST_DIGITS} digits."
        )
    text = None if not answer else "" if answer == NO_ANSWER else answer
    return Verdict(row["id"], kind, text, int(start) if start else None, row["note"])


def _row(verdict: Verdict) -> Row:
    answer = NO_ANSWER if verdict.answer == "" else verdict.answer or ""
    start = "" if verdict.start is None else str(verdict.start)
    return {"id": verdict.id, "verdict": verdict.verdict, "answer": answer, "start": start, "note": verdict.note}


@dataclass(frozen=True)
class _Table:
    """A verdict file, its rows by id, with their lines; those that cannot be used as they stand."""

    fields: list[str]
    delimiter: str = ","
    rows: dict[str, tuple[int, Row]] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)  # texts of rows
    faults: dict[str, str] = field(default_factory=dict)  # what is wrong with them, by id
    lost: list[str] = field(default_factory=list)  # what is wrong with those that have none

    def row(self, path: Path, key: str) -> Row:
        """The row of a question, a new one if need be.

        Raises:
            VerdictError: if it cannot be used.
        """
        if key in self.faults:
            raise VerdictError(f"{path}: {self.faults[key]}")
        return self.rows.setdefault(key, (0, {}))[1]

    def verdict(self, path: Path, key: str) -> Verdict | None:
        """What is said of a question; None where nothing is.

        Raises:
            VerdictError: if its row cannot be used.
        """
        try:
            return _verdict(self.row(path, key)) if key in self.rows | self.faults else None
        except VerdictError as error:
            raise VerdictError(f"{error} Correct it in {path}.") from error

    def add(self, found: CsvRow) -> None:
        """Takes a row of the file in; where it has the id of another, neither can be used."""
        row = {
            name: unguarded(cell) if name in _OWN else cell
            for name, cell in zip(self.fields, found.cells, strict=False)
        }
        key = row.get("id", "")
        fault = self._fault(found, key)
        if fault and key:
            self.unusable.append(found.text)
            self.faults.setdefault(key, fault)
            if key in self.rows:
                self.unusable.append(_line(self, self.rows.pop(key)[1]))
        elif fault:
            self.unusable.append(found.text)
            self.lost.append(fault)
        elif key:
            self.rows[key] = (found.line, row)

    def _fault(self, found: CsvRow, key: str) -> str | None:
        """What is wrong with a row by its form."""
        where = f"line {found.line}"
        if _BYTE.search(found.text):
            return f"{where} is not UTF-8. Save the file as CSV in UTF-8."
        if found.broken:
            return f"{where} cannot be read as CSV: a quotation mark has no other. Write two for one within a text."
        if len(found.cells) != len(self.fields):
            return f"{where} has not one field for each column. Put quotation marks around texts with commas."
        if key in self.rows:
            return f"{where}: {key} stands in line {self.rows[key][0]}, too. Remove one of the two."
        if key in self.faults:
            return self.faults[key]  # a third row of one question
        if not key and any(found.cells):
            return f"{where} has no id. Fill it in, or remove the line."
        return None


def _read(path: Path) -> _Table:
    """A verdict file, an empty one where there is none; spreadsheets' byte order mark and semicolons are understood.

    Bytes that are not UTF-8 become lone surrogates, so that they spoil no other row, and are written as they were.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except FileNotFoundError:
        return _Table(list(FIELDS))
    except OSError as error:
        raise VerdictError(f"{path} cannot be read: {error}. Restore it or name another.") from error
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    rows = csv_rows(text, delimiter)
    table = _Table(next(rows).cells if text.strip() else [], delimiter)
    _check_fields(path, table.fields)
    for row in rows:
        table.add(row)
    return table


def _check_fields(path: Path, fields: list[str]) -> None:
    names = ", ".join(FIELDS)
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise VerdictError(
            f"{path} is no CSV of verdicts in UTF-8: it has no column {' and no '.join(missing)}. Its first line must "
            f"name {names}."
        )
    twice = [name for name in fields if fields.count(name) > 1]
    if twice:
        raise VerdictError(f"{path} has two columns `{twice[0]}`. Rename one of them.")


def _write(path: Path, table: _Table) -> None:
    lines = [csv_line(table.fields, table.delimiter), *(_line(table, row) for _, row in table.rows.values())]
    text = "".join([*lines, *(f"{row}\n" for row in table.unusable)])
    with whole_path(path) as aside:
        aside.write_bytes(text.encode("utf-8", "surrogateescape"))


def _line(table: _Table, row: Mapping[str, str]) -> str:
    cells = (guarded(row.get(name, "")) if name in _OWN else row.get(name, "") for name in table.fields)
    return csv_line(cells, table.delimiter)
