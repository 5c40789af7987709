"""What the explorer page asks of a run: pages of questions, the map, and a selection beside the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import TABLE, Column
from .errors import InvalidError, NotFoundError
from .runs import MOST_CATEGORIES, Record, ServedRun, plain
from .schemas import QuestionsQuery, SelectionQuery, Sort
from .selecting import Condition, column_named, condition

MOST_POINTS = 20_000
"""Points of the map; of more questions so many are drawn."""

BINS = 24
"""Bars of a histogram of numbers."""

BARS = 20
"""Bars of a histogram of texts, the most frequent ones."""

MISSING = -1
"""The code of a point without a category."""

_DIGITS = 4  # of the map's coordinates


def questions_page(run: ServedRun, query: QuestionsQuery) -> Record:
    """``total, page, size, rows``: one page of the questions that are selected.

    Raises:
        NotFoundError: for a column that there is not.
        InvalidError: for a filter that does not fit its column.
    """
    where = condition(query, run.columns)
    names = query.columns if query.columns is not None else [name for name in run.columns if name != "context"]
    shown = [column_named(name, run.columns, f"columns.{at}") for at, name in enumerate(names)]
    order = [_order(one, run, at) for at, one in enumerate(query.sort or [])] + ['"row"']
    values = ", ".join(['"row"', "id", *(column.quoted for column in shown if column.name != "id")])
    [(total,)] = run.database.rows(f"SELECT count(*) FROM {TABLE} WHERE {where.sql}", where.values)
    rows = run.database.records(
        f"SELECT {values} FROM {TABLE} WHERE {where.sql} ORDER BY {', '.join(order)} LIMIT ? OFFSET ?",
        [*where.values, query.size, (query.page - 1) * query.size],
    )
    verdicts = run.verdicts.all()
    for row in rows:
        decided = verdicts.get(row["id"])
        row["verdict"] = decided.verdict if decided else ""
    return {"total": total, "page": query.page, "size": query.size, "rows": rows}


def population_map(run: ServedRun, color: str | None, size: str | None, seed: int) -> Record:
    """The map, column by column: ``method, total, ids, x, y, color, size``; at most ``MOST_POINTS`` points.

    Raises:
        NotFoundError: if the run was not explored, or for a column that there is not.
        InvalidError: if the size is to be that of a column without numbers.
    """
    section = run.section("population")
    points = run.database.arrays(f'SELECT "row", id, map_x, map_y FROM {TABLE} WHERE map_x IS NOT NULL ORDER BY "row"')
    total = len(points["row"])
    drawn = np.arange(total)
    if total > MOST_POINTS:
        drawn = np.sort(np.random.default_rng(seed).choice(total, MOST_POINTS, replace=False))
    found: Record = {
        "method": section.facts.get("method", "umap"),
        "total": total,
        "ids": points["id"][drawn].tolist(),
        "x": points["map_x"][drawn].astype(float).round(_DIGITS).tolist(),
        "y": points["map_y"][drawn].astype(float).round(_DIGITS).tolist(),
    }
    rows = points["row"][drawn]
    if color is not None:
        found["color"] = _colored(run, column_named(color, run.columns, "color"), rows)
    if size is not None:
        column = column_named(size, run.columns, "size")
        if column.kind != "number":
            raise InvalidError(f"the size of points is that of a number, and `{size}` is a {column.kind}.", "size")
        found["size"] = {"column": size, "values": _values(run, column, rows)}
    return found


def selection(run: ServedRun, query: SelectionQuery) -> Record:
    """``selection`` and ``rest`` in figures, and ``histogram`` of a column in both.

    Raises:
        NotFoundError: for a column that there is not.
        InvalidError: for a filter that does not fit its column.
    """
    where = condition(query, run.columns)
    found: Record = {"selection": _figures(run, where), "rest": _figures(run, ~where)}
    if query.column is not None:
        column = column_named(query.column, run.columns, "column")
        found["histogram"] = (_numbers if column.kind == "number" else _categories)(run, column, where)
    return found


def cluster_ids(run: ServedRun, cluster: int) -> list[str]:
    """The questions of a cluster, -1 for those in none.

    Raises:
        NotFoundError: if the run has no such cluster, or no clusters.
    """
    run.section("clusters")
    ids = [key for (key,) in run.database.rows(f'SELECT id FROM {TABLE} WHERE "cluster" = ? ORDER BY "row"', [cluster])]
    if not ids:
        raise NotFoundError(f"the run `{run.name}` has no cluster {cluster}.", "cluster")
    return ids


def slice_filters(run: ServedRun, index: int) -> Record:
    """A slice in words, and the ``filters`` that select its questions.

    Raises:
        NotFoundError: if the run has no such slice.
    """
    table = run.section("slices").table
    if not 0 <= index < len(table):
        raise NotFoundError(f"the run `{run.name}` has {len(table)} slices, from 0; there is no {index}.", "index")
    row = table.iloc[index]
    filters = [one for part in plain(row["conditions"]) for one in _filters(part, run.columns)]
    return {"slice": row["slice"], "filters": filters}


def _order(sort: Sort, run: ServedRun, number: int) -> str:
    column = column_named(sort.column, run.columns, f"sort.{number}.column")
    return f"{column.sql} {'DESC' if sort.descending else 'ASC'} NULLS LAST"


def _filters(part: Record, columns: dict[str, Column]) -> list[Record]:
    column, value = part["column"], part["value"]
    if value is not None:
        boolean = column in columns and columns[column].kind == "boolean"
        return [{"column": column, "comparison": "=", "value": value == "yes" if boolean else value}]
    ends = ((">=", part["low"]), ("<=", part["high"]))
    return [{"column": column, "comparison": comparison, "value": end} for comparison, end in ends if end is not None]


def _colored(run: ServedRun, column: Column, rows: NDArray[np.int64]) -> Record:
    if column.kind not in ("text", "category"):
        return {"column": column.name, "type": column.kind, "values": _values(run, column, rows)}
    query = (
        f"SELECT {column.sql} FROM {TABLE} WHERE {column.sql} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 "
        f"LIMIT {MOST_CATEGORIES}"
    )
    categories = [value for (value,) in run.database.rows(query) if not _is_none(column, value)]
    codes = {value: code for code, value in enumerate(categories)}
    values = _values(run, column, rows)
    return {
        "column": column.name,
        "type": column.kind,
        "categories": [str(value) for value in categories],
        "codes": [codes.get(value, MISSING) for value in values],
    }


def _values(run: ServedRun, column: Column, rows: NDArray[np.int64]) -> list[Any]:
    """The column's values of some rows, None for those that are missing; numbers with six digits that count."""
    sql = column.sql
    found = run.database.rows(f'SELECT {sql} FROM {TABLE} ORDER BY "row"')
    picked = [found[row][0] for row in rows.tolist()]
    if column.kind == "number":
        return [float(f"{value:.6g}") if isinstance(value, float) else value for value in picked]
    return picked


def _figures(run: ServedRun, where: Condition) -> Record:
    query = (
        "SELECT count(*) AS questions, avg(exact) AS exact, avg(f1) AS f1, avg(lenient) AS lenient, avg(loss) AS loss, "
        "avg(CASE WHEN prediction = '' THEN no_answer_probability ELSE confidence END) AS confidence, "
        "avg((prediction = '')::INT) AS no_answer "
        f"FROM {TABLE} WHERE {where.sql}"
    )
    return run.database.records(query, where.values)[0]


def _numbers(run: ServedRun, column: Column, where: Condition) -> Record:
    """Bars of equal width over the whole run's range; one a whole number where there are few."""
    sql = column.sql
    bounds = f"SELECT min({sql}), max({sql}), bool_and({sql} = round({sql})) FROM {TABLE}"
    [(low, high, whole)] = run.database.rows(bounds)
    if low is None:
        return {"column": column.name, "type": "number", "edges": [], "selection": [], "rest": []}
    if whole and high - low < BINS:
        edges = np.arange(low - 0.5, high + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = {
        name: np.histogram(_column(run, column, part), edges)[0].tolist()
        for name, part in (("selection", where), ("rest", ~where))
    }
    return {"column": column.name, "type": "number", "edges": edges.tolist(), **counts}


def _column(run: ServedRun, column: Column, where: Condition) -> NDArray[np.float64]:
    query = f"SELECT {column.sql}::DOUBLE AS v FROM {TABLE} WHERE {column.sql} IS NOT NULL AND ({where.sql})"
    return np.asarray(run.database.arrays(query, where.values)["v"], np.float64)


def _categories(run: ServedRun, column: Column, where: Condition) -> Record:
    """Bars of the most frequent values of the whole run."""
    both = f"SELECT {column.sql} AS v, count(*) AS n FROM {TABLE} WHERE "
    tail = " GROUP BY 1 ORDER BY n DESC, 1"
    most = f"{both}{column.sql} IS NOT NULL{tail} LIMIT {BARS}"
    names = [value for value, _ in run.database.rows(most)]
    counts = {}
    for name, part in (("selection", where), ("rest", ~where)):
        found: dict[Any, int] = dict(run.database.rows(f"{both}({part.sql}){tail}", part.values))
        counts[name] = [found.get(value, 0) for value in names]
    shown = [
        "none" if _is_none(column, value) else value if column.kind == "boolean" else str(value) for value in names
    ]
    return {"column": column.name, "type": column.kind, "categories": shown, **counts}


def _is_none(column: Column, value: Any) -> bool:
    """Whether a value says that there is none: the cluster of what is in no cluster."""
    return column.kind == "category" and value == MISSING
