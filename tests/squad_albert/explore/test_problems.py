from __future__ import annotations

import pandas as pd
import pytest

from squad_albert.explore.problems import (
    BOUNDARIES,
    MARKS,
    RIGHT,
    TYPE,
    UNWANTED,
    VALUE,
    WITHHELD,
    problems,
)
from tests.tiny_run import tiny_run
from utils.squad_metrics import exact_match, f1


def problem(prediction, golds, types=("name", "name"), labeled=True):
    row = {
        "prediction": prediction, "golds": golds, "labeled": labeled, "answerable": bool(golds),
        "exact": exact_match(prediction, golds), "f1": f1(prediction, golds),
        "answer_type": types[0], "prediction_type": types[1],
    }  # fmt: skip
    return problems(pd.DataFrame([row]))[0]


@pytest.mark.parametrize(
    ("prediction", "golds", "types", "expected"),
    [
        ("Glass River", ["Glass River"], ("name", "name"), RIGHT),
        ("the glass river", ["Glass River"], ("name", "name"), RIGHT),
        ('"Glass River"', ["Glass River"], ("name", "name"), MARKS),  # officially right
        ("“Glass River”", ["River", "Glass River"], ("name", "name"), MARKS),  # officially wrong
        ('"Glass River"', ["Glass River", '"Glass River"'], ("name", "name"), RIGHT),  # one gold has them, too
        ("", [], ("none", "none"), RIGHT),
        ("Glass River", [], ("none", "name"), UNWANTED),
        ("", ["Glass River"], ("name", "none"), WITHHELD),
        ("Glass River Band", ["Glass River"], ("name", "name"), BOUNDARIES),
        ("Night Train", ["Glass River"], ("name", "name"), VALUE),
        ("1962", ["Glass River"], ("name", "year"), TYPE),
        ("—", ["…"], ("clause", "clause"), VALUE),  # no word is the same, as there is none
    ],
)
def test_each_answer_has_its_problem(prediction, golds, types, expected):
    assert problem(prediction, golds, types) == expected


def test_unlabeled_questions_have_none():
    assert problem("Glass River", [], labeled=False) is None


def test_a_run_is_right_where_it_is_scored_so():
    questions = tiny_run(questions=120, splits=("train", "validation", "unlabeled")).questions
    found = problems(questions)
    assert (found.isna() == ~questions["labeled"]).all()
    assert ((found == RIGHT) == (questions["exact"] == 1)).all()
    assert found.nunique() >= 4
