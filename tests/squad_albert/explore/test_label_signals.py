from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from squad_albert.explore.label_signals import LEAST_PROBABILITY, SIGNALS, Finding, Rival, findings, overlap, rival

SHIPS = "The Heron was launched in 1871. Her owners sold the Otter, launched in 1902, to Ulm in 1871."


def asked(question: str, label: str | int | None, *answers: tuple[str, float], no_answer: float = 0.0, **other: Any):
    """A row of a run: its label is a text (the first place of it) or a place; answers likewise, with probabilities."""
    golds = [] if label is None else [SHIPS.index(label) if isinstance(label, str) else label]
    text = label if isinstance(label, str) else "1871"
    row = {
        "id": question,
        "question": question,
        "context": SHIPS,
        "golds": [text] if golds else [],
        "gold_starts": golds,
        "question_type": "when",
        "answer_type": "year" if golds else "none",
        "nbest": [answer(*one) for one in answers],
        "no_answer_probability": no_answer,
        "prediction": answers[0][0] if answers else "",
        "f1": 0.0,
    }
    return row | other


def answer(text: str, probability: float, start: int | None = None) -> dict[str, Any]:
    start = SHIPS.index(text) if start is None else start
    return {"text": text, "start": start, "end": start + len(text), "score": 0.0, "probability": probability}


def found(*rows: dict[str, Any]) -> list[dict[str, Finding]]:
    return list(findings(pd.DataFrame(list(rows))))


def only(row: dict[str, Any]) -> Rival | None:
    (one,) = pd.DataFrame([row]).itertuples()
    golds = zip(row["gold_starts"], row["golds"], strict=True)
    return rival(one, [(start, start + len(text)) for start, text in golds])


def test_the_rival_is_the_likeliest_answer_elsewhere():
    row = asked("?", "1871", ("in 1871", 0.4), ("1902", 0.3), ("in 1902", 0.1), ("1871", 0.1), ("Ulm", 0.05))
    assert only(row) == Rival((SHIPS.index("1902"), SHIPS.index("1902") + 4), pytest.approx(0.4), pytest.approx(0.5))


def test_the_rival_may_be_no_answer_and_so_may_the_label():
    assert only(asked("?", "1871", ("1902", 0.3), no_answer=0.6)) == Rival(None, 0.6, 0.0)
    assert only(asked("?", None, ("1902", 0.3), no_answer=0.6)) == Rival((71, 75), 0.3, 0.6)
    assert only(asked("?", None, no_answer=1.0)) is None


def test_without_a_model_the_rival_is_the_answer_given():
    given = {"nbest": None, "no_answer_probability": None}
    assert only(asked("?", "1871", ("1902", 1.0), **given)) == Rival((71, 75), 1.0, 0.0, given=True)
    assert only(asked("?", "1902", ("1902", 1.0), **given)) is None  # the label's place
    assert only(asked("?", "1871", ("1902", 1.0), **given) | {"f1": 0.5}) is None  # partly right
    assert only(asked("?", "1871", **given)) == Rival(None, 1.0, 0.0, given=True)
    assert only(asked("?", None, **given)) is None
    assert only(asked("?", "1871", **given) | {"prediction": "nowhere"}) is None


def test_last_digits_decide_nothing_between_rivals():
    assert only(asked("?", "1871", ("1902", 0.450001), no_answer=0.45)).span is None
    assert only(asked("?", "1871", ("1902", 0.45), no_answer=0.450001)).span is None


def test_model_and_words_speak_against_a_false_label():
    (one,) = found(asked("When was the Heron launched?", "1902", ("1871", 0.75), ("1902", 0.25)))
    assert one["model"] == Finding(pytest.approx(math.log(3)), "the model answers “1871” (75 %, the label 25.0 %)")
    assert one["words"].value > 0.3
    assert one["words"].reason == "the question's words stand nearer to “1871”"


def test_they_speak_for_a_right_one():
    (one,) = found(asked("When was the Heron launched?", "1871", ("1902", 0.25), ("1871", 0.75)))
    assert one["model"].value == pytest.approx(-math.log(3))
    assert one["words"].value < -0.3


def test_a_probability_of_nothing_is_no_infinite_odds():
    (one,) = found(asked("When?", "1902", ("1871", 1.0)))
    assert one["model"].value == pytest.approx(-math.log(LEAST_PROBABILITY))


def test_no_answer_in_words():
    (one,) = found(asked("When was the Heron launched?", "1871", ("1871", 0.1), no_answer=0.9))
    assert one["model"].reason == "the model sees no answer (90 %, the label 10.0 %)"
    assert "words" not in one


def test_the_right_words_in_the_wrong_place():
    wrong = SHIPS.rindex("1871")
    (one,) = found(asked("When was the Heron launched?", wrong, ("1871", 0.9), ("1902", 0.1)))
    assert one["elsewhere"].value > 0.3
    assert one["elsewhere"].reason == "the question's words stand nearer to the same words at character 26"
    assert one["model"].reason == "the model answers “1871” at character 26 (90 %, the label 0.0 %)"
    (right,) = found(asked("When was the Heron launched?", "1871", ("1902", 0.1)))
    assert right["elsewhere"].value < 0
    (single,) = found(asked("When was the Otter launched?", "1902", ("1871", 0.1)))
    assert "elsewhere" not in single


def test_a_label_that_answers_another_question_too():
    false, right, same = found(
        asked("When was the Heron launched?", "1902", id="a"),
        asked("In which year was the Otter launched?", "1902", id="b"),
        asked("Exactly when was the Heron launched?", "1902", id="c"),
    )
    assert false["shared"].value > 0 > right["shared"].value
    assert false["shared"].reason == "it also answers “In which year was the Otter launched?” (b)"
    assert "(b)" in same["shared"].reason  # not (a), which asks the same


def test_the_same_question_twice_with_the_same_answer_is_no_finding():
    one, other = found(
        asked("When was the Heron launched?", "1871"), asked("Exactly when was the Heron launched?", "1871")
    )
    assert "shared" not in one and "shared" not in other and "twin" not in one


@pytest.mark.parametrize(("label", "told"), [("1902", "is “1902”"), (None, "has no answer")])
def test_nearly_the_same_question_with_another_answer(label: str | None, told: str):
    one, other, third = found(
        asked("When was the Heron launched?", "1871", id="a"),
        asked("When had the Heron been launched?", label, id="b"),
        asked("To where was the Otter sold?", "Ulm", id="c"),
    )
    assert one["twin"] == Finding(1.0, f"nearly the same question {told} (b)")
    assert "twin" in other and "twin" not in third


def test_questions_without_answer_are_no_twins():
    one, other = found(asked("Who sank her?", None), asked("Who then sank her?", None))
    assert set(one) == set(other) == set()


def test_an_unusual_type_of_answer():
    usual = [asked(f"When did ship {number} sail?", "1871") for number in range(20)]
    *_, one = found(*usual, asked("When was she sold?", "Ulm", ("1902", 0.5), answer_type="name"))
    assert one["type"].value == pytest.approx(math.log(20.5 / 1.5))
    assert one["type"].reason == "“when” is seldom answered by a name, rather by a year"
    *_, right = found(*usual, asked("When was she sold?", "1902", ("Ulm", 0.5)))
    assert "type" not in right


def test_annotators_who_mark_different_places():
    row = asked("When was she sold?", "1871") | {"golds": ["1871", "in 1871", "1902"], "gold_starts": [26, 23, 71]}
    (one,) = found(row)
    assert one["annotators"] == Finding(
        pytest.approx(2 / 3), "the annotators mark different places: 1871 | in 1871 | 1902"
    )
    (agreed,) = found(row | {"golds": ["1871", "in 1871"], "gold_starts": [26, 23]})
    assert "annotators" not in agreed


def test_only_labels_of_the_same_context_are_compared():
    one, other = found(
        asked("When was the Heron launched?", "1902"),
        asked("When was the Otter launched?", "1902") | {"context": SHIPS + " "},
    )
    assert "shared" not in one and "shared" not in other


def test_every_signal_has_a_name():
    assert list(SIGNALS) == ["model", "words", "shared", "elsewhere", "twin", "type", "annotators"]
    assert overlap((0, 3), (2, 3)) and not overlap((0, 3), (3, 5))
