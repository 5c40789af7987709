"""A run that is served: its questions in a database, its analyses, and what a person decides about its labels."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from project_config import ProjectError, Settings
from squad_albert.explore.neighbours import similar
from squad_albert.explore.section import Section
from squad_albert.explore.store import EXPLORED, read_sections
from squad_albert.run_folder import MANIFEST, RunError
from squad_albert.run_tables import RunTables, read_run
from utils.files import remove_leftovers

from .columns import TABLE, Column, known_columns
from .database import Database
from .errors import ConflictError, NotFoundError
from .verdicts import Verdicts

MOST_CATEGORIES = 100
"""Values of a column of texts that are listed; one with more has none."""

Record = dict[str, Any]


class ServedRun:
    """A run, opened for any number of threads.

    Args:
        name: by which clients know it.
        folder: of the run.

    Raises:
        RunError: if it is no run, or damaged, or changed since it was explored.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        remove_leftovers(folder)
        self._seen: tuple[int, ...] | None = ()
        self.tables: RunTables = read_run(folder)
        self.sections: dict[str, Section] = read_sections(folder) if (folder / EXPLORED).exists() else {}
        self.columns: dict[str, Column] = known_columns()
        self.database = Database(folder, self.sections)
        self.verdicts = Verdicts(folder / "verdicts.csv", self.check_present)

    @cached_property
    def brief(self) -> Record:
        """The run in a list: ``name, splits, questions, explored, model``."""
        return {
            "name": self.name,
            "splits": self.tables.manifest["splits"],
            "questions": len(self.tables.questions),
            "explored": bool(self.sections),
            "model": (self.tables.manifest.get("sources") or {}).get("model"),
        }

    @cached_property
    def summary(self) -> Record:
        """The run by itself: also ``engine``, ``settings``, ``metrics`` by split, ``columns`` and ``facts``."""
        return {
            **self.brief,
            "engine": self.tables.manifest["engine"],
            "settings": self.tables.manifest["settings"],
            "metrics": {split: self._metrics(split) for split in self.tables.manifest["splits"]},
            "columns": [self._described(column) for column in self.columns.values()],
            "facts": {
                name: {
                    "title": section.title,
                    "sentences": section.sentences,
                    "facts": plain(section.facts),
                    "empty": section.empty,
                }
                for name, section in self.sections.items()
            },
        }

    def question(self, question_id: str) -> Record:
        """All that is known of a question: every column, ``nbest``, its ``windows`` and its ``verdict``.

        Raises:
            NotFoundError: if the run has no such question.
        """
        row = self.row(question_id)
        [record] = self.database.records(f'SELECT * FROM {TABLE} WHERE "row" = ?', [row])
        record = {name: value for name, value in record.items() if not name.startswith("map_")}
        windows = self.tables.windows
        own = windows[windows["question"] == row] if windows is not None else pd.DataFrame()
        return {**plain(record), "windows": records(own), "verdict": self.verdicts.of(question_id)}

    def row(self, question_id: str) -> int:
        """The row of a question, from 0.

        Raises:
            NotFoundError: if the run has no such question.
        """
        try:
            return self.tables.row(question_id)
        except RunError as error:
            raise NotFoundError(self.nameless(error), "id") from error

    def similar(self, question_id: str, count: int, settings: Settings) -> list[Record]:
        """The questions most like one, for the model.

        Raises:
            NotFoundError: if the run has no such question, or no vectors.
        """
        self.row(question_id)
        try:
            found = similar(self.tables, question_id, count, settings)
        except RunError as error:
            raise NotFoundError(self.nameless(error)) from error
        return records(found)

    def section(self, name: str) -> Section:
        """An analysis.

        Raises:
            NotFoundError: if the run was not explored, or not in this respect.
        """
        if name not in self.sections:
            raise NotFoundError(
                f"the run `{self.name}` has no {name}: it was not explored, or not in full. Run `squad-albert explore` "
                "on it and serve it again.",
                "run",
            )
        return self.sections[name]

    def check_present(self) -> None:
        """That the folder still holds the run that was opened.

        Raises:
            ConflictError: if it was removed, or another run has taken its place.
        """
        path = self.tables.folder / MANIFEST
        try:
            stat = path.stat()
            seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if seen != self._seen:
                same = json.loads(path.read_text(encoding="utf-8")) == self.tables.manifest
                self._seen = seen if same else None
        except (OSError, ValueError):
            self._seen = None
        if self._seen is None:
            raise ConflictError(
                f"the run `{self.name}` was removed or replaced since it was opened. Start the server again with the "
                "run that is meant.",
                "run",
            )

    def close(self) -> None:
        """Lets go of the memory."""
        self.database.close()

    def _metrics(self, split: str) -> Record:
        query = (
            "SELECT count(*) AS questions, avg(exact) AS exact, avg(f1) AS f1, avg(loss) AS loss, "
            f"avg((prediction = '')::INT) AS no_answer FROM {TABLE} WHERE split = ?"
        )
        return self.database.records(query, [split])[0]

    def _described(self, column: Column) -> Record:
        described: Record = {"name": column.name, "type": column.kind}
        if column.kind not in ("text", "category") or column.name == "golds":
            return described
        query = (
            f"SELECT {column.sql}, count(*) AS n FROM {TABLE} WHERE {column.sql} IS NOT NULL "
            f"GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_CATEGORIES + 1}"
        )
        values = [str(value) for value, _ in self.database.rows(query)]
        return described | ({"categories": values} if len(values) <= MOST_CATEGORIES else {})

    def nameless(self, error: ProjectError) -> str:
        """What went wrong, by the run's name: no client is told where it lies on the disk."""
        return str(error).replace(str(self.tables.folder), f"the run `{self.name}`")


def records(table: pd.DataFrame) -> list[Record]:
    """The rows of a table as JSON has them.

    >>> records(pd.DataFrame({"loss": [0.5, float("nan")], "id": ["a", None]}))
    [{'loss': 0.5, 'id': 'a'}, {'loss': None, 'id': None}]
    """
    return [{str(name): plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """A value as JSON has it: no numpy, and null for what is missing or not finite.

    >>> plain({"a": np.float32("nan"), "b": np.arange(2)})
    {'a': None, 'b': [0, 1]}
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    value = value.item() if isinstance(value, np.generic) else value
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value
