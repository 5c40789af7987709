"""A finished run as tables: what every analysis reads."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from .run_columns import QUESTIONS, VECTORS, WINDOWS
from .run_folder import RunError, complete_manifest


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
        RunError: if the folder is no run, an incomplete one or one of another version, or a file is gone or damaged.
    """
    manifest = complete_manifest(folder)
    with_model = manifest["model"] is not None
    return RunTables(
        folder,
        manifest,
        frame(parquet.read_table(folder / "questions.parquet", schema=QUESTIONS)),
        frame(parquet.read_table(folder / "windows.parquet", schema=WINDOWS)) if with_model else None,
        {name: np.load(folder / f"latent_{name}.npy", mmap_mode="r") for name in VECTORS} if with_model else {},
    )


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table for pandas: numbers with nulls become float64 with NaN, lists stay in Arrow's memory.

    A cell of a list column is a Python list.
    """
    return table.to_pandas(types_mapper=lambda kind: pd.ArrowDtype(kind) if pa.types.is_list(kind) else None)
