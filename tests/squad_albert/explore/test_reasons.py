from __future__ import annotations

import pandas as pd

from squad_albert.explore.problems import MARKS, VALUE, WITHHELD
from squad_albert.explore.reasons import reason


def table(*kinds, titles="AB", loss=1.0):
    """Questions with these problems, their titles by turns."""
    rows = [
        {
            "id": f"q{number}", "problem": kind, "title": titles[number % len(titles)], "loss": loss + number,
            "prediction": "" if kind == WITHHELD else '"Glass River"' if kind == MARKS else "Night Train",
            "golds": ["Rain", "Glass River"],
        }
        for number, kind in enumerate(kinds)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_marks_are_a_reason_before_a_more_frequent_problem():
    part = table(*[MARKS] * 4, *[WITHHELD] * 6)
    wrong = pd.concat([part, table(*[VALUE] * 20).assign(id=lambda other: "other " + other["id"])], ignore_index=True)
    text, example = reason(part, wrong, titles=2)
    assert text.startswith(f"4 of 10 problems are “{MARKS}”, with 18 % of the loss, such as ")
    assert text.endswith(
        'such as \N{LEFT SINGLE QUOTATION MARK}"Glass River"\N{RIGHT SINGLE QUOTATION MARK} '
        "where the label is “Glass River”"
    )
    assert example == "q3"  # the one of the highest loss


def test_a_kind_must_be_frequent_and_more_so_than_elsewhere():
    part = table(*[VALUE] * 5, *[WITHHELD] * 5)
    same = pd.concat([part, part.assign(id="other " + part["id"])], ignore_index=True)
    assert reason(part, same, 2) == ("", "")  # as everywhere
    assert reason(part, part, 2)[0].startswith("5 of 10")  # there is nothing else to compare with
    few = table(VALUE, VALUE)
    assert reason(few, few, 2) == ("", "")
    assert reason(part.iloc[:0].reindex([0]).assign(title="A", id="x", loss=0.5), part, 1) == ("", "")


def test_no_answer_is_told_in_words():
    part = table(*[WITHHELD] * 3, titles="ABC")
    assert reason(part, part, 2)[0].endswith("such as no answer where the label is “Rain”")


def test_a_title_that_makes_up_a_cluster_is_named():
    part = table(*[VALUE] * 10, titles="AAAAB")
    others = pd.concat([part, table(*[VALUE] * 10).assign(id="z")], ignore_index=True)
    assert reason(part, others, titles=2)[0] == "one title makes it up: A (80 %)"
    assert reason(part, others, titles=1)[0] == ""


def test_without_losses_nothing_is_said_of_them():
    part = table(*[MARKS] * 3, loss=float("nan"))
    assert "loss" not in reason(part, part, 2)[0]


def test_of_equal_losses_the_first_id_is_the_example():
    part = table(*[MARKS] * 3).assign(id=["c", "b", "a"], loss=[5.00001, 5.00003, 5.00002])
    assert reason(part, part, 2)[1] == "a"
