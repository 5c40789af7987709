"""Sections on disk: their tables in the run's folder, all else in ``explore.json``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from project_config import Settings
from squad_albert.files import sha256, write_json
from squad_albert.run_folder import MANIFEST
from squad_albert.run_inside import RunError, check, inside, read_object
from squad_albert.run_tables import frame
from utils.files import locked, remove_leftovers, whole_path

from .section import Section

FORMAT = 2
"""The number of this layout; it grows when the analyses would give other tables for the same run."""

EXPLORED = "explore.json"

RESULT_SETTINGS = ("latent", "map", "seed")
"""The settings on which analyses depend, beside the run itself."""

PACKAGES = ("numpy", "pandas", "scikit-learn", "umap-learn", "fast-hdbscan", "sliceline", "cleanlab", "tensorflow")
"""Their versions are noted, as others may draw another map and find other clusters."""


_RUN_TABLES = ("questions", "windows")


def _no_table_of_the_run(name: str) -> str:
    if name in _RUN_TABLES:
        raise ValueError(f"{name} is a table of the run itself")
    return name


TableName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,100}$"), AfterValidator(_no_table_of_the_run)]
"""Of a table of a section: no path, and none of the run's own."""


def identity(folder: Path, settings: Settings) -> dict[str, Any]:
    """What makes the analyses of two runs the same: format, the manifest of a run, which is there, and settings."""
    return {
        "format": FORMAT,
        "run": sha256(inside(folder, MANIFEST)),
        "settings": settings.model_dump(include=set(RESULT_SETTINGS)),
    }


class _Entry(BaseModel):
    """What ``explore.json`` says of a section."""

    model_config = ConfigDict(strict=True)

    title: str
    sentences: list[str]
    facts: dict[str, bool | int | float | str | None]
    empty: str | None
    tables: dict[TableName, str]  # hash by name


class _Sections(BaseModel):
    """What ``explore.json`` says of all of them."""

    model_config = ConfigDict(strict=True)

    sections: dict[TableName, _Entry]

    @model_validator(mode="after")
    def _have_main_tables(self) -> _Sections:
        for name, entry in self.sections.items():
            if name not in entry.tables:
                raise ValueError(f"{name} lacks the table {name}")
        return self


class Store:
    """The sections in a run's folder; several processes may add to them at once.

    Args:
        folder: of a finished run.
        what: the ``identity`` of the analyses.
    """

    def __init__(self, folder: Path, what: Mapping[str, Any]) -> None:
        self.folder = folder
        self._what = dict(what)

    def take_over(self) -> None:
        """Keeps what analyses of the same identity have left, and removes what others have, and killed processes.

        Raises:
            RunError: if what is there is not of this project; it stays.
            WriteError: if the folder cannot be written to.
        """
        with locked(self.folder):
            remove_leftovers(self.folder)
            found = _read(self.folder)
            if found is None or self._is_ours(found):
                return
            self._remove(table for entry in found["sections"].values() for table in entry["tables"])
            self._list({})  # ours from now on, also for a process that is yet exploring it with other settings

    def write(self, section: Section) -> None:
        """Writes a section, its tables first, in place of an older one of its name.

        Raises:
            RunError: if another process has replaced the run meanwhile, or explores it with other settings.
            WriteError: if a file cannot be written.
        """
        with locked(self.folder):
            entries = self._entries()
            tables = {section.name: section.table, **section.more}
            for name, table in tables.items():
                _write_table(_path(self.folder, name), table)
            self._remove(set(entries.get(section.name, {"tables": {}})["tables"]) - set(tables))
            entries[section.name] = {
                "title": section.title,
                "sentences": section.sentences,
                "facts": {key: _plain(value) for key, value in section.facts.items()},
                "empty": section.empty,
                "tables": {name: sha256(_path(self.folder, name)) for name in tables},
            }
            self._list(entries)

    def _entries(self) -> dict[str, Any]:
        """Those of the sections that are there, as others may have been written since the last one."""
        if sha256(inside(self.folder, MANIFEST)) != self._what["run"]:
            raise RunError(f"the run {self.folder} has been made anew while it was explored. Explore it again.")
        found = _read(self.folder) or {**self._what, "sections": {}}
        if not self._is_ours(found):
            raise RunError(
                f"another process explores {self.folder} with other settings. Wait for it, then explore it again."
            )
        entries: dict[str, Any] = found["sections"]
        return entries

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        return all(found.get(key) == value for key, value in self._what.items())

    def _list(self, entries: Mapping[str, Any]) -> None:
        versions = {name: version(name) for name in PACKAGES}
        write_json(self.folder / EXPLORED, {**self._what, "versions": versions, "sections": entries})

    def _remove(self, tables: Iterable[str]) -> None:
        for path in [_path(self.folder, name) for name in tables]:  # all checked before the first is gone
            path.unlink(missing_ok=True)


def read_sections(folder: Path) -> dict[str, Section]:
    """The sections that were explored, by name, their tables checked against their hashes.

    Raises:
        RunError: if the run was not explored, or changed since, or a table is gone or damaged, or the folder forged.
    """
    found = _read(folder)
    again = f"Explore it again: squad-albert explore {folder}"
    if found is None:
        raise RunError(f"{folder} is not explored yet. Explore it: squad-albert explore {folder}")
    if found.get("format") != FORMAT:
        raise RunError(f"{folder} was explored by another version of squad-albert. {again}")
    manifest = inside(folder, MANIFEST)
    if not manifest.exists() or found.get("run") != sha256(manifest):
        raise RunError(f"the analyses in {folder} are of another run than the one that is there now. {again}")
    return {name: _section(folder, name, entry, again) for name, entry in found["sections"].items()}


def _section(folder: Path, name: str, entry: Mapping[str, Any], again: str) -> Section:
    tables = {}
    for table, digest in entry["tables"].items():
        path = _path(folder, table)
        if not path.exists() or sha256(path) != digest:
            raise RunError(f"{path} is gone or changed since the run was explored. {again}")
        try:
            tables[table] = frame(parquet.read_table(path))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise RunError(f"{path} cannot be read: {error}. {again}") from error
    return Section(name, entry["title"], tables.pop(name), entry["sentences"], entry["facts"], tables, entry["empty"])


def _path(folder: Path, table: str) -> Path:
    return inside(folder, f"{table}.parquet")


def _read(folder: Path) -> dict[str, Any] | None:
    path = inside(folder, EXPLORED)
    if not path.exists():
        return None
    remedy = "Remove it: squad-albert explore writes it anew."
    try:
        found = read_object(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}. {remedy}") from error
    check(_Sections, found, str(path), remedy)
    return found


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with whole_path(path) as aside:
        parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), aside)


def _plain(value: Any) -> float | int | str | None:
    """A fact as JSON has it; what is not finite is null."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
