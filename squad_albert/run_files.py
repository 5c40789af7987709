"""The files of a finished run, put together from its parts, one part in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray
from pyarrow import parquet

from utils.files import whole_file, whole_path

from .files import EntryWriter, write_json
from .parts import Parts
from .run_columns import QUESTIONS, VECTORS, WINDOWS


def assemble(parts: Parts, groups: Sequence[range], folder: Path, with_model: bool) -> list[str]:
    """Writes tables, vectors and answers.

    Args:
        parts: of these groups, all done.
        groups: of questions, in order.
        folder: the run's.
        with_model: else there are neither windows nor vectors nor n-best answers.

    Returns:
        The names of the files.

    Raises:
        WriteError: if a file cannot be written.
    """
    table = folder / "questions.parquet"
    _write_table(table, QUESTIONS, (parts.read(group).questions for group in groups))
    names = [table.name, "predictions.json"]
    write_json(folder / "predictions.json", column(table, "prediction"))
    if with_model:
        _write_table(folder / "windows.parquet", WINDOWS, (parts.read(group).windows for group in groups))
        _write_nbest(folder / "nbest.json", (parts.read(group).questions for group in groups))
        for name in VECTORS:
            vectors = (parts.read(group).vectors[name] for group in groups)
            _write_vectors(folder / f"latent_{name}.npy", vectors, groups[-1].stop)
        names += ["windows.parquet", "nbest.json", *(f"latent_{name}.npy" for name in VECTORS)]
    null_odds = column(table, "null_odds")
    if None not in null_odds.values():
        write_json(folder / "null_odds.json", null_odds)
        names.append("null_odds.json")
    return names


def column(table: Path, name: str) -> dict[str, Any]:
    """A column of ``questions.parquet``, by id."""
    found = parquet.read_table(table, columns=["id", name])
    return dict(zip(found["id"].to_pylist(), found[name].to_pylist(), strict=True))


def _write_table(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    with whole_path(path) as aside, parquet.ParquetWriter(aside, schema) as writer:
        for table in tables:
            writer.write_table(table)


def _write_nbest(path: Path, tables: Iterable[pa.Table]) -> None:
    with whole_file(path) as stream, closing(EntryWriter(stream)) as nbest:
        for table in tables:
            for key, answers in zip(table["id"].to_pylist(), table["nbest"].to_pylist(), strict=True):
                nbest.add(key, answers)


def _write_vectors(path: Path, vectors: Iterable[NDArray[np.float32]], count: int) -> None:
    """As ``np.save`` would write them together: float32 [count, H]."""
    with whole_path(path) as aside, aside.open("wb") as stream:
        for number, some in enumerate(vectors):
            if number == 0:
                shape = (count, some.shape[1])
                npy.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
            stream.write(np.ascontiguousarray(some, "<f4").tobytes())
