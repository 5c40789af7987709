"""What lies in a run's folder. A run may come from anywhere: nothing outside of its folder is read, written or removed.

So names that its files tell are checked before they become paths, and links in it are refused: where they lead, only
the one who made them knows.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from project_config import ProjectError

ModelT = TypeVar("ModelT", bound=BaseModel)

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LONGEST_NAME = 200
_LONGEST_SHOWN = 60
_MOST_TOLD = 5  # problems of one file


class RunError(ProjectError):
    """A folder is not the run that is wanted."""


def inside(folder: Path, name: str) -> Path:
    """The path of a file of a run; it need not exist.

    Raises:
        RunError: if the name is not that of a file in the folder itself, or a link, a folder or a device has it.

    >>> inside(Path("runs/demo"), "../questions.parquet")
    Traceback (most recent call last):
    squad_albert.run_inside.RunError: runs/demo names a file '../questions.parquet', which cannot be in it. ...
    """
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise RunError(
            f"{folder} names a file {name[:_LONGEST_SHOWN]!r}, which cannot be in it. The run was forged or damaged: "
            "remove the folder and make the run again."
        )
    return _of_kind(folder / name, stat.S_ISREG, "file")


def inside_folder(folder: Path, name: str) -> Path:
    """The path of a folder of the project's own in that of a run; it need not exist.

    Raises:
        RunError: if a link or a file has its name.
    """
    return _of_kind(folder / name, stat.S_ISDIR, "folder")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file: with no text that cannot be written again, and no number that JSON does not have.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it does not hold a JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode()  # lone surrogates are refused, as NaN is
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError(f"it holds {type(values).__name__}, not an object")
    return values


def check(model: type[ModelT], values: Any, what: str, remedy: str) -> ModelT:
    """Values that a file of a run holds, if they are of the types that they should be of.

    Args:
        model: says what they should be.
        values: as ``read_object`` gives them.
        what: names the file in messages.
        remedy: what to do about another file.

    Raises:
        RunError: naming what is wrong.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[:_MOST_TOLD]
        told = "; ".join(f"`{_place(problem['loc'])}`: {problem['msg']}" for problem in wrong)
        raise RunError(f"{what} is not as squad-albert writes it: {told}. {remedy}") from error


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:_LONGEST_SHOWN] for part in parts).encode("unicode_escape").decode()


def _of_kind(path: Path, is_kind: Any, kind: str) -> Path:
    try:
        found = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}. Make it readable, or make the run again.") from error
    if not is_kind(found):
        has = "a link" if stat.S_ISLNK(found) else "something else"
        raise RunError(
            f"{path} is {has}, not a {kind}: a run may come from anywhere, so nothing outside of its folder is read "
            f"or written. Put the {kind} itself there, or remove it."
        )
    return path
