"""Sections on disk: their tables in the run's folder, all else in ``explore.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from project_config import Settings
from squad_albert.files import sha256, write_json
from squad_albert.run_folder import MANIFEST, RunError
from squad_albert.run_tables import frame
from utils.files import whole_path

from .section import Section

FORMAT = 2
"""The number of this layout; it grows when the analyses would give other tables for the same run."""

EXPLORED = "explore.json"

RESULT_SETTINGS = ("latent", "map", "seed")
"""The settings on which analyses depend, beside the run itself."""

PACKAGES = ("numpy", "pandas", "scikit-learn", "umap-learn", "fast-hdbscan", "sliceline", "cleanlab", "tensorflow")
"""Their versions are noted, as others may draw another map and find other clusters."""


def identity(folder: Path, settings: Settings) -> dict[str, Any]:
    """What makes the analyses of two runs the same: format, the run's manifest, settings."""
    return {
        "format": FORMAT,
        "run": sha256(folder / MANIFEST),
        "settings": settings.model_dump(include=set(RESULT_SETTINGS)),
    }


class Store:
    """The sections in a run's folder.

    Args:
        folder: of a finished run.
        what: the ``identity`` of the analyses.
    """

    def __init__(self, folder: Path, what: Mapping[str, Any]) -> None:
        self.folder = folder
        self._what = dict(what)
        self._entries: dict[str, Any] = {}

    def take_over(self) -> None:
        """Keeps what analyses of the same identity have left, and removes what others have."""
        found = _read(self.folder) or {"sections": {}}
        if all(found.get(key) == value for key, value in self._what.items()):
            self._entries = found["sections"]
            return
        for entry in found["sections"].values():
            self._remove(entry["tables"])

    def write(self, section: Section) -> None:
        """Writes a section, its tables first, in place of an older one of its name.

        Raises:
            WriteError: if a file cannot be written.
        """
        tables = {section.name: section.table, **section.more}
        for name, table in tables.items():
            _write_table(self._path(name), table)
        self._remove(set(self._entries.get(section.name, {"tables": {}})["tables"]) - set(tables))
        self._entries[section.name] = {
            "title": section.title,
            "sentences": section.sentences,
            "facts": {key: _plain(value) for key, value in section.facts.items()},
            "empty": section.empty,
            "tables": {name: sha256(self._path(name)) for name in tables},
        }
        versions = {name: version(name) for name in PACKAGES}
        write_json(self.folder / EXPLORED, {**self._what, "versions": versions, "sections": self._entries})

    def _path(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def _remove(self, tables: Iterable[str]) -> None:
        for name in tables:
            self._path(name).unlink(missing_ok=True)


def read_sections(folder: Path) -> dict[str, Section]:
    """The sections that were explored, by name, their tables checked against their hashes.

    Raises:
        RunError: if the run was not explored, or changed since, or a table is gone or damaged.
    """
    found = _read(folder)
    again = f"Explore it again: squad-albert explore {folder}"
    if found is None:
        raise RunError(f"{folder} is not explored yet. Explore it: squad-albert explore {folder}")
    if found.get("format") != FORMAT:
        raise RunError(f"{folder} was explored by another version of squad-albert. {again}")
    if found["run"] != sha256(folder / MANIFEST):
        raise RunError(f"the analyses in {folder} are of another run than the one that is there now. {again}")
    return {name: _section(folder, name, entry, again) for name, entry in found["sections"].items()}


def _section(folder: Path, name: str, entry: Mapping[str, Any], again: str) -> Section:
    tables = {}
    for table, digest in entry["tables"].items():
        path = folder / f"{table}.parquet"
        if not path.is_file() or sha256(path) != digest:
            raise RunError(f"{path} is gone or changed since the run was explored. {again}")
        tables[table] = frame(parquet.read_table(path))
    return Section(name, entry["title"], tables.pop(name), entry["sentences"], entry["facts"], tables, entry["empty"])


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / EXPLORED
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}. Remove it: squad-albert explore writes it anew.") from error
    if not isinstance(found, dict) or not isinstance(found.get("sections"), dict):
        raise RunError(f"{path} does not list analyses. Remove it: squad-albert explore writes it anew.")
    return found


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with whole_path(path) as aside:
        parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), aside)


def _plain(value: Any) -> float | int | str | None:
    """A fact as JSON has it; what is not finite is null."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
