"""What a run that is under way has done: the rows of each group of questions, whole or absent.

A run that is killed keeps the groups that it had answered. Once it is complete, its tables hold all this, and the
parts are removed.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from utils.files import whole_path

from .run_inside import RunError, inside, inside_folder

_QUESTIONS, _WINDOWS = ".questions.arrow", ".windows.arrow"
_BOUNDS = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


@dataclass(frozen=True)
class Part:
    """The rows of a group of n questions, in order."""

    questions: pa.Table
    windows: pa.Table | None = None  # None without a model
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # [n, H] by name; empty without a model


class Parts:
    """The parts of a run.

    Args:
        run: the run's folder; that of the parts in it need not exist.

    Raises:
        RunError: if something else is where they are to be.
    """

    def __init__(self, run: Path) -> None:
        self.folder = inside_folder(run, "parts")

    def done(self) -> set[range]:
        """The groups of questions that are answered.

        Raises:
            RunError: if a file is there that is no part.
        """
        return {self._group(path) for path in self.folder.glob(f"*{_QUESTIONS}")}

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
        """The rows of a group that is done.

        Raises:
            RunError: if they are damaged, or not of as many questions.
        """
        table = self._read(group, _QUESTIONS)
        if len(table) != len(group):
            raise self.misfit(group, f"it has {len(table)} questions, not {len(group)}")
        vectors = {}
        for name in [name for name in table.column_names if name.startswith("latent_")]:
            column = table[name].combine_chunks()
            if not pa.types.is_fixed_size_list(column.type) or column.type.value_type != pa.float32():
                raise self.misfit(group, f"{name[:60]!r} are no vectors in float32")
            if column.null_count or column.values.null_count:
                raise self.misfit(group, f"{name[:60]!r} lacks values")
            vectors[name.removeprefix("latent_")] = column.flatten().to_numpy().reshape(len(column), -1)
            table = table.drop_columns(name)
        windows = self._read(group, _WINDOWS) if self._path(group, _WINDOWS).exists() else None
        return Part(table, windows, vectors)

    def remove(self) -> None:
        """Removes them all, and what killed processes left half-written."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def misfit(self, group: range, why: str) -> RunError:
        """What is said of a part that is not of the run: it is not gone on with."""
        return self._misfit(self._path(group, _QUESTIONS), why)

    def _misfit(self, path: Path, why: str) -> RunError:
        return RunError(f"{path} is no part of the run: {why}. Remove {self.folder} to have its questions asked again.")

    def _path(self, group: range, suffix: str) -> Path:
        return inside(self.folder, f"{group.start}-{group.stop}{suffix}")

    def _group(self, path: Path) -> range:
        match = _BOUNDS.fullmatch(path.name.removesuffix(_QUESTIONS))
        if not match:
            raise self._misfit(path, "its name does not say which questions it holds")
        return range(int(match[1]), int(match[2]))

    def _read(self, group: range, suffix: str) -> pa.Table:
        path = self._path(group, suffix)
        try:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
            table.validate(full=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._misfit(path, str(error)) from error
        return table


def _write(path: Path, table: pa.Table) -> None:
    with whole_path(path) as aside, pa.ipc.new_file(aside, table.schema) as writer:
        writer.write_table(table)
