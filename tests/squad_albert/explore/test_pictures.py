from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from project_config import Settings
from squad_albert.explore import pictures
from squad_albert.explore.pictures import PICTURES, Explored, figures, figures_lines
from squad_albert.explore.section import Section
from squad_albert.explore.store import Store, identity
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables
from tests.squad_albert.explore.sections import empty_sections, sections_of
from tests.tiny_run import tiny_run, write_run
from utils.files import WriteError

SETTINGS = Settings()


def explored_folder(run: RunTables, folder: Path, sections: dict[str, Section]) -> Path:
    write_run(run, folder)
    store = Store(folder, identity(folder, SETTINGS))
    for section in sections.values():
        store.write(section)
    return folder


def texts(explored: Explored, name: str) -> str:
    return "\n".join(text.get_text() for text in PICTURES[name][1](explored).figure.texts)


@pytest.fixture(scope="module")
def explored() -> Explored:
    run = tiny_run(60)
    return Explored(run, sections_of(run), SETTINGS)


def test_every_picture_is_drawn_under_its_name(tmp_path: Path) -> None:
    run = tiny_run(60)
    folder = explored_folder(run, tmp_path / "run", sections_of(run))
    found = figures(folder, tmp_path / "images", SETTINGS)
    assert [path.stem for path in found.paths] == list(PICTURES)
    assert found.left_out == {}
    for path in found.paths:
        with Image.open(path) as image:
            assert image.width == 1600
            assert 400 < image.height < 2200
            assert len(set(image.convert("L").resize((80, 80)).get_flattened_data())) > 5
    assert figures_lines(found) == [str(path) for path in found.paths]


def test_pictures_of_empty_sections_are_left_out_with_the_reason(tmp_path: Path) -> None:
    run = tiny_run(30, model=False)
    folder = explored_folder(run, tmp_path / "run", empty_sections(run))
    found = figures(folder, tmp_path / "images", SETTINGS)
    assert [path.stem for path in found.paths] == ["false-labels"]
    assert "The run was made without a model" in found.left_out["population"]
    assert any(line.startswith("attention is left out: ") for line in figures_lines(found))


def test_an_analysis_that_was_not_made_is_named(tmp_path: Path) -> None:
    run = tiny_run(30)
    folder = explored_folder(run, tmp_path / "run", {"labels": sections_of(run)["labels"]})
    found = figures(folder, tmp_path / "images", SETTINGS)
    assert found.left_out["loss-analysis"].endswith("--only saliency")


def test_a_run_that_is_not_explored_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not explored yet"):
        figures(write_run(tiny_run(12), tmp_path / "run"), tmp_path / "images", SETTINGS)


def test_pictures_tell_the_numbers_of_the_run(explored: Explored) -> None:
    assert "AUC 0.61" in texts(explored, "population")
    assert "train (30)" in texts(explored, "population")
    worst = explored.sections["clusters"].more["high_loss_clusters"].iloc[0]
    assert f"A high-loss cluster of {worst['size']} questions" in texts(explored, "high-loss-cluster")
    assert "right but for quotation marks" in texts(explored, "high-loss-cluster")
    assert "Ten labels to look at." in texts(explored, "false-labels")
    assert "label: " in texts(explored, "false-labels")


def test_reasons_are_shown_to_their_end(explored: Explored) -> None:
    section = explored.sections["labels"]
    reasons = [f"{'a long reason ' * (10 * row)}of {row}" for row in range(len(section.table))]
    long = replace(explored, sections={"labels": replace(section, table=section.table.assign(reason=reasons))})
    sheet = PICTURES["false-labels"][1](long)
    shown = [text.get_text() for text in sheet.figure.texts]
    first = section.table["rank"].nsmallest(pictures._LABELS).index
    assert all(any(text.endswith(f"of {row}") for text in shown) for row in first)
    assert min(text.get_position()[1] for text in sheet.figure.texts) > 0.2 / sheet.height  # none beyond the edge


def test_similar_samples_are_those_nearest_to_one_of_a_pair(explored: Explored) -> None:
    shown = texts(explored, "similar-samples")
    first = explored.run.questions.iloc[0]
    assert first["question"] in shown
    assert shown.count("right)") + shown.count("wrong)") >= 6


def test_without_pairs_the_worst_answer_is_of_interest(explored: Explored) -> None:
    alone = replace(explored, sections={"population": explored.sections["population"]})
    key = pictures._question_of_interest(alone)
    wrong = explored.run.questions[explored.run.questions["exact"] == 0]
    assert key == wrong.loc[wrong["loss"].idxmax(), "id"]


def test_the_two_pure_clusters_are_of_two_types() -> None:
    table = pd.DataFrame(
        [(0, 50, 0.9, "name"), (1, 40, 0.95, "name"), (2, 30, 0.8, "none"), (3, 20, 0.9, "year"), (4, 60, 0.5, "date")],
        columns=["cluster", "size", "purity", "dominant"],
    )
    assert [row["cluster"] for row in pictures._two_pure(table)] == [0, 3]
    assert [row["cluster"] for row in pictures._two_pure(table.query("purity < 0.6"))] == [4]


def test_without_a_reason_the_hardest_cluster_is_shown(explored: Explored) -> None:
    section = explored.sections["clusters"]
    plain = replace(section, table=section.table.assign(reason=""), more={"high_loss_clusters": section.table.head(0)})
    row, column = pictures._telling_cluster(plain)
    assert (row["rank"], column) == (1, "cluster")


def test_heads_without_an_example_are_still_drawn(explored: Explored) -> None:
    section = explored.sections["attention"]
    bare = replace(section, more={"attention_example": section.more["attention_example"].head(0)})
    assert "Where the question finds its answer" in texts(
        replace(explored, sections={**explored.sections, "attention": bare}), "attention"
    )


def test_a_loss_by_occlusion_alone_is_drawn(explored: Explored) -> None:
    section = explored.sections["saliency"]
    table = section.table.assign(gradient_input=np.nan, integrated_gradients=np.nan)
    bare = replace(section, table=table, more={"deletion": section.more["deletion"].head(0)})
    shown = texts(replace(explored, sections={**explored.sections, "saliency": bare}), "loss-analysis")
    assert "By occlusion." in shown


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    folder = explored_folder(
        tiny_run(12), tmp_path / "run", {"empty": Section("empty", "", pd.DataFrame({"id": []}), [])}
    )
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WriteError, match=r"file cannot be made: .*Name another folder with --out"):
        figures(folder, tmp_path / "file", SETTINGS)
    assert (tmp_path / "file").read_text() == "mine"
