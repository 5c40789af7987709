from __future__ import annotations

import numpy as np
import pytest

from project_config import Settings
from squad_albert.explore import population as module
from squad_albert.explore.latent import space
from squad_albert.explore.population import COLUMNS, population
from tests.tiny_run import TITLES, tiny_run

PCA = Settings(map="pca")


def drawn(run, settings=PCA):
    return population(run, space(run, settings), settings)


def test_the_map_has_a_place_for_every_question():
    run = tiny_run(questions=80)
    section = drawn(run, Settings())
    assert list(section.table.columns) == COLUMNS
    assert section.table["id"].tolist() == run.questions["id"].tolist()
    places = section.table[COLUMNS[1:]].to_numpy()
    assert np.isfinite(places).all()
    np.testing.assert_allclose(places[:, 2:], space(run, PCA).points[:, :2])
    assert not np.allclose(places[:, :2], places[:, 2:])
    assert section.facts["method"] == "umap"
    assert section.facts["neighbours_kept"] > 0.2  # of 15 of 79, by chance
    assert any("misleads" in sentence for sentence in section.sentences)


def test_principal_components_are_a_setting():
    section = drawn(tiny_run(questions=80))
    np.testing.assert_array_equal(section.table[["x", "y"]], section.table[["pca_x", "pca_y"]])
    assert section.facts["method"] == "pca"


def test_a_plane_keeps_all_neighbours_of_what_is_flat():
    section = drawn(tiny_run(questions=80, dimensions=2))
    assert section.facts["neighbours_kept"] == 1
    assert "shows 100 % among" in " ".join(section.sentences)


def test_the_first_split_is_compared_with_each_other_one():
    run = tiny_run(questions=400, splits=("validation", "train", "unlabeled"))
    apart = drawn(run).more["split_distances"]
    assert apart[["split_a", "split_b"]].to_numpy().tolist() == [["train", "validation"], ["train", "unlabeled"]]
    assert (apart["auc_low"] <= 0.5).all()  # they are drawn alike
    section = drawn(run)
    assert section.facts["auc"] == apart["auc"][0]
    assert "Train and validation cannot be told apart" in section.sentences[-2]


def test_splits_that_lie_apart_are_told_so():
    run = tiny_run(questions=200)
    run.vectors["answer"][run.questions["split"] == "validation"] += 8
    section = drawn(run)
    assert section.facts["auc_low"] > 0.9
    assert "lie almost wholly apart" in section.sentences[-1]
    assert f"AUC {section.facts['auc']:.3f}" in section.sentences[-1]


def test_one_split_or_one_title_has_no_distance():
    section = drawn(tiny_run(splits=("test",)))
    assert "one split only, test" in section.sentences[-1]
    assert section.more["split_distances"].empty
    assert "auc" not in section.facts
    section = drawn(tiny_run(title=TITLES[0]))
    assert "cannot be judged" in section.sentences[-1]
    assert "auc" not in section.facts


@pytest.mark.parametrize("questions", [1, 2, 15])
def test_too_few_questions_for_umap_are_drawn_by_their_components(questions):
    section = drawn(tiny_run(questions=questions), Settings())
    assert section.facts["method"] == "pca"
    assert "UMAP needs more" in section.sentences[0]
    assert len(section.table) == questions


def test_large_runs_say_that_umap_saw_a_sample(monkeypatch):
    monkeypatch.setattr(module, "FITTED", 50)
    monkeypatch.setattr(module, "umap_plane", lambda points, seed: points[:, :2])
    assert "placed 50 of them" in drawn(tiny_run(questions=60), Settings()).sentences[0]
    assert "placed" not in drawn(tiny_run(questions=50), Settings()).sentences[0]


def test_a_run_without_a_model_says_what_it_lacks():
    section = drawn(tiny_run(model=False))
    assert "without a model" in section.empty
    assert list(section.table.columns) == COLUMNS
    assert section.table.empty
