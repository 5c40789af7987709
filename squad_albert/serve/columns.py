"""The columns of a run that can be filtered, sorted, drawn and counted, whichever tables they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from squad_albert.run_columns import QUESTIONS

Kind = Literal["text", "number", "boolean", "category"]
"""A category is a whole number that names something, such as a cluster: it has no more and no less."""

TABLE = "questions"
"""The table that holds them, in every run's database."""

LIST = "golds"
"""The one column of lists that is shown; it is filtered as the text of all of them."""

HIDDEN = ("gold_starts", "nbest")
"""Columns that only make sense beside a question's context."""

JOINED: Mapping[str, Kind] = {
    "outcome": "text",
    "part": "text",
    "cluster": "category",
    "high_loss_cluster": "category",
    "suspicion": "number",
    "suspicion_reason": "text",
}
"""Columns from elsewhere: what became of the answer, the part of the data (prefix of the id), its clusters (-1 is
none), how suspicious its label is."""


@dataclass(frozen=True, slots=True)
class Column:
    r"""A column by the name that a client gives it.

    >>> Column("golds", "text").sql
    'array_to_string("golds", \' | \')'
    """

    name: str
    kind: Kind

    @property
    def sql(self) -> str:
        """Its value, as a scalar; names come from ``known_columns`` alone, never from a request."""
        quoted = self.quoted
        return f"array_to_string({quoted}, ' | ')" if self.name == LIST else quoted

    @property
    def quoted(self) -> str:
        """Its value as it is stored."""
        return '"' + self.name.replace('"', '""') + '"'


def known_columns() -> dict[str, Column]:
    """By name, in the order in which they are shown."""
    kinds: dict[str, Kind] = {field.name: _kind(field.type) for field in QUESTIONS if field.name not in HIDDEN}
    return {name: Column(name, kind) for name, kind in {**kinds, **JOINED}.items()}


def _kind(type_: pa.DataType) -> Kind:
    if pa.types.is_boolean(type_):
        return "boolean"
    return "number" if pa.types.is_integer(type_) or pa.types.is_floating(type_) else "text"
