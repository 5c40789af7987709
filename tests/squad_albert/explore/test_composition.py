from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from project_config import Settings
from squad_albert.explore.composition import COLUMNS, EXAMPLES, composition
from squad_albert.explore.density import NONE
from squad_albert.explore.latent import space
from tests.tiny_run import tiny_run


def composed(run, labels):
    members = pd.DataFrame({"id": run.questions["id"], "cluster": labels})
    return composition(run, space(run, Settings()), members, Settings())


@pytest.fixture
def section():
    """Twelve questions: a pure cluster, a mixed one, and two outside."""
    types = ["year"] * 5 + ["name", "name", "number", "date", "name"] + ["name"] * 2
    return composed(tiny_run(questions=12, answer_type=types), [0] * 5 + [1] * 5 + [NONE] * 2)


def test_a_row_for_each_type_in_each_cluster(section):
    assert list(section.table.columns) == COLUMNS
    rows = section.table[["cluster", "answer_type", "count", "share", "purity", "dominant", "size"]].to_numpy().tolist()
    assert rows[:2] == [[0, "year", 5, 1.0, 1.0, "year", 5], [1, "name", 3, 0.6, 0.6, "name", 5]]
    assert sorted(row[1] for row in rows[2:]) == ["date", "number"]
    assert {tuple(row[2:]) for row in rows[2:]} == {(1, 0.2, 0.6, "name", 5)}


def test_purity_stands_beside_what_chance_would_give(section):
    facts = section.facts
    assert (facts["purity"], facts["clusters"], facts["questions"]) == (0.8, 2, 10)
    assert facts["purity_low"] < 0.8 < facts["purity_high"]
    assert (facts["largest_type"], facts["largest_share"]) == ("year", 0.5)
    assert 0.5 <= facts["purity_shuffled"] < 0.75
    assert facts["outside"] == pytest.approx(1 / 6)
    assert "80.0 % of 10 questions in 2 clusters" in section.sentences[0]


def test_types_that_have_nothing_to_do_with_clusters_are_as_pure_as_shuffled_ones():
    rng = np.random.default_rng(7)
    types = rng.choice(["year", "name", "number"], 300).tolist()
    facts = composed(tiny_run(questions=300, answer_type=types), rng.integers(0, 30, 300)).facts
    assert facts["purity_shuffled"] == pytest.approx(facts["purity"], abs=0.05)
    assert facts["purity"] > facts["largest_share"] + 0.05  # many small clusters look purer than they are


def test_unlabeled_questions_count_by_the_models_answer():
    run = tiny_run(questions=40, splits=("train", "unlabeled"))
    section = composed(run, [0] * 20 + [1] * 20)
    first = run.questions.iloc[:20]
    expected = first["answer_type"].where(first["labeled"], first["prediction_type"]).value_counts()
    found = section.table[section.table["cluster"] == 0].set_index("answer_type")["count"]
    assert found.to_dict() == expected.to_dict()
    assert section.facts["unlabeled"] == 20
    assert 0 < section.facts["purity_unlabeled"] <= 1
    assert "Unlabeled questions: 20;" in section.sentences[1]


def test_examples_are_those_nearest_the_centre():
    run = tiny_run(questions=60)
    labels = np.repeat([0, 1, NONE], 20)
    examples = composed(run, labels).more["composition_examples"]
    assert list(examples.columns) == EXAMPLES
    points = space(run, Settings()).points[20:40]
    order = np.linalg.norm(points - points.mean(axis=0), axis=1).argsort()
    second = examples[examples["cluster"] == 1]
    assert second["id"].tolist() == run.questions["id"].iloc[20:40].iloc[order[:8]].tolist()
    assert second["rank"].tolist() == list(range(1, 9))


def test_without_clusters_it_says_so():
    section = composed(tiny_run(questions=20), [NONE] * 20)
    assert "no cluster" in section.empty
    assert list(section.table.columns) == COLUMNS
    assert section.more["composition_examples"].empty
    assert "without a model" in composed(tiny_run(questions=20, model=False), [NONE] * 20).empty
