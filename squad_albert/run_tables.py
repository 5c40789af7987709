"""A finished run as tables: what every analysis reads."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from .run_columns import ALWAYS_KNOWN, KNOWN_OF_WINDOWS, QUESTIONS, VECTORS, WINDOWS
from .run_folder import MANIFEST, RunError, complete_manifest
from .run_inside import inside


@dataclass(frozen=True, eq=False)
class RunTables:
    """A run. The columns of its tables are those of ``run_columns``; the latent vectors are memory-mapped."""

    folder: Path
    manifest: dict[str, Any]  # splits, settings, model, engine, sources, ...
    questions: pd.DataFrame  # a row a question
    windows: pd.DataFrame | None  # a row a window; None where the run was made without a model
    vectors: dict[str, NDArray[np.float32]]  # [Q, H] by name; empty where the run was made without a model

    def latent(self, name: str) -> NDArray[np.float32]:
        """Latent vectors, float32 [Q, H].

        Args:
            name: cls, context or answer.

        Raises:
            RunError: if the run has none, or some that are not finite.
        """
        if name not in self.vectors:
            raise RunError(
                f"{self.folder} has no latent vectors `{name}`: it was made from predictions, without a model. "
                "Make a run with a model: squad-albert evaluate --model FOLDER --out RUN"
            )
        vectors = self.vectors[name]
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            raise RunError(
                f"{self.folder}: {len(bad)} latent vectors `{name}` are not finite, the first of question "
                f"{self.questions['id'].iloc[bad[0]]}. Check the exported model and its precision, and run it again."
            )
        return vectors

    def row(self, question_id: str) -> int:
        """The row of a question.

        Raises:
            RunError: if the run has no such question; names the nearest ids.
        """
        if question_id not in self._rows:
            near = difflib.get_close_matches(question_id, self._rows, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "Ids are in its questions.parquet."
            raise RunError(f"{self.folder} has no question `{question_id}`. {hint}")
        return self._rows[question_id]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.questions["id"])}


def read_run(folder: Path) -> RunTables:
    """A finished run, its files checked against their hashes.

    Raises:
        RunError: if the folder is no run, an incomplete one or one of another version, or a file is gone or damaged,
            or the folder was forged.
    """
    manifest = complete_manifest(folder)
    questions = _table(_listed(folder, manifest, "questions.parquet"), QUESTIONS, ALWAYS_KNOWN)
    if questions["id"].duplicated().any():
        raise _forged(folder / "questions.parquet", "two of its questions have one id")
    if manifest["model"] is None:
        return RunTables(folder, manifest, questions, None, {})
    path = _listed(folder, manifest, "windows.parquet")
    windows = _table(path, WINDOWS, KNOWN_OF_WINDOWS)
    if not windows["question"].between(0, len(questions) - 1).all():
        raise _forged(path, "it has windows of questions that are not there")
    if not questions["window"].between(0, len(windows) - 1).all():
        raise _forged(folder / "questions.parquet", "it has predictions from windows that are not there")
    vectors = {name: _vectors(_listed(folder, manifest, f"latent_{name}.npy"), len(questions)) for name in VECTORS}
    return RunTables(folder, manifest, questions, windows, vectors)


def _listed(folder: Path, manifest: dict[str, Any], name: str) -> Path:
    """The path of a file that a manifest must list, and so has the hash of."""
    if name not in manifest["files"]:
        raise _forged(folder / MANIFEST, f"it does not list {name}")
    return inside(folder, name)


def _table(path: Path, schema: pa.Schema, known: Sequence[str]) -> pd.DataFrame:
    """A table of a run; ``known`` are the columns without missing values."""
    try:
        table = parquet.read_table(path, schema=schema)
        table.validate(full=True)
        lacking = [name for name in known if table[name].null_count]
        found = frame(table)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _forged(path, str(error)) from error
    if lacking:
        raise _forged(path, f"it lacks values of {', '.join(lacking)}")
    return found


def _vectors(path: Path, count: int) -> NDArray[np.float32]:
    try:
        vectors = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise _forged(path, str(error)) from error
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or vectors.shape[:1] != (count,):
        raise _forged(path, f"it does not hold {count} vectors in float32")
    if vectors.ndim != 2:
        raise _forged(path, f"it holds an array of {vectors.ndim} dimensions, not of two")
    return vectors


def _forged(path: Path, why: str) -> RunError:
    return RunError(
        f"{path} is not as squad-albert writes it: {why}. Make the run again: squad-albert evaluate --out FOLDER"
    )


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table for pandas: numbers with nulls become float64 with NaN, lists stay in Arrow's memory.

    A cell of a list column is a Python list.
    """
    return table.to_pandas(types_mapper=lambda kind: pd.ArrowDtype(kind) if pa.types.is_list(kind) else None)
