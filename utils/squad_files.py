"""SQuAD files: JSON 1.1 and 2.0, Parquet with the hub's columns, and folders of them."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .questions import SPLITS, DataError, Question
from .squad_checks import Checker, kind

COLUMNS = ("id", "title", "context", "question")
OPTIONAL_COLUMNS = ("answers", "is_impossible")
SUFFIXES = (".json", ".parquet")

_SPLIT_NAMES = {"training": "train", "dev": "validation", "val": "validation", "valid": "validation"}
_FILE_NAME = re.compile(r"([A-Za-z]+)(?:[-_.].*)?")
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})")
_ROWS_AT_ONCE = 8192


def split_named(name: str) -> str | None:
    """The split that a file's stem or a hub's split name stands for, if any.

    >>> split_named("dev-v2.0"), split_named("train-00000-of-00002"), split_named("predictions")
    ('validation', 'train', None)
    """
    match = _FILE_NAME.fullmatch(name)
    word = match[1].lower() if match else ""
    split = _SPLIT_NAMES.get(word, word)
    return split if split in SPLITS else None


def folder_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each split in a folder (or one folder below, as on the hub), shards in order.

    Raises:
        DataError: if a split has two files that are not shards of one, or lacks a shard.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        split = split_named(path.stem)
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if split and path.suffix in SUFFIXES and path.is_file() and not hidden:
            found.setdefault(split, []).append(path)
    for split, paths in found.items():
        _check_shards(split, paths)
    return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps Python from looking for garbage: it would go through ever more questions, of which none is any."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_files(paths: Iterable[Path]) -> tuple[list[Question], list[str]]:
    """The questions of one split, and warnings, from its files.

    Raises:
        DataError: with all problems of the first file that has any.
    """
    questions: list[Question] = []
    warnings: list[str] = []
    seen: dict[str, str] = {}
    for path in paths:
        checker = Checker(str(path), seen)
        if path.suffix == ".json":
            _read_json(path, checker)
        elif path.suffix == ".parquet":
            _read_parquet(path, checker)
        else:
            raise DataError(f"{path} is of the wrong kind. Give a SQuAD .json or a .parquet with the hub's columns.")
        questions += checker.finish()
        warnings += checker.warnings()
    return questions, warnings


def check_columns(names: Iterable[str], source: str) -> list[str]:
    """The columns to read of a table.

    Raises:
        DataError: if one that is needed is missing.
    """
    names = list(names)
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise DataError(
            f"{source} is of the wrong kind: it has no column {', '.join(missing)} (it has {', '.join(names)}). "
            "Give data with the columns id, title, context, question and answers, as rajpurkar/squad has them."
        )
    return [column for column in COLUMNS + OPTIONAL_COLUMNS if column in names]


@_no_collection()
def read_rows(rows: Iterable[Mapping[str, Any]], checker: Checker) -> None:
    """Checks the rows of a table with the hub's columns."""
    for number, row in enumerate(rows, 1):
        place = f"row {number}"
        title = checker.text(row, "title", place)
        if title is not None:
            place = f"{place} ({title})"
        checker.question(row, title, checker.context(row, place), place)


def _check_shards(split: str, paths: list[Path]) -> None:
    shards = [_SHARD.fullmatch(path.stem) for path in paths]
    families = {(path.parent, match[1], match[3]) for path, match in zip(paths, shards, strict=True) if match}
    if len(paths) == 1 and not families:
        return
    if None in shards or len(families) > 1:
        names = ", ".join(str(path) for path in paths)
        raise DataError(f"The {split} split has several files: {names}. Keep one, or name the one to use as `data`.")
    total = int(next(iter(families))[2])
    if len(paths) != total:
        raise DataError(
            f"The {split} split has {len(paths)} of {total} shards beside {paths[0]}. Add the missing ones."
        )


@_no_collection()
def _read_json(path: Path, checker: Checker) -> None:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}. Mend the file, or fetch it again.") from error
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        found = f"an object with {', '.join(list(document)[:5])}" if isinstance(document, dict) else kind(document)
        raise DataError(
            f"{path} is of the wrong kind: SQuAD JSON is an object with a list `data`, but this is {found}. "
            "Give a file of SQuAD 1.1 or 2.0."
        )
    for number, article in checker.items(document, "data", "top level"):
        title = checker.text(article, "title", f"article {number}")
        place = f"article {number}" if title is None else f"article {number} ({title})"
        for part, paragraph in checker.items(article, "paragraphs", place):
            where = f"{place}, paragraph {part}"
            context = checker.context(paragraph, where)
            for _, record in checker.items(paragraph, "qas", where):
                checker.question(record, title, context, where)


def _read_parquet(path: Path, checker: Checker) -> None:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            columns = check_columns(file.schema_arrow.names, str(path))
            batches = file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns)
            read_rows((row for batch in batches for row in batch.to_pylist()), checker)
    except FileNotFoundError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}. Fetch or write the file again.") from error
