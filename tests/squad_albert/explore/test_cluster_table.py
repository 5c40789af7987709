from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from squad_albert.explore.cluster_table import COLUMNS, cluster_table
from squad_albert.explore.density import NONE
from squad_albert.explore.intervals import mean_interval, wilson
from squad_albert.explore.problems import problems
from tests.tiny_run import tiny_run


def described(run, labels):
    questions = run.questions.assign(problem=problems(run.questions))
    return cluster_table(questions, np.asarray(labels), run.vectors["answer"])


def by_type(run):
    """A cluster for each question type but one, whose questions are in none."""
    codes = pd.factorize(run.questions["question_type"], sort=True)[0]
    return np.where(codes == codes.max(), NONE, codes)


def test_a_row_says_what_its_cluster_is():
    run = tiny_run(questions=200)
    labels = by_type(run)
    table = described(run, labels)
    assert list(table.columns) == COLUMNS
    assert sorted(table["cluster"]) == list(range(labels.max() + 1))
    for row in table.itertuples():
        part = run.questions[labels == row.cluster]
        wrong = int((part["exact"] < 1).sum())
        assert (row.size, row.labeled) == (len(part), len(part))
        assert row.loss == pytest.approx(part["loss"].mean())
        assert (row.loss_low, row.loss_high) == pytest.approx(mean_interval(part["loss"], low=0.0))
        assert row.errors == wrong / len(part)
        assert (row.errors_low, row.errors_high) == wilson(wrong, len(part))
        assert row.question_types == f"{part['question_type'].iloc[0]} 100 %"
        assert len(row.central) == 5
        assert set(row.central) <= set(part["id"])
    many = table[table["question_types"] == "how many 100 %"].iloc[0]
    assert {"passengers", "carry"} <= set(many["terms"])


def test_the_ranks_are_by_loss_and_by_errors():
    run = tiny_run(questions=200)
    table = described(run, by_type(run))
    assert list(table["rank"]) == list(range(1, len(table) + 1))
    assert table["loss"].is_monotonic_decreasing
    assert table.sort_values("error_rank")["errors"].is_monotonic_decreasing


def test_a_mean_is_surely_above_only_if_it_stays_so_among_many():
    rng = np.random.default_rng(4)
    labels = np.repeat(np.arange(40), 10)
    alike = described(tiny_run(questions=400, loss=rng.normal(1, 0.3, 400)), labels)
    assert (alike["loss_low"] > 1).any()  # by chance
    assert not alike["above"].any()
    one = described(tiny_run(questions=400, loss=rng.normal(1, 0.3, 400) + 0.7 * (labels == 3)), labels)
    assert one["cluster"][one["above"]].tolist() == [3]


def test_unlabeled_questions_are_members_that_count_for_nothing():
    run = tiny_run(questions=90, splits=("train", "validation", "unlabeled"))
    labels = np.where(run.questions["split"] == "unlabeled", 0, 1)
    labels[:9] = 2
    table = described(run, labels).set_index("cluster")
    assert table["labeled"].to_dict() == {0: 0, 1: 54, 2: 6}
    assert table.loc[0, "rank"] == 3
    assert np.isnan(table.loc[0, "loss"])
    assert "none" in table.loc[0, "answer_types"] or "name" in table.loc[0, "answer_types"]  # the model's answers
    assert table.loc[2, "loss"] == pytest.approx(run.questions["loss"][:9].mean())


def test_no_cluster_has_no_row_but_every_column():
    run = tiny_run(questions=20)
    table = described(run, [NONE] * 20)
    assert table.empty
    assert list(table.columns) == COLUMNS


def test_means_that_are_shown_alike_rank_by_size():
    run = tiny_run(questions=60, loss=1.0)
    labels = np.repeat([0, 1, 2], [10, 30, 20])
    run.questions["loss"] += np.array([2e-4, 0, 1e-4])[labels]
    assert described(run, labels)["cluster"].tolist() == [1, 2, 0]
