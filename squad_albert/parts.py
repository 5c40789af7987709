"""The answers of a run that is under way: a file for each group of questions, whole or absent.

A run that is killed keeps the groups that it had answered. Once it is complete, its files hold all this, and the
parts are removed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .files import whole_file

_SUFFIX = ".jsonl"


class Answered(NamedTuple):
    """What a run keeps of a question."""

    id: str
    best: str  # the answer given, "" for no answer
    forced: str  # the best span, whether or not no answer was given
    null_odds: float  # logits by which no answer beats that span
    nbest: list[dict[str, object]]  # the n-best answers, as in nbest.json


class Parts:
    """The parts of a run.

    Args:
        folder: holds nothing else; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def done(self) -> set[range]:
        """The groups of questions that are answered."""
        bounds = (path.stem.split("-") for path in self.folder.glob(f"*{_SUFFIX}"))
        return {range(int(start), int(stop)) for start, stop in bounds}

    def write(self, group: range, answered: Iterable[Answered]) -> None:
        """Keeps the answers to a group, in order.

        Raises:
            WriteError: if they cannot be written.
        """
        self.folder.mkdir(exist_ok=True)
        with whole_file(self._path(group)) as stream:
            stream.writelines(json.dumps(one, ensure_ascii=False, allow_nan=False) + "\n" for one in answered)

    def read(self, groups: Iterable[range]) -> Iterator[Answered]:
        """The answers to these groups, which must all be done, one by one."""
        for group in groups:
            with self._path(group).open(encoding="utf-8") as stream:
                yield from (Answered(*json.loads(line)) for line in stream)

    def remove(self) -> None:
        """Removes them all, and what killed processes left half-written."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _path(self, group: range) -> Path:
        return self.folder / f"{group.start}-{group.stop}{_SUFFIX}"
