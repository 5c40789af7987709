"""What a person decided about labels: a CSV file that a spreadsheet, a text editor and the web page can all edit.

One row a question: ``id``, ``verdict`` (keep, fix or drop; empty while undecided), for a fix the right ``answer`` (or
``<no answer>``) and, where the context holds it more than once, its ``start``; and a ``note``. Further columns,
such as the question, are for the reader: they stay as they are.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from project_config import ProjectError
from utils.files import locked, real_path, whole_file

KINDS = ("keep", "fix", "drop")
"""What may be done with a label."""

NO_ANSWER = "<no answer>"
"""Written as the answer of a fix where the context does not answer the question."""

FIELDS = ("id", "verdict", "answer", "start", "note")
"""The columns of a verdict."""

READING = ("rank", "reason", "question", "gold", "prediction", "context")
"""The columns of a review list that help to decide."""

Row = dict[str, str]


class VerdictError(ProjectError):
    """Verdicts cannot be used: the message names the file, its lines and the remedy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about the label of one question.

    Raises:
        VerdictError: if it contradicts itself.

    >>> Verdict("q1", "fix", answer="")  # there is no answer
    Verdict(id='q1', verdict='fix', answer='', start=None, note='')
    """

    id: str
    verdict: str  # one of KINDS
    answer: str | None = None  # of a fix: the right answer, "" for none
    start: int | None = None  # its first character in the context, where its text alone does not say
    note: str = ""

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault:
            raise VerdictError(f"the verdict on {self.id}: {fault}.")


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """The verdicts of a file, by question id, in its order; rows without a verdict are yet undecided.

    Raises:
        VerdictError: with every problem of the file.
    """
    verdicts: dict[str, Verdict] = {}
    problems = []
    for line, row in _read(path)[1].values():
        try:
            verdict = _verdict(row)
        except VerdictError as error:
            problems.append(f"line {line}: {error}")
        else:
            verdicts |= {verdict.id: verdict} if verdict else {}
    if problems:
        raise VerdictError("\n  ".join([f"{path} cannot be used:", *problems]))
    return verdicts


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
        fields, rows = _rows(path)
        for verdict in verdicts:
            rows.setdefault(verdict.id, {}).update(_row(verdict))
        for key in set(withdrawn) & set(rows):
            rows[key].update(dict.fromkeys(FIELDS[1:], ""))
        _write(path, fields, rows.values())


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
        fields, rows = _rows(path)
        check(_verdict(rows[question_id]) if question_id in rows else None)
        if verdict is not None:
            rows.setdefault(question_id, {}).update(_row(verdict))
        elif question_id in rows:
            rows[question_id].update(dict.fromkeys(FIELDS[1:], ""))
        _write(path, fields, rows.values())


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
        fields, rows = _rows(path)
        before = len(rows)
        reading = [name for name in READING if name in labels]
        for record in labels.head(first).to_dict("records"):
            texts = {name: str(record[name]) for name in reading}
            rows.setdefault(str(record["id"]), {"id": str(record["id"])}).update(texts)
        _write(path, list(dict.fromkeys([*fields, *reading])), rows.values())
    return len(rows) - before


def _fault(verdict: Verdict) -> str | None:
    if verdict.verdict not in KINDS:
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
    if not (kind or answer or start):
        return None
    if start and not start.isdecimal():
        raise VerdictError(f"the verdict on {row['id']}: `start` is `{start}`, not a whole number.")
    text = None if not answer else "" if answer == NO_ANSWER else answer
    return Verdict(row["id"], kind, text, int(start) if start else None, row["note"])


def _row(verdict: Verdict) -> Row:
    answer = NO_ANSWER if verdict.answer == "" else verdict.answer or ""
    start = "" if verdict.start is None else str(verdict.start)
    return {"id": verdict.id, "verdict": verdict.verdict, "answer": answer, "start": start, "note": verdict.note}


def _rows(path: Path) -> tuple[list[str], dict[str, Row]]:
    """The columns and the rows by id; those of an empty file where there is none yet."""
    if not path.exists():
        return list(FIELDS), {}
    fields, rows = _read(path)
    return fields, {key: row for key, (_, row) in rows.items()}


def _read(path: Path) -> tuple[list[str], dict[str, tuple[int, Row]]]:
    """The columns, and by id the rows with their line; spreadsheets' byte order mark and semicolons are understood."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            stream.seek(0)
            reader = csv.DictReader(stream, delimiter=";" if ";" in header and "," not in header else ",", strict=True)
            fields = list(reader.fieldnames or [])
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VerdictError(f"{path} cannot be read as CSV in UTF-8: {error}. Restore it or name another.") from error
    missing = [field for field in FIELDS if field not in fields]
    if missing:
        names = ", ".join(FIELDS)
        raise VerdictError(f"{path} has no column {' and no '.join(missing)}. Its first line must name {names}.")
    return fields, _by_id(path, lines)


def _by_id(path: Path, lines: Iterable[tuple[int, dict[str, Any]]]) -> dict[str, tuple[int, Row]]:
    rows: dict[str, tuple[int, Row]] = {}
    for line, row in lines:
        if None in row or None in row.values():
            raise VerdictError(
                f"{path}: line {line} has not one field for each column. Put quotation marks around texts with commas."
            )
        key = row["id"]
        if key in rows:
            raise VerdictError(f"{path}: line {line}: {key} stands in line {rows[key][0]}, too. Remove one of the two.")
        if key:
            rows[key] = (line, row)
        elif any(row.values()):
            raise VerdictError(f"{path}: line {line} has no id. Fill it in, or remove the line.")
    return rows


def _write(path: Path, fields: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    with whole_file(path) as stream:
        writer = csv.DictWriter(stream, list(fields), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
