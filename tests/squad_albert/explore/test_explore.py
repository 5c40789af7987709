from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from project_config import Settings
from squad_albert.explore import explore as module
from squad_albert.explore.explore import ANALYSES, ExploreError, explore, explored_lines
from squad_albert.explore.section import Section
from squad_albert.explore.store import read_sections
from squad_albert.run_folder import RunError
from squad_albert.run_tables import read_run
from tests.squad_albert.explore.sections import sections_of
from tests.tiny_run import tiny_run, write_run

SETTINGS = Settings(map="pca")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tiny_run(60), tmp_path / "run")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """Sections put together in no time instead of analyses; the names of those that were asked for."""
    names: list[str] = []
    sections = sections_of(read_run(folder))

    def make(name: str) -> Callable[[object], Section]:
        def made(_: object) -> Section:
            names.append(name)
            return sections[name]

        return made

    monkeypatch.setattr(module, "ANALYSES", {name: make(name) for name in ANALYSES})
    return names


def test_every_analysis_is_made_once_and_written(folder: Path, made: list[str]) -> None:
    explored = explore(folder, SETTINGS)
    assert sorted(made) == sorted(ANALYSES)
    assert list(explored.sections) == list(ANALYSES)
    assert explored.report == folder / "report.html"
    assert explored.report.stat().st_size > 1_000_000
    assert set(read_sections(folder)) == set(ANALYSES)
    for name in ANALYSES:
        assert (folder / f"{name}.parquet").is_file()
    values = json.loads((folder / "explore.json").read_text())
    assert values["settings"] == {"latent": "answer", "map": "pca", "seed": 7}
    assert values["versions"]["numpy"] == np.__version__
    read_run(folder)  # and the run is still whole


def test_only_some_are_made_and_the_others_stay(folder: Path, made: list[str]) -> None:
    explore(folder, SETTINGS, ["slices", "overview"])
    assert made == ["overview", "slices"]
    text = (folder / "report.html").read_text()
    assert f"squad-albert explore {folder} --only labels" in text
    explored = explore(folder, SETTINGS, ["labels"])
    assert made == ["overview", "slices", "labels"]
    assert list(explored.sections) == ["overview", "slices", "labels"]
    assert f"squad-albert explore {folder} --only labels" not in (folder / "report.html").read_text()


def test_an_unknown_analysis_is_named_with_those_that_there_are(folder: Path) -> None:
    with pytest.raises(ExploreError, match=r"no analysis `clutsers`\. There are overview, population, clusters"):
        explore(folder, SETTINGS, ["clutsers"])
    assert not (folder / "explore.json").exists()


def test_an_analysis_that_cannot_be_made_leaves_the_others(
    folder: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> Section:
        raise RunError("the vectors are not finite. Mend the model.")

    monkeypatch.setitem(module.ANALYSES, "near_duplicates", fails)
    explored = explore(folder, SETTINGS)
    assert explored.sections["near_duplicates"].empty == "the vectors are not finite. Mend the model."
    assert len(made) == len(ANALYSES) - 1
    assert "  nothing to show: the vectors are not finite. Mend the model." in explored_lines(explored)


def test_the_findings_are_told(folder: Path, made: list[str]) -> None:
    lines = explored_lines(explore(folder, SETTINGS))
    assert "Overview" in lines
    assert "  train and validation lie a little apart: AUC 0.61." in lines


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        explore(tmp_path, SETTINGS)


def test_a_damaged_run_is_an_error(folder: Path) -> None:
    (folder / "questions.parquet").unlink()
    with pytest.raises(RunError, match="is damaged"):
        explore(folder, SETTINGS)


BAD = {
    "all right": {"exact": 1.0, "f1": 1.0, "lenient": 1.0},
    "all wrong": {"exact": 0.0, "f1": 0.0, "lenient": 0.0},
    "one title": {"title": "Ships"},
    "one loss": {"loss": 1.0},
}


@pytest.mark.parametrize("kind", [*BAD, "no model", "few", "one", "unlabeled", "not finite"])
def test_odd_runs_have_a_report_whose_empty_sections_say_why(tmp_path: Path, kind: str) -> None:
    run = tiny_run(
        {"few": 9, "one": 1}.get(kind, 40),
        model=kind != "no model",
        splits=("unlabeled",) if kind == "unlabeled" else ("train", "validation"),
        **BAD.get(kind, {}),
    )
    if kind == "not finite":
        run.vectors["answer"][3, 2] = np.nan
    explored = explore(write_run(run, tmp_path / "run"), SETTINGS)
    assert list(explored.sections) == list(ANALYSES)
    for section in explored.sections.values():
        assert len(section.table) or section.empty
        assert list(section.table.columns)
    for name in {"no model": ("population", "clusters", "composition", "saliency", "attention"),
                 "not finite": ("population", "clusters", "composition"),
                 "unlabeled": ("overview", "slices", "labels")}.get(kind, ()):  # fmt: skip
        assert explored.sections[name].empty
    assert "</html>" in explored.report.read_text()
