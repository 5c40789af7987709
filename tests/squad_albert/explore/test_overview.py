from __future__ import annotations

import numpy as np
import pytest

from squad_albert.explore.overview import BINS, FEWEST, calibration_error, headline_split, overview
from tests.tiny_run import tiny_run


def test_scores_are_those_of_the_questions() -> None:
    run = tiny_run()
    section = overview(run)
    part = run.questions[run.questions["split"] == "validation"]
    row = section.table[(section.table["split"] == "validation") & (section.table["group"] == "all")].iloc[0]
    assert row["questions"] == len(part)
    assert row["exact"] == pytest.approx(part["exact"].mean())
    assert row["f1"] == pytest.approx(part["f1"].mean())
    assert row["loss"] == pytest.approx(part["loss"].mean())
    assert row["exact_low"] < row["exact"] < row["exact_high"]
    assert row["loss_low"] < row["loss"] < row["loss_high"]
    assert section.facts["validation_exact"] == row["exact"]


def test_every_breakdown_sums_to_the_split() -> None:
    table = overview(tiny_run(120)).table
    for _, part in table.groupby("split"):
        whole = part.loc[part["group"] == "all", "questions"].item()
        assert set(part["group"]) == {"all", "answerable", "question type", "answer type"}
        assert (part.groupby("group")["questions"].sum() == whole).all()


def test_titles_come_worst_first_and_small_ones_not_at_all() -> None:
    run = tiny_run(80)
    titles = run.questions["title"].to_list()
    titles[: FEWEST - 1] = ["Small"] * (FEWEST - 1)
    run.questions["title"] = titles
    table = overview(run).more["overview_titles"]
    assert table["value"].iloc[0] == "Hard"
    assert "Small" not in set(table["value"])
    assert table["exact_high"].is_monotonic_increasing


def test_a_title_of_high_loss_whose_answers_are_right_is_named_too() -> None:
    run = tiny_run(80)
    ships = run.questions["title"] == "Ships"
    run.questions.loc[ships, ["loss", "exact"]] = [50.0, 1.0]
    told = overview(run).sentences[-1]
    assert told.startswith("The title of the highest loss is “Ships”: 50.00 on average, over all of train ")
    assert "; 100.0 % of its " in told


def test_of_equal_losses_no_title_is_the_highest() -> None:
    draw = np.random.default_rng(3)
    told = [overview(tiny_run(80, loss=loss)).sentences for loss in (1.0, draw.exponential(1.0, 80))]
    assert not any("highest loss" in text for sentences in told for text in sentences)


def test_calibration_bins_hold_every_question_once_by_the_probability_of_the_answer_given() -> None:
    run = tiny_run(100)
    table = overview(run).more["calibration"]
    for split, part in table.groupby("split"):
        questions = run.questions[run.questions["split"] == split]
        assert len(part) == BINS
        assert part["questions"].sum() == len(questions)
        assert part["probability"].is_monotonic_increasing
        given = np.where(questions["prediction"] == "", questions["no_answer_probability"], questions["confidence"])
        assert np.average(part["probability"], weights=part["questions"]) == pytest.approx(given.mean())
        assert np.average(part["exact"], weights=part["questions"]) == pytest.approx(questions["exact"].mean())


def test_a_model_that_knows_when_it_is_right_is_calibrated() -> None:
    calm = overview(tiny_run(100, exact=1.0, confidence=1.0, no_answer_probability=1.0))
    assert calibration_error(calm.more["calibration"]) == 0
    assert any("well calibrated on average (expected calibration error 0.0 points)" in text for text in calm.sentences)
    sure = overview(tiny_run(100, exact=0.0, confidence=1.0, no_answer_probability=1.0))
    assert any("overconfident" in text for text in sure.sentences)
    meek = overview(tiny_run(100, exact=1.0, confidence=0.5, no_answer_probability=0.5))
    assert any("underconfident" in text for text in meek.sentences)


def test_sentences_hold_the_numbers_of_the_table() -> None:
    section = overview(tiny_run(80))
    row = section.table[(section.table["split"] == "train") & (section.table["group"] == "all")].iloc[0]
    assert any(f"{100 * row['exact']:.1f} % in train" in text for text in section.sentences)
    assert "80 questions: 40 of train, 40 of validation." in section.sentences


def test_what_is_surely_worse_is_told_and_nothing_else_is() -> None:
    run = tiny_run(300, exact=1.0)
    questions = run.questions
    assert not any("worse" in text for text in overview(run).sentences)
    questions.loc[questions["question_type"] == "why", "exact"] = 0.0
    questions.loc[questions["title"] == "Hard", "exact"] = 0.0
    told = overview(run).sentences
    part = questions[(questions["split"] == "validation") & (questions["question_type"] == "why")]
    assert any(
        text.startswith("Surely answered worse than the rest of validation: 1 question type, first “why”: 0.0 % of ")
        and f" of {len(part)} answers are right" in text
        for text in told
    )
    equal = [overview(tiny_run(300, exact=np.arange(300) // 2 % 2 * 1.0)), overview(tiny_run(60, title="Only"))]
    assert not any("answered worst" in text for section in equal for text in section.sentences)
    assert equal[0].sentences[0] == (
        "No part of validation, no title and no type of question is surely answered worse than the rest."
    )


def test_without_a_model_there_are_scores_but_neither_loss_nor_calibration() -> None:
    section = overview(tiny_run(60, model=False))
    assert section.empty is None
    assert section.more["calibration"].empty
    assert section.table["loss"].isna().all()
    assert section.more["overview_titles"]["value"].iloc[0] == "Hard"


def test_without_labels_it_says_why_it_is_empty() -> None:
    section = overview(tiny_run(20, splits=("unlabeled",)))
    assert section.table.empty
    assert list(section.table.columns)
    assert section.empty is not None
    assert "No question is labeled" in section.empty


def test_one_question_is_enough() -> None:
    section = overview(tiny_run(1))
    row = section.table.iloc[0]
    assert row["questions"] == 1
    assert np.isnan(row["loss_low"])
    assert section.sentences[0] == "Every answer in train is right."
    assert section.more["overview_titles"].empty


def test_unseen_splits_make_the_headline() -> None:
    assert headline_split(["train", "validation", "test"]) == "test"
    assert headline_split(["train", "validation"]) == "validation"
    assert headline_split(["train"]) == "train"
