"""A measurement in a process of its own, so that none sees the memory and the caches of another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from project_config import ROOT

Figures = dict[str, float]


def figures_of(title: str, module: str, arguments: Sequence[str]) -> Figures:
    """What ``python -m MODULE ARGUMENTS`` prints as JSON; also told on standard error, by its title."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: Figures = json.loads(done.stdout)
    sys.stderr.write(f"{title} {figures}\n")
    return figures
