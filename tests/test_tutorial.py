"""The tutorial of ``docs/false-labels.md`` is true: its commands run as they stand, and the loop gains what it says.

``python -m tests.test_tutorial`` runs them and writes what they print into the page.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from project_config import ROOT
from squad_albert.cli import app
from squad_albert.compare import compare
from tests import loop
from tests.test_readme import masked

TUTORIAL = ROOT / "docs" / "false-labels.md"
SETUP = ("make ", "source ")  # of the environment: a test has one

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.S | re.M)
_SHOWN = re.compile(r"<!-- prints: ([^\n]*) -->\n```text\n(.*?)```\n", re.S)
_COMMAND = re.compile(r".*<<'(\w+)'\n(?:.*\n)*?\1\n|.*\n")  # a line, with its here-document


@dataclass(frozen=True)
class Lap:
    """The folder in which the commands ran, and what each printed."""

    folder: Path
    printed: Mapping[str, str]
    before: Mapping[str, bytes]  # the data as it was first written


def commands() -> list[str]:
    """The commands of the page, in order."""
    blocks = _BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    found = [command[0].strip() for block in blocks for command in _COMMAND.finditer(block)]
    return [command for command in found if command and not command.startswith(SETUP)]


def run(command: str) -> str:
    """Runs a command, those of the project within this process; returns what it prints."""
    words = shlex.split(command)
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        if words[0] == "squad-albert":
            app(words[1:], prog_name="squad-albert", standalone_mode=False)
        elif words[:3] == ["python", "-m", "tests.loop"]:
            loop.main(words[3:])
        else:
            subprocess.run(["bash", "-eu", "-c", command], check=True, timeout=60)
    return stream.getvalue()


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Works in a folder, without settings from the environment."""
    kept = {key: value for key, value in os.environ.items() if key.startswith("SQUAD_ALBERT_")}
    for key in kept:
        del os.environ[key]
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.update(kept)


def go_round(folder: Path) -> Lap:
    """Runs every command of the page in a folder."""
    printed: dict[str, str] = {}
    before: dict[str, bytes] = {}
    with inside(folder):
        for command in commands():
            printed[command] = run(command)
            if not before:
                before = {path.name: path.read_bytes() for path in sorted(Path("loop/data").iterdir())}
    return Lap(folder, printed, before)


@pytest.fixture(scope="module")
def lap(tmp_path_factory: pytest.TempPathFactory) -> Lap:
    """The loop, closed once."""
    return go_round(tmp_path_factory.mktemp("tutorial"))


def comparison(lap: Lap) -> dict[str, Any]:
    return compare(lap.folder / "loop" / "first", lap.folder / "loop" / "second", seed=7, warn=lambda _: None)


def test_the_commands_are_found() -> None:
    names = [shlex.split(command)[:2] for command in commands()]
    asked = [name[1] for name in names if name[0] == "squad-albert"]
    assert asked == [
        "train", "export", "evaluate", "explore", "review", "relabel", "train", "export", "evaluate", "compare"
    ]  # fmt: skip
    assert [name[0] for name in names if name[0] != "squad-albert"] == ["python", "cat", "python", "mkdir", "cp", "sed"]


def test_the_false_labels_come_first(lap: Lap) -> None:
    false = loop.false_labels(lap.folder / "loop" / "data")
    ranked = pd.read_parquet(lap.folder / "loop" / "first" / "labels.parquet").sort_values("rank")["id"].tolist()
    assert len(false) > 100
    assert len(false & set(ranked[: 2 * len(false)])) >= 0.8 * len(false)


def test_the_relabeled_file_differs_in_what_was_decided_and_the_original_stays(lap: Lap) -> None:
    folder = lap.folder / "loop"
    assert {path.name: path.read_bytes() for path in sorted((folder / "data").iterdir())} == lap.before
    assert (folder / "relabeled" / "validation.json").read_bytes() == lap.before["validation.json"]
    false, left = loop.false_labels(folder / "data"), loop.false_labels(folder / "relabeled")
    assert left < false
    assert len(left) <= 0.2 * len(false)


def test_the_loop_gains_and_says_how_sure_that_is(lap: Lap) -> None:
    result = comparison(lap)
    assert result["questions"] == result["scored"] == 8 * loop.VALIDATION
    assert result["drawn"]["unit"] == "title"
    assert 0 < result["exact"]["low"] < result["exact"]["difference"] < result["exact"]["high"]
    assert result["p"] < 0.01
    where = next(row for row in result["slices"] if row["value"] == "where")
    assert where["fixed"] >= 0.8 * len(result["fixed"])


def test_the_page_shows_what_the_commands_print(lap: Lap) -> None:
    shown = _SHOWN.findall(TUTORIAL.read_text(encoding="utf-8"))
    assert [name for name, _ in shown] == ["squad-albert review", "squad-albert relabel", "squad-albert compare"]
    for name, text in shown:
        lines = iter(masked(output(lap, name)))
        assert all(line in lines for line in masked(text)), "run `python -m tests.test_tutorial`"


def output(lap: Lap, name: str) -> str:
    """What the first command of that name printed."""
    return next(text for command, text in lap.printed.items() if command.startswith(name))


def main() -> None:
    """Writes what the commands print: of each, as many lines as the page shows."""
    text = TUTORIAL.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        lap = go_round(Path(scratch))
    for name, shown in _SHOWN.findall(text):
        new = "\n".join(output(lap, name).splitlines()[: len(shown.splitlines())])
        text = text.replace(
            f"<!-- prints: {name} -->\n```text\n{shown}```", f"<!-- prints: {name} -->\n```text\n{new}\n```"
        )
    TUTORIAL.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
