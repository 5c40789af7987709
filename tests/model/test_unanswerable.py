"""Questions without an answer are made of those with one, by one thing that the text does not have."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.unanswerable import OPPOSITES, unanswerable
from utils.questions import Gold, Question

PLACES = ("Orrin", "Veldt", "Skarrel", "Ulm", "Tarn", "Wick")


def about(place: str, year: int, miller: str, grain: str) -> list[Question]:
    context = (
        f"The mill at {place} was built by the miller {miller} in {year}. It ground {grain} for the "
        f"villages on both banks, and for a time the owners also sawed timber there. A flood carried its wheel away "
        f"in {year + 40}. Nobody mourned it, as the railway had long brought cheaper flour to the town of {place}."
    )
    asked = {
        f"Who built the mill at {place}?": miller,
        f"When was the mill in {place} built?": str(year),
        f"What did the flood of {year + 40} take?": "its wheel",
        f"what did {miller} grind": grain,
    }
    return [
        Question(f"{place}-{number}", place, question, context, (Gold(text, context.index(text)),))
        for number, (question, text) in enumerate(asked.items())
    ]


QUESTIONS = [
    question
    for number, place in enumerate(PLACES)
    for question in about(
        place, 1800 + 7 * number, f"Anna {'ABC'[number // 2]}rook", f"only {'oats' if number % 2 else 'rye'}"
    )
]


@pytest.fixture(scope="module")
def made() -> list[Question]:
    return unanswerable(QUESTIONS, 1.0, 7)


def test_no_more_are_made_than_asked_for(made):
    assert len(QUESTIONS) / 2 < len(made) <= len(QUESTIONS)
    assert len(unanswerable(QUESTIONS, 0.25, 7)) == len(QUESTIONS) / 4
    assert unanswerable(QUESTIONS, 0.0, 7) == []
    assert len({question.id for question in made}) == len(made)


def test_none_has_an_answer_and_all_are_labeled(made):
    assert all(question.labeled and not question.golds for question in made)


def test_what_is_replaced_stood_in_the_question_and_the_new_words_are_not_in_the_text(made):
    before = {question.id: question for question in QUESTIONS}
    for question in made:
        own = before[question.id.removesuffix("-altered")]
        assert question.context == own.context
        old, new = (set(re.findall(r"\w+", text)) for text in (own.question, question.question))
        assert old - new and new - old
        assert any(not re.search(rf"\b{word}\b", own.context) for word in new - old)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Who was the first miller?", {"Who was the last miller?"}),
        ("Who opposed the oldest?", {"Who supported the oldest?", "Who opposed the youngest?"}),
        ("Who came before the flood?", set()),  # the text says "after", too
        ("Who ground rye?", set()),
    ],
)
def test_words_give_way_to_their_opposites(text, found):
    context = "The first miller was the oldest man. He opposed the sale before the flood and after it."
    question = Question("q", "T", text, context, (Gold("miller", 10),))
    made = {one.question for seed in range(12) for one in unanswerable([question], 1.0, seed)}
    assert made == found


def test_opposites_are_mutual_and_stand_once():
    words = " ".join(OPPOSITES).split()
    assert len(set(words)) >= len(words) - 8  # some have two opposites
    assert all(len(pair.split()) == 2 for pair in OPPOSITES)


def test_seeds_decide(made):
    assert unanswerable(QUESTIONS, 1.0, 7) == made
    assert unanswerable(QUESTIONS, 1.0, 8) != made


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=30)), max_size=6), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_no_text_is_too_odd(texts, seed):
    questions = [
        Question(f"q{number}", "T", asked, context, (Gold(context[:3], 0),) if context.strip() else ())
        for number, (context, asked) in enumerate(texts)
    ]
    for question in unanswerable(questions, 1.0, seed):
        assert not question.golds
