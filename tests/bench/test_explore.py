from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import explore
from project_config import Settings
from squad_albert.explore.latent import space


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 200 generated questions with vectors of 24."""
    folder = tmp_path_factory.mktemp("explore")
    explore.make_run(folder, 200, dimensions=24)
    return folder


def test_the_run_is_as_large_as_asked_and_has_structure(folder):
    run = explore.open_run(folder)
    assert run.questions["split"].value_counts().to_dict() == {"train": 160, "validation": 40}
    assert run.vectors["answer"].shape == (200, 24)
    right = run.questions["exact"] == 1
    assert 0.6 < right.mean() < 0.9
    assert run.questions["loss"][~right].mean() > 2 * run.questions["loss"][right].mean()
    assert len(explore.open_run(folder, 50).questions) == len(explore.open_run(folder, 50).vectors["cls"]) == 50


def test_what_means_the_same_lies_close_together(tmp_path):
    names = np.repeat(np.arange(10), 30)
    explore.write_vectors(tmp_path / "vectors.npy", [names, np.arange(300) % 7], 64, np.random.default_rng(7))
    vectors = np.load(tmp_path / "vectors.npy")
    assert vectors.dtype == np.float32
    centred = vectors - vectors.mean(axis=0)
    inside = np.mean([centred[names == name].var(axis=0).sum() for name in range(10)])
    assert inside < 0.6 * centred.var(axis=0).sum()
    variances = np.sort(np.linalg.eigvalsh(np.cov(vectors.T)))[::-1]
    assert variances[:8].sum() > 2 * variances[8:16].sum()  # a falling spectrum


@pytest.mark.parametrize("name", ["clusters", "slices", "similar"])
def test_every_analysis_runs(folder, name, monkeypatch):
    monkeypatch.setattr(explore, "_FEW", 60)
    figures = explore.run_analysis(name, folder)
    assert set(figures) == {"start", "seconds", "peak"}
    assert all(value > 0 for value in figures.values())


def test_the_map_runs(folder, monkeypatch):
    sections = []
    monkeypatch.setattr(explore, "population", lambda *given: sections.append(given))
    explore.map_analysis(explore.open_run(folder), Settings(map="pca"))
    ((run, shared, settings),) = sections
    assert shared.points.shape == space(run, settings).points.shape == (200, 24)


def test_an_analysis_is_told_as_json(folder, monkeypatch, capsys):
    monkeypatch.setattr(explore, "_FEW", 60)
    monkeypatch.setattr(sys, "argv", ["explore", "--analysis", "slices", "--folder", str(folder)])
    explore.main()
    assert set(json.loads(capsys.readouterr().out)) == {"start", "seconds", "peak"}


def test_a_report_is_written_and_opened(folder):
    path = explore.write_large_report(folder)
    figures = explore.open_report(path)
    assert 0 < figures["loaded"] <= figures["drawn"]
    assert figures["bytes"] == path.stat().st_size


def test_the_report_alone_may_be_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explore", "--report"])
    monkeypatch.setattr(explore, "measure_report", lambda: {"loaded": 1.25, "drawn": 3.5, "bytes": 7_000_000})
    explore.main()
    assert capsys.readouterr().out == (
        "The report of 10,000 questions, 7.0 MB, is loaded after 1.2 s and its map drawn after 3.5 s; < 3 s: no\n"
    )


def test_the_table_has_every_analysis_and_what_is_asked_of_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explore", "--sizes", "100", "1000"])
    powers = {"map": 1.0, "clusters": 1.5, "slices": 0.5, "similar": 2.0}
    sizes = iter([100] * 4 + [1000] * 4)
    monkeypatch.setattr(explore, "make_run", lambda folder, count: None)
    monkeypatch.setattr(
        explore,
        "measure",
        lambda name, folder: {"start": 1.0, "seconds": next(sizes) ** powers[name] / 1e3, "peak": 2.0**33},
    )
    monkeypatch.setattr(explore, "measure_report", lambda: {"loaded": 0.5, "drawn": 1.0, "bytes": 1})
    explore.main()
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed[1] == ["map", "0.1", "s", "1.0", "s", "1.00", "<=", "1.2:", "yes"]
    assert printed[4] == ["clusters", "1.0", "s", "31.6", "s", "1.50", "<=", "1.2:", "no"]
    assert printed[10][-2:] == ["2.00", "exact"]
    assert printed[13] == ["all", "together", "0.3", "min", "17.3", "min", "<", "15", "min:", "no"]
    assert printed[14] == ["most", "memory", "8.00", "GB", "8.00", "GB", "<", "6", "GB:", "no"]
