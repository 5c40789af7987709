from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from project_config import Settings
from squad_albert.explore.slices import LEAST, SIGNIFICANT, SLICES, Condition, holm, slices
from squad_albert.run_tables import RunTables
from tests.tiny_run import tiny_run


def shuffled(questions: int, seed: int, **columns: object) -> RunTables:
    """A run whose errors, one in four answers, have nothing to do with its metadata."""
    draw = np.random.default_rng(seed)
    return tiny_run(questions, seed, exact=(draw.random(questions) > 0.25) * 1.0, **columns)


def test_a_hard_title_is_found():
    run = tiny_run(400)
    section = slices(run, Settings())
    row = section.table.set_index("slice").loc["title = Hard"]
    hard = run.questions["title"] == "Hard"
    assert row["conditions"] == [{"column": "title", "value": "Hard", "low": None, "high": None}]
    assert row["size"] == hard.sum()
    assert row["loss"] == pytest.approx(run.questions["loss"][hard].mean())
    assert row["rest_loss"] == pytest.approx(run.questions["loss"][~hard].mean())
    assert row["error"] == pytest.approx(1 - run.questions["exact"][hard].mean())
    assert row["rest_error"] == pytest.approx(1 - run.questions["exact"][~hard].mean())
    assert row["errors"] == (run.questions["exact"][hard] < 1).sum()
    usual = 1 - run.questions.groupby("split")["exact"].transform("mean")
    assert row["excess"] == pytest.approx(row["errors"] - usual[hard].sum())
    assert row["effect"] == pytest.approx(row["error"] - row["rest_error"])
    assert 0 < row["effect_low"] < row["effect"] < row["effect_high"]
    assert "title = Hard" in " ".join(section.sentences)
    assert list(section.table.columns) == SLICES


def test_p_is_that_of_fisher():
    run = tiny_run(400)
    row = slices(run, Settings()).table.set_index("slice").loc["title = Hard"]
    table = pd.crosstab(run.questions["title"] == "Hard", run.questions["exact"] == 0).to_numpy()[::-1, ::-1]
    assert row["p"] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)


def test_slices_are_ranked_and_told_by_the_errors_beyond_their_share():
    run = shuffled(600, 3)
    questions = run.questions
    questions.loc[questions["title"] == "Ships", "exact"] = 0.0
    questions.loc[questions["question_type"] == "who", "exact"] = 0.0
    section = slices(run, Settings())
    assert section.table["excess"].round(6).is_monotonic_decreasing
    first = section.table.iloc[0]
    assert section.sentences[0].startswith(
        f"The slice with the most errors beyond its share is {first['slice']}: {first['errors']} errors in "
        f"{first['size']} questions, {first['errors'] - first['excess']:.0f} would be usual; "
    )


def test_a_part_of_the_data_is_a_slice_and_a_split_by_itself_is_none():
    run = shuffled(300, 5, id=[f"{'hand' if number % 5 else 'gen'}-{number}" for number in range(300)])
    questions = run.questions
    questions.loc[questions["id"].str.startswith("gen"), "exact"] = 0.0
    table = slices(run, Settings()).table
    assert table["slice"].iloc[0] == "part = gen"
    assert table["conditions"].iloc[0][0]["column"] == "part"
    worse = shuffled(300, 6)
    worse.questions.loc[worse.questions["split"] == "validation", "exact"] = 0.0
    assert "split = validation" not in set(slices(worse, Settings()).table["slice"])


def test_conditions_that_only_together_raise_the_errors_are_found_together_and_alone():
    run = shuffled(1200, 3)
    questions = run.questions
    both = (questions["title"] == "Ships") & (questions["question_type"] == "when")
    questions.loc[both, "exact"] = 0.0
    found = slices(run, Settings()).table.sort_values("p")
    assert found["slice"].iloc[0] == "title = Ships and question_type = when"
    assert found["level"].iloc[0] == 2
    narrower = [name for name in found["slice"] if "title = Ships and question_type = when and" in name]
    assert not narrower  # a third condition adds nothing


def test_a_range_of_numbers_is_named_by_what_it_holds():
    draw = np.random.default_rng(1)
    length = draw.integers(20, 221, 800)
    run = shuffled(800, 5, context_words=length)
    run.questions.loc[length > 180, "exact"] = 0.0
    worst = slices(run, Settings()).table.iloc[0]
    (condition,) = worst["conditions"]
    inside = run.questions["context_words"].between(condition["low"], condition["high"])
    assert condition["column"] == "context_words" and condition["high"] == 220 and condition["low"] > 170
    assert worst["size"] == inside.sum()
    assert worst["slice"] == f"context_words {condition['low']} to 220"


def test_chance_finds_nothing():
    findings = [len(slices(shuffled(240, seed), Settings()).table) > 0 for seed in range(12)]
    assert sum(findings) <= 2  # at most one in twenty is to be expected


def test_a_run_without_loss_has_the_same_slices():
    with_loss, without = (slices(tiny_run(400, model=model), Settings()).table for model in (True, False))
    assert without["loss"].isna().all()
    assert set(without["slice"]) & set(with_loss["slice"])
    assert without.set_index("slice").loc["title = Hard", "p"] == with_loss.set_index("slice").loc["title = Hard", "p"]


def test_what_sliceline_finds_first_is_found(recwarn: pytest.WarningsRecorder):
    slicefinder = pytest.importorskip("sliceline.slicefinder")
    run = shuffled(600, 11)
    questions = run.questions
    questions.loc[(questions["title"] == "Hard") & (questions["question_type"] == "who"), "exact"] = 0.0
    columns = ["title", "question_type", "split"]
    codes = np.array([pd.factorize(questions[name])[0] + 1 for name in columns]).T
    finder = slicefinder.Slicefinder(alpha=0.9, k=1, max_l=3, min_sup=LEAST, verbose=False)
    finder.fit(codes, 1 - questions["exact"].to_numpy())
    theirs = {
        f"{name} = {questions[name][codes[:, place] == value].iloc[0]}"
        for place, (name, value) in enumerate(zip(columns, finder.top_slices_[0], strict=True))
        if value is not None
    }
    assert set(slices(run, Settings()).table["slice"].iloc[0].split(" and ")) == theirs


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (tiny_run(2 * LEAST - 1), "Slices need 40 labeled questions, and the run has 39."),
        (tiny_run(60, splits=("unlabeled",)), "Slices need 40 labeled questions, and the run has 0."),
        (tiny_run(60, exact=0.0), "Every answer is wrong"),
        (tiny_run(60, model=False, exact=1.0), "Every answer is right"),
        (shuffled(60, 1), "None of"),
    ],
)
def test_where_there_is_nothing_it_says_why(run: RunTables, why: str):
    section = slices(run, Settings())
    assert section.empty is not None and section.empty.startswith(why)
    assert len(section.table) == 0 and list(section.table.columns) == SLICES


def test_one_title_and_missing_values_are_no_obstacle():
    run = shuffled(100, 2, title="Only", answer_words=np.nan)
    assert not any("title" in name or "answer_words" in name for name in slices(run, Settings()).table["slice"])


def test_the_order_of_the_questions_does_not_matter():
    run = tiny_run(300)
    turned = RunTables(run.folder, run.manifest, run.questions[::-1].reset_index(drop=True), None, {})
    one, other = slices(run, Settings()).table, slices(turned, Settings()).table
    assert one["slice"].tolist() == other["slice"].tolist()
    np.testing.assert_allclose(one["p"], other["p"])


def test_conditions_in_words():
    assert str(Condition("split", "train")) == "split = train"
    assert str(Condition("answer_words", low=5, high=9)) == "answer_words 5 to 9"
    assert str(Condition("window_count", low=2, high=2)) == "window_count = 2"
    assert str(Condition("context_polarity", low=-0.125, high=0.5)) == "context_polarity -0.125 to 0.5"


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 50))
def test_holm_is_that_of_the_definition(p: list[float], more: int):
    corrected = holm(np.array(p), len(p) + more)
    order = sorted(range(len(p)), key=lambda place: p[place])
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, p[place] * (len(p) + more - rank))
        assert corrected[place] == pytest.approx(min(largest, 1))
    assert SIGNIFICANT < 1
