"""SQuAD files: JSON 1.1 and 2.0, rows with the hub's columns as JSON, Parquet or Arrow, and folders of them."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .json_files import DoubledKeyError, JsonError, read_json
from .questions import SPLITS, DataError, Question
from .squad_checks import Checker, answers_meant, kind, near_miss

COLUMNS = ("id", "context", "question")
OPTIONAL_COLUMNS = ("title", "answers", "is_impossible")

_SPLIT_NAMES = {"training": "train", "dev": "validation", "val": "validation", "valid": "validation"}
_WORD = re.compile(r"[A-Za-z]+")
_FIRST_WORD = re.compile(r"([A-Za-z]+)(?:[-_.].*)?")
_DATA_FILE = re.compile(r"(.+?)(\.(?:json|jsonl|ndjson)(?:\.gz)?|\.parquet|\.arrow)", re.IGNORECASE | re.DOTALL)
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})")
_NUMBERED = re.compile(r"(?:[A-Za-z]+[-_])?(\d+)(?:-of-\d+)?")
_RECORD_KEYS = {"paragraphs", "qas", "context", "question"}
_ROWS_AT_ONCE = 8192


def split_named(name: str) -> str | None:
    """The split that a file's stem or a hub's split name stands for, if any.

    >>> split_named("dev-v2.0"), split_named("train-00000-of-00002"), split_named("predictions")
    ('validation', 'train', None)
    """
    match = _FIRST_WORD.fullmatch(name)
    return _split_of_word(match[1]) if match else None


def split_within(name: str) -> str | None:
    """The one split that words of a name stand for, wherever they are in it, if any.

    >>> split_within("my_train"), split_within("squad-dev-v2.0"), split_within("train_and_test")
    ('train', 'validation', None)
    """
    found = {split for split in map(_split_of_word, _WORD.findall(name)) if split}
    return found.pop() if len(found) == 1 else None


def is_data_file(name: str) -> bool:
    """Whether a name ends like that of a file which can be read.

    >>> [is_data_file(name) for name in ("train.JSON", "dev.jsonl.gz", "dev.parquet", "dev.csv")]
    [True, True, True, False]
    """
    return bool(_DATA_FILE.fullmatch(name))


def stem(path: Path) -> str:
    """A file's name without what tells its form.

    >>> stem(Path("data/dev-v2.0.json.gz"))
    'dev-v2.0'
    """
    match = _DATA_FILE.fullmatch(path.name)
    return match[1] if match else path.stem


def folder_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each split in a folder, shards in order.

    A split is told by the first word of a file's name, here or one folder below, as on the hub; else by the folder
    of numbered files, as converted and saved datasets have them (``train/0000.parquet``); else by another word of
    the name (``my_train.json``). Numbered files alone are of the split that the folder itself is named after, or of
    the validation split.

    Raises:
        DataError: if a split has two files that are not shards of one, or lacks a shard.
    """
    paths = [path for pattern in ("*", "*/*", "*/*/*") for path in sorted(folder.glob(pattern))]
    paths = [path for path in paths if is_data_file(path.name) and _is_file_in_sight(path, folder)]
    near = [path for path in paths if path.parent == folder or path.parent.parent == folder]
    found: dict[str, list[Path]] = {}
    _add(found, {path: split_named(stem(path)) for path in near})
    _add(found, {path: _split_of_folder(path) for path in paths if path.parent != folder})
    _add(found, {path: split_within(stem(path)) for path in near})
    if not found:
        here = {path: _split_of_folder(path) or "validation" for path in near if path.parent == folder}
        _add(found, {path: split for path, split in here.items() if _is_numbered(path)})
    return {split: _in_order(split, files) for split, files in found.items()}


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
        checker = Checker(str(path), seen, title=stem(path).encode(errors="replace").decode())
        match = _DATA_FILE.fullmatch(path.name)
        if match is None:
            raise DataError(f"{path} is of the wrong kind. Give a SQuAD .json or a .parquet with the hub's columns.")
        if match[2].lower() in (".parquet", ".arrow"):
            _read_table(path, checker)
        else:
            _read_json(path, checker)
        questions += checker.finish()
        warnings += checker.warnings()
    return questions, warnings


def check_columns(names: Iterable[str], checker: Checker) -> list[str]:
    """The columns to read of a table.

    Raises:
        DataError: if one that is needed is missing, is there twice, or answers are in columns of another name.
    """
    names = list(names)
    missing = [column for column in COLUMNS if column not in names]
    wanted = [column for column in COLUMNS + OPTIONAL_COLUMNS if column in names]
    doubled = [column for column in wanted if names.count(column) > 1]
    answers = None if "answers" in names else answers_meant(dict.fromkeys(names, True))
    faults = [f"it has no column {', '.join(missing)} (it has {', '.join(names)})"] if missing else []
    faults += [f"it has the column {doubled[0]} twice"] if doubled else []
    faults += [near for near in (near_miss(column, names) for column in missing) if near]
    faults += [f"`{answers}`: did you mean `answers`?"] if answers else []
    if faults:
        raise DataError(
            f"{checker.source} is of the wrong kind: {'; '.join(faults)}. "
            "Give data with the columns id, title, context, question and answers, as rajpurkar/squad has them."
        )
    checker.leave(name for name in names if name not in wanted)
    return wanted


@_no_collection()
def read_rows(rows: Iterable[Any], checker: Checker) -> int:
    """Checks the rows of a table with the hub's columns, and counts them."""
    number = 0
    for number, row in checker.objects(rows, "rows", "top level"):
        title, place = checker.title(row, f"row {number}")
        checker.question(row, title, checker.context(row, place), place)
    return number


def _split_of_word(word: str) -> str | None:
    split = _SPLIT_NAMES.get(word.lower(), word.lower())
    return split if split in SPLITS else None


def _split_of_folder(path: Path) -> str | None:
    """The split that the folder of a numbered file is named after."""
    name = path.parent.absolute().name
    return (split_named(name) or split_within(name)) if _is_numbered(path) else None


def _is_numbered(path: Path) -> bool:
    """Whether a file's name says nothing but which one of several it is."""
    return bool(_NUMBERED.fullmatch(stem(path))) and split_within(stem(path)) is None


def _is_file_in_sight(path: Path, folder: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _add(found: dict[str, list[Path]], splits: Mapping[Path, str | None]) -> None:
    """Adds files to the splits that have none yet."""
    taken = {path for paths in found.values() for path in paths}
    missing = set(SPLITS) - set(found)
    for path, split in splits.items():
        if split in missing and path not in taken:
            found.setdefault(split, []).append(path)


def _in_order(split: str, paths: list[Path]) -> list[Path]:
    """The files of a split in the order of their numbers, once it is certain that they are shards of one."""
    shards = [_SHARD.fullmatch(stem(path)) for path in paths]
    families = {(path.parent, match[1], match[3]) for path, match in zip(paths, shards, strict=True) if match}
    if len(paths) == 1 and not families:
        return paths
    if not families and len({path.parent for path in paths}) == 1 and all(map(_split_of_folder, paths)):
        numbers = {int(match[1]): path for path in paths if (match := _NUMBERED.fullmatch(stem(path)))}
        if sorted(numbers) in (list(range(len(paths))), list(range(1, len(paths) + 1))):
            return [numbers[number] for number in sorted(numbers)]
    if None in shards or len(families) > 1:
        names = ", ".join(str(path) for path in paths)
        raise DataError(f"The {split} split has several files: {names}. Keep one, or name the one to use as `data`.")
    total = int(next(iter(families))[2])
    if len(paths) != total:
        raise DataError(
            f"The {split} split has {len(paths)} of {total} shards beside {paths[0]}. Add the missing ones."
        )
    return paths


@_no_collection()
def _read_json(path: Path, checker: Checker) -> None:
    try:
        found = read_json(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error
    except DoubledKeyError as error:
        raise DataError(f"{path}: {error}, and only one of the two would be read. Rename or remove one.") from error
    except JsonError as error:
        raise DataError(f"{path} is not JSON: {error}. Mend the file, or fetch it again.") from error
    records = _records(found.value, path)
    what = "JSON lines" if found.lines else "rows"
    if _are_rows(records):
        checker.take(f"{what}, a question each", read_rows(records, checker))
        return
    if found.lines:
        checker.take(f"{what}, an article each", len(records))
    for number, article in checker.objects(records, "data", "top level"):
        title, place = checker.title(article, f"article {number}")
        for part, paragraph in checker.items(article, "paragraphs", place):
            where = f"{place}, paragraph {part}"
            context = checker.context(paragraph, where)
            for _, record in checker.items(paragraph, "qas", where):
                checker.question(record, title, context, where)


def _records(value: Any, path: Path) -> list[Any]:
    """The articles or rows of a file: under ``data``, in a bare list, or one alone."""
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        return list(value["data"])
    if isinstance(value, list) and (not value or any(_is_record(one) for one in value)):
        return value
    if _is_record(value):
        return [value]
    raise DataError(
        f"{path} is of the wrong kind: SQuAD JSON is an object with a list `data`, but this is {_shape(value)}. "
        "Give a file of SQuAD 1.1 or 2.0."
    )


def _is_record(value: Any) -> bool:
    """Whether a value is an article or a row; not so a table that is written column by column."""
    if not isinstance(value, dict) or not value.keys() & _RECORD_KEYS:
        return False
    return not any(isinstance(value.get(key), list | dict) for key in ("context", "question"))


def _are_rows(records: Iterable[Any]) -> bool:
    objects = [one for one in records if isinstance(one, dict)]
    return not any("paragraphs" in one for one in objects) and any("question" in one for one in objects)


def _shape(value: Any) -> str:
    if not isinstance(value, dict):
        return kind(value)
    keys = ", ".join(list(value)[:5])
    near = near_miss("data", value)
    if near is None and {"context", "question"} <= value.keys():
        return f"an object with {keys}: columns. Write an object for each question"
    return f"an object with {keys}" + (f"; {near}" if near else "")


def _read_table(path: Path, checker: Checker) -> None:
    import pyarrow

    form, rows = ("Arrow", _arrow_rows) if path.name.lower().endswith(".arrow") else ("Parquet", _parquet_rows)
    try:
        read_rows(rows(path, checker), checker)
    except FileNotFoundError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(f"{path} cannot be read as {form}: {error}. Fetch or write the file again.") from error


def _parquet_rows(path: Path, checker: Checker) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        columns = check_columns(file.schema_arrow.names, checker)
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
            yield from batch.to_pylist()


def _arrow_rows(path: Path, checker: Checker) -> Iterator[dict[str, Any]]:
    """The rows of a file as `datasets` saves them: a stream of record batches."""
    from pyarrow import OSFile, ipc

    with OSFile(str(path)) as file, ipc.open_stream(file) as batches:
        columns = check_columns(batches.schema.names, checker)
        for batch in batches:
            yield from batch.select(columns).to_pylist()
