from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.question_types import TYPES, question_type

CASES = [
    ("What colour is the collar?", "what"),
    ("what's the name of the reef?", "what"),
    ("In what year did Ennick, who was a poet, die?", "what"),
    ("After the war, what did the people who stayed grow?", "what"),
    ("According to the man who built it, what is the tower made of?", "what"),
    ("When the lamp went out, what did the keeper burn?", "what"),
    ("  The walls are made of what?", "what"),
    ("Who rang the bell?", "who"),
    ("Whose goat wore the medal?", "who"),
    ("To whom was the letter sent?", "who"),
    ("Who lived where the mill stands?", "who"),
    ("When did the canal open?", "when"),
    ("Since when has it been closed?", "when"),
    ("Where is the museum?", "where"),
    ("From where does the Tammer flow?", "where"),
    ("Which river is longer?", "which"),
    ("On the map, which of the towns is missing?", "which"),
    ("Why did they leave?", "why"),
    ("How does the fungus spread?", "how"),
    ("How long is the river?", "how"),
    ("How many arches are there?", "how many"),
    ("The bridge has how many arches?", "how many"),
    ("By how much did the fares rise?", "how much"),
    ("HOW  MUCH was paid?", "how much"),
    ("Name the captain.", "other"),
    ("Is the museum open?", "other"),
    ("", "other"),
    ("Was the showman somewhat tired?", "other"),
]


@pytest.mark.parametrize(("question", "expected"), CASES)
def test_question_type(question: str, expected: str) -> None:
    assert question_type(question) == expected


def test_every_type_is_tried() -> None:
    assert {expected for _, expected in CASES} == set(TYPES)


@given(
    st.text()
    | st.lists(st.sampled_from(["when", "who", "what", ",", "the", "Is", "how", "much", "in", "?", "many"])).map(
        " ".join
    )
)
def test_any_text(question: str) -> None:
    assert question_type(question) in TYPES
