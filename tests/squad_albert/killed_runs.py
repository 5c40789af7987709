"""Runs that are killed at every moment at which something lasting is about to happen.

``python -m tests.squad_albert.killed_runs SETTINGS_JSON FOLDER`` makes an undisturbed run FOLDER/whole; then for each
moment n = 0, 1, ... a run FOLDER/n that kills itself there and is started again, until one has fewer moments. Prints
the windows that the model saw in each, first of the undisturbed run. It is a process of its own because it forks.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model import runtime
from model.runtime import Model
from project_config import Settings
from squad_albert import run as runs
from squad_albert import run_answers
from utils.sentiment import sentiment

GROUP = 30


def counting(function: Callable[..., Any], moments: list[int]) -> Callable[..., Any]:
    """The function, with a moment before it; the moment after it is that before the next."""

    def counted(*arguments: Any, **named: Any) -> Any:
        die_at(moments)
        return function(*arguments, **named)

    return counted


def die_at(moments: list[int]) -> None:
    if moments[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    moments[0] -= 1


def run(settings: Settings, folder: Path, seen: Path, die: int = -1) -> bool:
    """Makes a run in a forked process that kills itself at a moment; whether it came to its end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    moments = [die]

    def compute(model: Model, windows: Any, rows: Any, length: int) -> Any:
        with seen.open("a") as stream:
            stream.write(f"{len(rows)}\n")
        return original(model, windows, rows, length)

    original = Model._run
    Model._run = compute  # type: ignore[method-assign]
    for owner, name in ((Path, "replace"), (shutil, "rmtree"), (run_answers, "window_results")):
        setattr(owner, name, counting(getattr(owner, name), moments))
    runs.evaluate(settings, None, folder, lambda warnings: None)
    os._exit(0)


def main() -> None:
    settings, root = Settings(**json.loads(sys.argv[1])), Path(sys.argv[2])
    sentiment("It is imported here once, not in every process.")
    runtime.GROUP = GROUP
    assert run(settings, root / "whole", root / "whole.seen")
    moment, finished = 0, False
    while not finished:
        folder, seen = root / str(moment), root / f"{moment}.seen"
        finished = run(settings, folder, seen, moment)
        assert finished or run(settings, folder, seen)
        moment += 1
    for seen in [root / "whole.seen", *(root / f"{number}.seen" for number in range(moment))]:
        print(sum(map(int, seen.read_text().split())))  # noqa: T201


if __name__ == "__main__":
    main()
