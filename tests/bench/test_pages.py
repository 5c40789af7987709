from __future__ import annotations

import subprocess
import sys

from bench import pages
from project_config import ROOT


def test_every_figure_is_measured():
    command = [sys.executable, "-m", "bench.pages", "--sizes", "120", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # a browser of its own
    row = done.stdout.splitlines()[1].split()
    assert row[0] == "120"
    assert row[2::2] == ["ms"] * 3
    assert all(0 < int(number) < 60_000 for number in row[1::2])


def test_the_figures_stand_beside_their_targets(monkeypatch, capsys):
    given = {"first": 900.0, "lasso": 310.0, "step": 18.0}
    monkeypatch.setattr(sys, "argv", ["pages", "--sizes", "10000", "20000", "--rounds", "2"])
    monkeypatch.setattr(pages, "measure_all", lambda sizes, rounds, settings: dict.fromkeys(sizes, given))
    pages.main()
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "10,000 900 ms 310 ms 18 ms" in printed
    assert printed[-1] == "target < 1500 ms: yes < 300 ms: no"
