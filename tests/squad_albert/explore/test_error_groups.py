from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from squad_albert.explore.error_groups import COLUMNS, FEWEST, error_groups, error_sentences, surely_worse


def answered(rows: list[tuple[str, str, str, str, int]], wrong: float = 0.0) -> pd.DataFrame:
    """Questions by id prefix, title, types of question and answer, and how many; the share of ``wrong`` comes first."""
    table = []
    for prefix, title, asked, kind, count in rows:
        for number in range(count):
            table.append({
                "id": f"{prefix}-{len(table)}", "split": "validation", "title": title, "question_type": asked,
                "answer_type": kind, "exact": float(number >= wrong * count),
            })  # fmt: skip
    return pd.DataFrame(table)


def with_a_bad_part() -> pd.DataFrame:
    """Of 300 questions 40 are hand-written, over five titles, and nearly all wrong."""
    easy = answered([("gen", f"T{number}", "what", "name", 52) for number in range(5)], wrong=0.05)
    hard = answered([("hand", f"T{number}", "what", "name", 8) for number in range(5)], wrong=0.9)
    return pd.concat([easy, hard], ignore_index=True)


def test_a_part_that_explains_most_errors_comes_first() -> None:
    questions = with_a_bad_part()
    groups = error_groups(questions)
    assert list(groups.columns) == list(COLUMNS)
    row = groups.iloc[0]
    hand = questions["id"].str.startswith("hand")
    wrong = questions["exact"] < 1
    assert (row["group"], row["value"], row["questions"], row["of"]) == ("part", "hand", 40, 300)
    assert (row["errors"], row["all_errors"]) == (wrong[hand].sum(), wrong.sum())
    assert row["excess"] == pytest.approx(wrong[hand].sum() - 40 * wrong.mean())
    assert row["rest_error"] == pytest.approx(wrong[~hand].mean())
    table = pd.crosstab(hand, wrong).to_numpy()[::-1, ::-1]
    assert row["p"] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert row["p"] < row["p_adjusted"] < 0.001
    assert list(surely_worse(groups, "validation")["value"]) == ["hand"]


def test_it_is_told_by_what_it_is_ranked_by() -> None:
    questions = with_a_bad_part()
    groups = error_groups(questions)
    first = groups.iloc[0]
    assert error_sentences(questions, groups, "validation") == [
        f"Most errors in validation are in part “hand”: {first['errors']} of {first['all_errors']} "
        f"({100 * first['errors'] / first['all_errors']:.0f} %), from 13 % of the questions.",
        f"Of its 40 answers {100 * first['error']:.0f} % are wrong ({100 * first['error_low']:.0f} % to "
        f"{100 * first['error_high']:.0f} %), of the others {100 * first['rest_error']:.0f} %.",
    ]


def test_a_group_of_fewer_than_half_of_the_errors_is_not_said_to_have_most() -> None:
    easy = answered([("q", f"T{number}", "what", "name", 50) for number in range(6)], wrong=0.3)
    hard = answered([("q", "Odd", "what", "name", 20)], wrong=1.0)
    questions = pd.concat([easy, hard], ignore_index=True)
    told = error_sentences(questions, error_groups(questions), "validation")
    assert told[0] == (
        "Errors in validation are most out of proportion in title “Odd”: 20 of 110 (18 %), from 6 % of the questions."
    )


def test_questions_without_an_answer_are_called_so() -> None:
    kinds = [answered([("q", "A", "what", kind, 30)], wrong=wrong) for kind, wrong in (("name", 0.1), ("none", 0.9))]
    questions = pd.concat(kinds, ignore_index=True)
    told = error_sentences(questions, error_groups(questions), "validation")
    assert told[0].startswith("Most errors in validation are in questions without an answer: 27 of 30 (90 %)")


@pytest.mark.parametrize(("wrong", "told"), [(0.0, "right"), (1.0, "wrong")])
def test_where_all_is_alike_no_group_is_blamed(wrong: float, told: str) -> None:
    questions = answered([("gen", "A", "who", "name", 30), ("hand", "B", "what", "year", 30)], wrong=wrong)
    groups = error_groups(questions)
    assert surely_worse(groups, "validation").empty
    assert error_sentences(questions, groups, "validation") == [f"Every answer in validation is {told}."]


def test_equal_groups_and_chance_are_not_told_as_findings() -> None:
    questions = answered([("gen", "A", "who", "name", 30), ("hand", "B", "what", "year", 30)], wrong=0.5)
    told = error_sentences(questions, error_groups(questions), "validation")
    assert told == ["No part of validation, no title and no type of question is surely answered worse than the rest."]


def test_one_group_and_few_questions_leave_nothing_to_compare() -> None:
    one = answered([("gen", "A", "who", "name", 30)], wrong=0.5)
    few = answered([("gen", f"T{n}", "who", "name", FEWEST - 1) for n in range(3)], wrong=0.5)
    for questions in (one, few, one.head(0)):
        groups = error_groups(questions)
        assert groups.empty
        assert dict(groups.dtypes.astype(str)) == dict(error_groups(with_a_bad_part()).dtypes.astype(str))
    assert error_sentences(one, error_groups(one), "validation") == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xyz"), st.booleans()), min_size=1, max_size=40))
def test_every_kind_of_group_accounts_for_its_errors(rows: list[tuple[str, str, bool]]) -> None:
    questions = pd.DataFrame(rows, columns=["title", "question_type", "right"])
    questions = questions.assign(
        id=[f"q{number}" for number in range(len(rows))], split="train", answer_type="name",
        exact=questions["right"].astype(float),
    )  # fmt: skip
    groups = error_groups(questions)
    for name in ("error", "error_low", "error_high", "rest_error", "p", "p_adjusted"):
        assert groups[name].between(0, 1).all()
    assert groups["excess"].round(6).is_monotonic_decreasing
    titles = groups[groups["group"] == "title"]
    if len(titles) == 2:
        assert titles["errors"].sum() == (~questions["right"]).sum()
        assert np.isclose(titles["excess"].sum(), 0)
