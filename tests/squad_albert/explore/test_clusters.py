from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from project_config import Settings
from squad_albert.explore.clusters import clusters
from squad_albert.explore.density import NONE
from squad_albert.explore.latent import space
from squad_albert.explore.problems import MARKS
from tests.tiny_run import tiny_run


def explored(run):
    return clusters(run, space(run, Settings()), Settings())


def with_marks(run):
    """A run in which the labels of one title lack the quotation marks that the answers have, at a high loss."""
    questions = run.questions.copy()
    chosen = (questions["title"] == "Ships") & questions["answerable"]
    questions["prediction"] = questions["prediction"].where(
        ~chosen, [f"“{golds[0]}”" if golds else "" for golds in questions["golds"].tolist()]
    )
    questions["loss"] = questions["loss"].where(~chosen, 25.0 + np.arange(len(questions)) / 100)
    return replace(run, questions=questions), chosen.to_numpy()


def test_what_is_alike_to_the_model_is_a_cluster():
    run = tiny_run(questions=120)
    section = explored(run)
    assert section.empty is None
    assert section.facts["clusters"] == len(section.table) >= 3
    members = section.more["cluster_members"]
    assert members["id"].tolist() == run.questions["id"].tolist()
    for cluster, part in run.questions.groupby(members["cluster"].to_numpy()):
        if cluster != NONE:
            assert part["question_type"].value_counts(normalize=True).iloc[0] > 0.9
    assert section.facts["outside"] == (members["cluster"] == NONE).mean()
    assert sum(section.table["size"]) + (members["cluster"] == NONE).sum() == 120
    assert "widened for" in " ".join(section.sentences)  # the caution about many clusters


def test_high_losses_are_clustered_by_themselves():
    run = tiny_run(questions=900)
    section = explored(run)
    members = section.more["cluster_members"]
    loss = run.questions["loss"]
    inside = members["high_loss_cluster"] != NONE
    assert inside.sum() == section.more["high_loss_clusters"]["size"].sum() > 0
    assert loss[inside].min() > section.facts["high_loss_limit"] >= loss.quantile(0.89)
    assert section.facts["high_loss_questions"] == 90
    assert any(sentence.startswith("High-loss cluster") for sentence in section.sentences)


def test_answers_that_lack_only_marks_are_told():
    run, chosen = with_marks(tiny_run(questions=300))
    section = explored(run)
    assert section.facts["marks"] == chosen.sum()
    assert section.facts["marks_explained"] > 0.6 * chosen.sum()
    told = section.table[section.table["reason"].str.contains(MARKS)]
    assert len(told)
    questions = run.questions.set_index("id")
    for row in told.itertuples():
        assert questions.loc[row.example, "title"] == "Ships"
        assert questions.loc[row.example, "prediction"] in row.reason
    assert MARKS in section.sentences[-1]
    assert f"cluster {told['cluster'].iloc[0]}" in section.sentences[-1]


@pytest.mark.parametrize("exact", [0.0, 1.0])
def test_all_right_or_all_wrong_is_no_matter(exact):
    section = explored(tiny_run(questions=120, exact=exact, lenient=exact, f1=exact))
    assert set(section.table["errors"]) == {1 - exact}
    assert section.facts["errors"] == 1 - exact


def test_without_labels_the_largest_comes_first():
    section = explored(tiny_run(questions=200, splits=("unlabeled",)))
    assert section.table["size"].is_monotonic_decreasing
    assert section.more["high_loss_clusters"].empty
    assert "No question is labeled" in section.sentences[1]
    assert "loss" not in section.facts


def test_few_questions_or_equal_vectors_make_a_section_that_says_so():
    for run in (tiny_run(questions=8), tiny_run(questions=1)):
        section = explored(run)
        assert section.table.empty
        assert "no dense region" in section.empty
        assert len(section.more["cluster_members"]) == len(run.questions)
    flat = tiny_run(questions=60)
    flat.vectors["answer"][:] = 0.5
    assert "no dense region" in explored(flat).empty


def test_a_run_without_a_model_says_what_it_lacks():
    section = explored(tiny_run(questions=30, model=False))
    assert "without a model" in section.empty
    assert set(section.more["cluster_members"]["cluster"]) == {NONE}
    assert not section.sentences


def test_the_seed_decides():
    run = tiny_run(questions=150)
    one, two = explored(run), explored(run)
    assert one.table.equals(two.table)
    assert one.sentences == two.sentences
