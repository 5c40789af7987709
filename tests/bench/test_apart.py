from __future__ import annotations

import os
import subprocess

import pytest

from bench.apart import figures_of


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder whose modules another process can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_figures_come_from_another_process(package, capsys):
    (package / "counting.py").write_text("import os, sys, json; print(json.dumps({sys.argv[1]: os.getppid()}))")
    [parent] = figures_of("a title", "counting", ["parent"]).values()
    assert parent == os.getpid()
    assert capsys.readouterr().err == f"a title {{'parent': {parent}}}\n"


def test_a_measurement_that_fails_is_no_figure(package):
    (package / "failing.py").write_text("raise SystemExit(3)")
    with pytest.raises(subprocess.CalledProcessError):
        figures_of("a title", "failing", [])
