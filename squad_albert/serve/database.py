"""A run's questions in DuckDB: in memory, loaded once, and closed to files from then on.

What a request says reaches the database only as a bound parameter. Numbers that are not finite are null, so that
everything that comes out is JSON.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from squad_albert.explore.section import Section
from squad_albert.explore.style import OUTCOMES
from squad_albert.run_columns import QUESTIONS

from .columns import TABLE
from .errors import TooLargeError

Row = tuple[Any, ...]

MOST_SECONDS = 10.0
"""That a query may take."""

_RIGHT, _LENIENT, _WRONG, _UNLABELED = OUTCOMES


class Database:
    """The questions of a run, joined with what was found out about them.

    Args:
        folder: of the run.
        sections: of its analyses, by name; empty where it was not explored.
    """

    def __init__(self, folder: Path, sections: dict[str, Section]) -> None:
        self._connection = duckdb.connect(config={"threads": "2", "autoinstall_known_extensions": "false"})
        for name, table in _found(sections).items():
            self._connection.register(name, pa.Table.from_pandas(table, preserve_index=False))
            self._connection.execute(f"CREATE TABLE {name}_found AS SELECT * FROM {name}")
            self._connection.unregister(name)
        self._connection.execute(_CREATE, [str(folder / "questions.parquet")])
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a query gives.

        Args:
            query: made of the project's own words and of columns' ``sql``.
            values: for its question marks.
        """
        with self._bounded() as cursor:
            found: list[Row] = cursor.execute(query, list(values)).fetchall()
        return found

    def records(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The same, each row by its columns' names."""
        with self._bounded() as cursor:
            cursor.execute(query, list(values))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrays(self, query: str, values: Sequence[Any] = ()) -> dict[str, Any]:
        """The same, column by column, as masked arrays where values are missing."""
        with self._bounded() as cursor:
            arrays: dict[str, Any] = cursor.execute(query, list(values)).fetchnumpy()
        return arrays

    @contextmanager
    def _bounded(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose query ends in time, so that no request keeps the others waiting."""
        with self._connection.cursor() as cursor:
            timer = threading.Timer(MOST_SECONDS, cursor.interrupt)
            timer.start()
            try:
                yield cursor
            except duckdb.InterruptException as error:
                raise TooLargeError(
                    f"this takes more than {MOST_SECONDS:g} seconds. Ask for less: fewer filters, or shorter ones."
                ) from error
            finally:
                timer.cancel()

    def close(self) -> None:
        """Lets go of the memory."""
        self._connection.close()


def _found(sections: dict[str, Section]) -> dict[str, pd.DataFrame]:
    """The tables that are joined, by id; without rows where there is nothing to join."""
    clusters, labels = sections.get("clusters"), sections.get("labels")
    members = clusters.more.get("cluster_members") if clusters else None
    suspicious = labels.table if labels else None
    return {
        "population": _table(sections["population"].table if "population" in sections else None, ("x", "y")),
        "members": _table(members, ("cluster", "high_loss_cluster")),
        "labels": _table(suspicious, ("score",), ("reason",)),
    }


def _table(table: pd.DataFrame | None, numbers: tuple[str, ...], texts: tuple[str, ...] = ()) -> pd.DataFrame:
    """A table's ids and some of its columns; those that it lacks are null."""
    if table is None or "id" not in table:
        table = pd.DataFrame({"id": pd.Series(dtype="str")})
    columns = {"id": table["id"].astype("str")}
    columns |= {name: pd.to_numeric(table[name]) if name in table else pd.Series(dtype="float64") for name in numbers}
    columns |= {name: table[name].astype("str") if name in table else pd.Series(dtype="str") for name in texts}
    return pd.DataFrame(columns)


def _finite(name: str) -> str:
    return f'CASE WHEN isfinite(q."{name}") THEN q."{name}" END AS "{name}"'


_COLUMNS = ", ".join(
    _finite(field.name) if pa.types.is_floating(field.type) else f'q."{field.name}"' for field in QUESTIONS
)

_CREATE = f"""
CREATE TABLE {TABLE} AS
SELECT q.file_row_number AS "row", {_COLUMNS},
    CASE WHEN NOT q.labeled THEN '{_UNLABELED}' WHEN q.exact = 1 THEN '{_RIGHT}'
        WHEN q.lenient = 1 THEN '{_LENIENT}' ELSE '{_WRONG}' END AS outcome,
    nullif(regexp_extract(q.id, '^([A-Za-z]+)-', 1), '') AS part,
    m."cluster"::INTEGER AS "cluster", m.high_loss_cluster::INTEGER AS high_loss_cluster,
    CASE WHEN isfinite(l.score) THEN l.score END AS suspicion, l.reason AS suspicion_reason,
    CASE WHEN isfinite(p.x) AND isfinite(p.y) THEN p.x END AS map_x,
    CASE WHEN isfinite(p.x) AND isfinite(p.y) THEN p.y END AS map_y
FROM read_parquet(?, file_row_number = true) q
LEFT JOIN population_found p ON p.id = q.id LEFT JOIN members_found m ON m.id = q.id
LEFT JOIN labels_found l ON l.id = q.id
ORDER BY q.file_row_number
"""
