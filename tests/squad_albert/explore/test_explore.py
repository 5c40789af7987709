from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project_config import Settings
from squad_albert.explore import explore as module
from squad_albert.explore.explore import ANALYSES, ExploreError, explore, explored_lines
from squad_albert.explore.review import review
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


RANKED = ("labels", "clusters", "high_loss_clusters", "slices", "overview_titles", "error_groups")
NAMES = {"labels": "id", "slices": "slice", "clusters": "central", "high_loss_clusters": "central"}
"""What names a row of a ranking; ``value`` of the others."""

_MEASURED = re.compile(r"\d[\d,]*\.\d+|\d+(?= %)")


def tables_of(sections: dict[str, Section]) -> dict[str, pd.DataFrame]:
    return {name: table for one in sections.values() for name, table in {one.name: one.table, **one.more}.items()}


def test_another_processor_prints_the_same_in_the_same_order(tmp_path: Path) -> None:
    one, other = (
        explore(write_run(tiny_run(400, sureness=5.0, disturbed=much), tmp_path / str(much) / "run"), SETTINGS)
        for much in (0.0, 1e-5)
    )
    printed = [[line.replace(str(run.folder), "RUN") for line in explored_lines(run)] for run in (one, other)]
    for here, there in zip(*printed, strict=True):
        assert _MEASURED.sub("#", here) == _MEASURED.sub("#", there)
        for shown, disturbed in zip(_MEASURED.findall(here), _MEASURED.findall(there), strict=True):
            digit = 10.0 ** -len(shown.partition(".")[2])
            assert abs(float(shown.replace(",", "")) - float(disturbed.replace(",", ""))) < 1.5 * digit
    mine, theirs = tables_of(one.sections), tables_of(other.sections)
    for name in RANKED:
        key = NAMES.get(name, "value")
        assert len(mine[name])
        assert mine[name][key].map(str).tolist() == theirs[name][key].map(str).tolist()
    lists = [tmp_path / "here.csv", tmp_path / "there.csv"]
    assert [review(run.folder, path, 50)["added"] for run, path in zip((one, other), lists, strict=True)] == [50, 50]
    assert pd.read_csv(lists[0])["id"].tolist() == pd.read_csv(lists[1])["id"].tolist()


@pytest.mark.parametrize("kind", ["some", "few", "one title", "all right", "foreign", "foreign and right"])
def test_small_runs_are_told_without_nonsense(tmp_path: Path, kind: str) -> None:
    run = tiny_run(
        {"few": 9, "foreign": 50}.get(kind, 60),
        model="foreign" not in kind,
        **(BAD["all right"] if "right" in kind else {"title": "Ships"} if kind == "one title" else {}),
    )
    explored = explore(write_run(run, tmp_path / "run"), SETTINGS)
    text = "\n".join(explored_lines(explored))
    assert not re.search(r"(?<![\d,.])1 (?:cluster|question|label|pair|sample|slice|layer|head)s\b", text)
    assert not re.search('“[“"]|[”"]”|answered worst|\\bnan\\b|\\binf\\b|to 0 of', text)
    for name, table in tables_of(explored.sections).items():
        for low in (column for column in table if column.endswith("_low")):
            measured = low.removesuffix("_low")
            ends = table[[low, measured, measured + "_high"]].dropna()
            if measured in ("loss", "error", "errors", "exact"):
                assert (ends[low] >= 0).all(), (name, low)
            if measured in ("error", "errors", "exact"):
                assert (ends[measured + "_high"] <= 1).all(), (name, low)
            assert (ends[low] <= ends[measured] + 1e-9).all() and (
                ends[measured] <= ends[measured + "_high"] + 1e-9
            ).all()
    if "foreign" in kind:
        assert "the model" not in " ".join(explored.sections["labels"].sentences).lower()
