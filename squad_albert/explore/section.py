"""What an analysis gives: a table, the sentences that say what it shows, and the numbers in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, eq=False)
class Section:
    """A section of the report, and its tables in the run."""

    name: str  # of the main table: RUN/<name>.parquet
    title: str  # heading of the report
    table: pd.DataFrame  # may have no rows, never no columns
    sentences: list[str]  # what it shows, numbers computed from the run, plain text
    facts: dict[str, float | str | int] = field(default_factory=dict)  # the numbers, for explore.json
    more: dict[str, pd.DataFrame] = field(default_factory=dict)  # further tables, RUN/<key>.parquet
    empty: str | None = None  # why there is nothing to show, and what to do about it
