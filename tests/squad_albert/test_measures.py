from __future__ import annotations

import pytest

from squad_albert.measures import measure, metric_lines
from utils.squad import Gold, Question

ASKED = [
    Question("gen-1", "T", "What flies?", "An owl flies.", (Gold("An owl", 0),)),
    Question("gen-2", "T", "Who swims?", "An owl flies.", ()),
    Question("hand-1", "T", "What does an owl do?", "An owl flies.", (Gold("flies", 7),)),
    Question("hand-2", "T", "What does an eel do?", "An owl flies.", ()),
]
SPANS = {"gen-1": "owl", "gen-2": "owl", "hand-1": "flies", "hand-2": "flies"}
ODDS = {"gen-1": -9.0, "gen-2": 1.0, "hand-1": 3.0, "hand-2": 4.0}


def given(threshold: float) -> dict[str, str]:
    return {key: "" if ODDS[key] > threshold else text for key, text in SPANS.items()}


def measured(threshold: float = 0.0) -> dict:
    return measure(given(threshold), ASKED, ODDS, spans=SPANS, used=threshold)


def test_official_figures_and_groups():
    figures = measured()
    assert (figures["questions"], figures["unanswered"]) == (4, 3)
    assert figures["official"]["exact"] == 75.0
    assert figures["official"]["HasAns_exact"] == 50.0
    assert figures["official"]["NoAns_exact"] == 100.0
    assert figures["question_type"] == {
        "what": {"exact": pytest.approx(200 / 3), "f1": pytest.approx(200 / 3), "total": 3},
        "who": {"exact": 100.0, "f1": 100.0, "total": 1},
    }
    assert {name: scores["exact"] for name, scores in figures["part"].items()} == {
        "gen": 100.0,
        "hand": 50.0,
    }


def test_the_best_threshold_is_found_from_the_spans_whatever_was_used():
    for threshold in (-20.0, 0.0, 20.0):
        found = measured(threshold)["no_answer_threshold"]
        assert found.pop("used") == threshold
        assert found == {"best_exact": 75.0, "best_exact_thresh": -9.0, "best_f1": 75.0, "best_f1_thresh": -9.0}


def test_no_answer_to_everything_may_be_best():
    spans = dict.fromkeys(SPANS, "eel")
    found = measure(spans, ASKED, ODDS)["no_answer_threshold"]
    assert (found["best_f1"], found["best_f1_thresh"]) == (50.0, -10.0)
    assert all(margin > found["best_f1_thresh"] for margin in ODDS.values())


def test_answers_and_odds_of_other_splits_do_not_count():
    more = {"other-1": "eel"}
    assert measure(given(0.0) | more, ASKED, ODDS | {"other-1": -99.0}, spans=SPANS | more, used=0.0) == measured()


def test_without_no_answer_there_is_no_threshold():
    figures = measure(SPANS, ASKED)
    assert figures["unanswered"] == 0
    assert "no_answer_threshold" not in figures


@pytest.mark.parametrize(
    "ids",
    [
        ["gen-1", "gen-2", "gen-3"],  # one part
        ["gen-1", "gen-2", "56be4db0acb8001400a502ec"],  # some without
        [f"{chr(97 + n)}x-1" for n in range(13)],  # too many
        ["57-1", "58-2"],  # numbers, not names
    ],
)
def test_ids_that_tell_no_parts_apart(ids):
    asked = [Question(key, "T", "What?", "An owl.", (Gold("owl", 3),)) for key in ids]
    answers = dict.fromkeys(ids, "owl")
    assert "part" not in measure(answers, asked)


def test_unlabeled_questions_are_only_counted():
    asked = [Question("u-1", "T", "What?", "An owl.", (), labeled=False)]
    found = measure({"u-1": ""}, asked, {"u-1": 1.0}, spans={"u-1": "owl"}, used=0.0)
    assert found == {"questions": 1, "unanswered": 1}


def test_lines_show_every_group():
    lines = metric_lines({"splits": {"test": {"windows": 5, **measured()}}})
    assert lines[0] == "test: 4 questions in 5 windows, 3 answered with no answer"
    cells = [line.split() for line in lines]
    assert ["all", "4", "75.00", "75.00"] in cells
    assert ["with", "answer", "2", "50.00", "50.00"] in cells
    assert ["without", "answer", "2", "100.00", "100.00"] in cells
    assert ["what", "3", "66.67", "66.67"] in cells
    assert ["hand", "2", "50.00", "50.00"] in cells
    assert lines[-1].endswith("-9.00 would give the best F1 here, 75.00")


def test_lines_of_splits_stand_apart():
    given_only = measure(given(0.0), ASKED, ODDS)
    lines = metric_lines({"splits": {"train": {"windows": 5, **measured()}, "test": given_only}})
    second = lines.index("test: 4 questions, 3 answered with no answer")
    assert lines[second - 1] == ""
    assert lines[0].startswith("train: 4 questions in 5 windows")
    assert lines[-1] == "no answer above null odds of -9.00 would give the best F1 here, 75.00"
