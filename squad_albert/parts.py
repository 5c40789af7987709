"""What a run that is under way has done: the rows of each group of questions, whole or absent.

A run that is killed keeps the groups that it had answered. Once it is complete, its tables hold all this, and the
parts are removed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from utils.files import whole_path

_QUESTIONS, _WINDOWS = ".questions.arrow", ".windows.arrow"


@dataclass(frozen=True)
class Part:
    """The rows of a group of n questions, in order."""

    questions: pa.Table
    windows: pa.Table | None = None  # None without a model
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # [n, H] by name; empty without a model


class Parts:
    """The parts of a run.

    Args:
        folder: holds nothing else; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def done(self) -> set[range]:
        """The groups of questions that are answered."""
        bounds = (path.name.removesuffix(_QUESTIONS).split("-") for path in self.folder.glob(f"*{_QUESTIONS}"))
        return {range(int(start), int(stop)) for start, stop in bounds}

    def write(self, group: range, part: Part) -> None:
        """Keeps the rows of a group; its questions come last and mark it as done.

        Raises:
            WriteError: if they cannot be written.
        """
        self.folder.mkdir(exist_ok=True)
        if part.windows is not None:
            _write(self._path(group, _WINDOWS), part.windows)
        table = part.questions
        for name, vectors in part.vectors.items():
            column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
            table = table.append_column(f"latent_{name}", column)
        _write(self._path(group, _QUESTIONS), table)

    def read(self, group: range) -> Part:
        """The rows of a group that is done."""
        table = _read(self._path(group, _QUESTIONS))
        vectors = {}
        for name in [name for name in table.column_names if name.startswith("latent_")]:
            column = table[name].combine_chunks()
            vectors[name.removeprefix("latent_")] = column.flatten().to_numpy().reshape(len(column), -1)
            table = table.drop_columns(name)
        windows = self._path(group, _WINDOWS)
        return Part(table, _read(windows) if windows.exists() else None, vectors)

    def remove(self) -> None:
        """Removes them all, and what killed processes left half-written."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _path(self, group: range, suffix: str) -> Path:
        return self.folder / f"{group.start}-{group.stop}{suffix}"


def _write(path: Path, table: pa.Table) -> None:
    with whole_path(path) as aside, pa.ipc.new_file(aside, table.schema) as writer:
        writer.write_table(table)


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
