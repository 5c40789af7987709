from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from utils.answer_types import TYPES, answer_type, is_quoted

LABELED: dict[str, list[list[str]]] = yaml.safe_load(
    Path(__file__).with_name("answer_types.yaml").read_text(encoding="utf-8")
)


def predict(question: str, answer: str, context: str = "") -> str:
    return answer_type(answer, question, quoted=bool(context) and is_quoted(context, context.index(answer), answer))


def test_the_labeled_set_is_large_enough() -> None:
    assert tuple(LABELED) == TYPES
    assert all(len(rows) >= 12 for rows in LABELED.values())
    assert sum(map(len, LABELED.values())) >= 160
    assert max(Counter(answer.lower() for rows in LABELED.values() for _, answer, *_ in rows if answer).values()) <= 4


def test_macro_f1_on_the_labeled_set() -> None:
    pairs = Counter((wanted, predict(*row)) for wanted, rows in LABELED.items() for row in rows)

    def f1(name: str) -> float:
        said = sum(count for (_, given), count in pairs.items() if given == name)
        return 2 * pairs[name, name] / (len(LABELED[name]) + said)

    scores = {name: f1(name) for name in TYPES if name != "none"}  # "none" is the empty text: it would only flatter
    assert sum(scores.values()) / len(scores) >= 0.85, scores
    assert min(scores.values()) >= 0.75, scores
    assert f1("none") == 1


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("How many soldiers were there?", "1650", "number"),
        ("When was the tower built?", "1650", "year"),
        ("When did the emperor die?", "476", "year"),
        ("The census of which year counted the population?", "1901", "year"),
        ("How heavy is the bell?", "900 pounds", "number"),
        ("What was the price?", "900 pounds", "money"),
        ("Who won?", "May", "name"),
        ("In which month?", "May", "date"),
        ("Which war?", "Thirty Years' War", "name"),
        ("Is it older or newer?", "older", "clause"),
        ("What was broadcast?", "1914-18", "year"),
    ],
)
def test_the_question_decides_where_the_answer_leaves_it_open(question: str, answer: str, expected: str) -> None:
    assert answer_type(answer, question) == expected


@pytest.mark.parametrize(
    ("context", "text", "expected"),
    [
        ('He sang "Ash".', "Ash", True),
        ("He sang “Ash,” twice.", "Ash", True),
        ("\u2018Ash\u2019", "Ash", True),
        ("He sang Ash.", "Ash", False),
        ('He sang "Ash" once.', '"Ash"', False),
        ('"Ash and Oak"', "Ash", False),
        ("Ash", "Ash", False),
    ],
)
def test_is_quoted(context: str, text: str, expected: bool) -> None:
    assert is_quoted(context, context.index(text), text) is expected


PIECES = ["1871", "the", "Tolm", '"', "%", "$", "of", "three", "May", ",", "-", "\u2019", "½", "st", "pounds", "no"]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map(" ".join), st.text(), st.booleans())
def test_any_text(answer: str, question: str, quoted: bool) -> None:
    kind = answer_type(answer, question, quoted=quoted)
    assert kind in TYPES
    assert (kind == "none") == (not answer.strip().strip(".,;: "))
