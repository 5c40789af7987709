from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.explore.duplicates import (
    PAIRED,
    DisjointSets,
    duplicate_pairs,
    key_words,
    paragraph_numbers,
    same_question,
    text_similarity,
)

SAME = [
    ("Who wrote The Bitter Arrow?", "Do you know: who wrote The Bitter Arrow?"),
    ("How high above sea level is Prevothford?", "And how high above sea level is Prevothford?"),
    ("What year did Tesla die? ", "In which year did Tesla die"),
    ("When was the Heron's mast built?", "When was the Heron mast built?"),
    ("How many people live in Ulm?", "How many people lived in Ulm?"),
]
OTHER = [
    ("When did the Battle of Ulm begin?", "When did the Battle of Tarn begin?"),
    ("When did the movement begin in Ulm?", "Where did the movement begin in Ulm?"),
    ("How many left Ulm in 1901?", "How many left Ulm in 1902?"),
    ("Who was part of the old consortium?", "Who was not part of the old consortium?"),
    ("When was Sky Digital launched?", "What satellite was used when Sky Digital was launched?"),
    ("What places are at the mouth of the river?", "What places are at the source of the river?"),
    ("Who left?", "Who left Ulm?"),
    ("Who rules?", "According to the old book of kings and queens by the late Ada Brook of Ulm, who rules?"),
]


def the_same(one: str, other: str, same_answer: bool) -> bool:
    keys = key_words(one), key_words(other)
    assert same_question(*keys, same_answer) == same_question(*reversed(keys), same_answer)
    return same_question(*keys, same_answer)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_nearly_the_same(one, other):
    assert the_same(one, other, same_answer=False)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_alike_but_another_question(one, other):
    assert not the_same(one, other, same_answer=False)


def test_words_may_be_added_in_the_middle_if_the_answer_is_the_same():
    one, other = "How old was Manning in Super Bowl 50?", "How old was Peyton Manning in Super Bowl 50?"
    assert the_same(one, other, same_answer=True)
    assert not the_same(one, other, same_answer=False)
    assert not the_same("When did Ada leave Ulm?", "When did Ada reach Ulm?", same_answer=True)


def test_text_similarity():
    assert text_similarity("Who BUILT  it?", "who built it") == 1
    assert text_similarity("", "") == 1
    assert text_similarity("abcd efgh", "ijkl mnop") == 0
    near = text_similarity("When was it built?", "When was it rebuilt?")
    assert text_similarity("When was it built?", "Who sold the house?") < near < 1


def find(
    questions: Sequence[str],
    contexts: Sequence[str],
    answers: Sequence[str] | None = None,
    candidates: Sequence[tuple[int, int]] = (),
) -> list[tuple[int, int]]:
    keys = [key_words(question) for question in questions]
    return duplicate_pairs(keys, paragraph_numbers(contexts), answers or [""] * len(questions), candidates)


def test_pairs_are_those_of_a_group_and_of_one_paragraph():
    base = "Where does a northbound traveller come off the bridge?"
    asked = [base, "Who built it?", f"Exactly {base.lower()}", f"And {base.lower()}", base]
    assert find(asked, ["A", "A", "A", "A", "B"]) == [(0, 2), (0, 3), (2, 3)]


def test_the_answer_brings_together_what_words_leave_open():
    asked = ["How old was Manning in Super Bowl 50?", "Who won?", "How old was Peyton Manning in Super Bowl 50?"]
    assert find(asked, ["A"] * 3, ["39", "denver broncos", "39"]) == [(0, 2)]
    assert find(asked, ["A"] * 3, ["39", "denver broncos", "38"]) == []


def test_candidates_are_tried_and_not_believed():
    many = [f"Who was number {number} of the old list of sailors?" for number in range(3 * PAIRED)]
    asked = ["Who was the first captain of the ship?", *many, "Who was the very first captain of the ship?"]
    contexts, answers = ["A"] * len(asked), ["ada"] * len(asked)
    last = len(asked) - 1
    assert find(asked, contexts, answers) == []  # too far apart among those of the same answer
    assert find(asked, contexts, answers, [(last, 0), (0, 5)]) == [(0, last)]
    assert find(asked, ["A"] * last + ["B"], answers, [(last, 0)]) == []


def test_large_groups_give_few_pairs():
    asked = ["Who built the old bridge?"] * (PAIRED + 5)
    assert find(asked, ["A"] * len(asked)) == [(0, row) for row in range(1, len(asked))]


def sentence(draw: np.random.Generator, length: int) -> list[str]:
    return [f"w{number}" for number in draw.integers(0, 5000, length)]


def test_contexts_nearly_the_same_are_one_paragraph():
    draw = np.random.default_rng(8)
    contexts = [sentence(draw, 120) for _ in range(30)]
    changed = [*contexts[3][:40], "typo", *contexts[3][41:]]
    half = [*contexts[5][:60], *sentence(draw, 60)]
    texts = [" ".join(words) for words in [*contexts, changed, half]]
    numbers = paragraph_numbers([*texts, texts[7].upper().replace(" ", "  ")]).tolist()
    assert numbers == [*range(30), 3, 31, 7]


def test_short_and_empty_contexts():
    assert paragraph_numbers([]).tolist() == []
    assert paragraph_numbers(["", "Owls", "owls!", "An owl", "!"]).tolist() == [0, 1, 1, 3, 0]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_disjoint_sets(joins):
    sets = DisjointSets(10)
    groups = [{number} for number in range(10)]
    for one, other in joins:
        sets.join(one, other)
        merged = next(group for group in groups if one in group) | next(group for group in groups if other in group)
        groups = [group for group in groups if not group & merged] + [merged]
    assert [sets.root(number) for number in range(10)] == [
        min(next(group for group in groups if number in group)) for number in range(10)
    ]
    assert sorted(sets.groups()) == sorted(sorted(group) for group in groups if len(group) > 1)


def seconds(count: int) -> float:
    draw = np.random.default_rng(9)
    texts = [" ".join(sentence(draw, 60)) for _ in range(count // 5)]
    asked = [f"Which {' '.join(sentence(draw, 8))}?" for _ in range(count)]
    began = time.process_time()
    find(asked, [texts[row // 5] for row in range(count)], ["yes"] * count)
    return time.process_time() - began


def test_time_grows_with_the_number_of_questions():
    seconds(50)
    assert seconds(2000) < 30 * seconds(200)  # ten times as many; with every pair it would be a hundred times
