"""Which questions a client means, as SQL with bound parameters: filters, a search in text, and ids."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from .columns import Column
from .errors import InvalidError, NotFoundError
from .schemas import EmptyFilter, EqualFilter, Filter, ListFilter, OrderFilter, Selection, TextFilter

SEARCHED = ("id", "title", "question", "context", "prediction", "golds")
"""The columns in which a search looks."""

Value = str | float | int | bool

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "category": (int, float),
}


_LISTS: Mapping[str, str] = {
    "text": "VARCHAR[]",
    "number": "DOUBLE[]",
    "boolean": "BOOLEAN[]",
    "category": "DOUBLE[]",
}


class Condition(NamedTuple):
    """A condition in SQL, and the values of its question marks.

    >>> either = Condition("a = ?", [1]) & Condition("b = ?", [2])
    >>> either.sql, either.values, (~either).sql
    ('(a = ?) AND (b = ?)', [1, 2], 'NOT ((a = ?) AND (b = ?))')
    """

    sql: str
    values: list[Any]

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"({self.sql}) AND ({other.sql})", [*self.values, *other.values])

    def __invert__(self) -> Condition:
        return Condition(f"NOT ({self.sql})", self.values)


EVERYTHING = Condition("TRUE", [])


def condition(selection: Selection, columns: Mapping[str, Column]) -> Condition:
    """What is true of the questions of a selection: of a null it is false, so the rest is its negation.

    Raises:
        NotFoundError: for a column that there is not.
        InvalidError: for a comparison or a value that does not fit the column.
    """
    found = EVERYTHING
    for number, filter_ in enumerate(selection.filters or []):
        found &= _compared(filter_, column_named(filter_.column, columns, f"filters.{number}.column"), number)
    if selection.search:
        likes = [f"contains(lower({columns[name].sql}), lower(?))" for name in SEARCHED]
        found &= Condition(f"COALESCE({' OR '.join(likes)}, FALSE)", [selection.search] * len(likes))
    if selection.ids is not None:
        found &= Condition("id IN (SELECT unnest(?::VARCHAR[]))", [selection.ids])
    return found


def column_named(name: str, columns: Mapping[str, Column], field: str) -> Column:
    """The column of that name.

    Raises:
        NotFoundError: naming the nearest ones.
    """
    if name not in columns:
        near = difflib.get_close_matches(name[:100], columns, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Columns are {', '.join(columns)}."
        raise NotFoundError(f"there is no column `{name[:100]}`. {hint}", field)
    return columns[name]


def _compared(filter_: Filter, column: Column, number: int) -> Condition:
    sql, place = column.sql, f"filters.{number}"
    match filter_:
        case EmptyFilter():
            empty = f"{sql} IS NULL OR {sql} = ''" if column.kind == "text" else f"{sql} IS NULL"
            return Condition(empty if filter_.value else f"NOT ({empty})", [])
        case TextFilter():
            _expect(column, "text", filter_.comparison, place)
            return Condition(f"COALESCE(contains(lower({sql}), lower(?)), FALSE)", [filter_.value])
        case ListFilter():
            values = [_typed(value, column, place) for value in filter_.value]
            # One list is one value: to bind each of thousands takes seconds.
            return Condition(f"COALESCE({sql} IN (SELECT unnest(?::{_LISTS[column.kind]})), FALSE)", [values])
        case EqualFilter():
            equal = Condition(f"{sql} IS NOT DISTINCT FROM ?", [_typed(filter_.value, column, place)])
            return equal if filter_.comparison == "=" else ~equal
        case OrderFilter():
            _expect(column, "number", filter_.comparison, place)
            return Condition(f"COALESCE({sql} {filter_.comparison} ?, FALSE)", [filter_.value])


def _typed(value: Value, column: Column, place: str) -> Value:
    """A value, if it is of the column's type; numbers are compared as doubles."""
    if not isinstance(value, _TYPES[column.kind]) or isinstance(value, bool) != (column.kind == "boolean"):
        kinds = {"text": "a text", "number": "a number", "boolean": "true or false", "category": "a number"}
        kind = kinds[column.kind]
        raise InvalidError(
            f"the column `{column.name}` is compared with {kind}, not with {value!r:.80}.", f"{place}.value"
        )
    return float(value) if column.kind in ("number", "category") else value


def _expect(column: Column, kind: str, comparison: str, place: str) -> None:
    if column.kind != kind:
        raise InvalidError(
            f"`{comparison}` compares a {kind}, and the column `{column.name}` is a {column.kind}. Use =, !=, in or "
            "empty.",
            f"{place}.comparison",
        )
