from __future__ import annotations

import numpy as np

from squad_albert.explore.describe import MOST_TERMS, shares, typical_terms

SHIPS = [f"Which ship brought tea to port {number}?" for number in range(12)]
MILLS = [f"Who built the mill at ford {number}?" for number in range(12)]
BANDS = [f"Which song opened evening {number}?" for number in range(30)]


def test_a_groups_terms_are_those_that_others_lack():
    groups = np.repeat([0, 1, -1], [12, 12, 30])
    ships, mills = typical_terms(SHIPS + MILLS + BANDS, groups)
    assert {"ship", "brought", "tea", "port"} == set(ships)
    assert {"built", "mill", "ford"} == set(mills)  # neither question words nor articles


def test_terms_of_few_texts_are_not_typical():
    odd = [text + " Zanzibar Zanzibar" if number in (3, 8) else text for number, text in enumerate(SHIPS)]
    found = typical_terms(odd + BANDS * 2, np.repeat([0, 1], [12, 60]))[0]
    assert "ship" in found
    assert "zanzibar" not in found


def test_the_most_typical_come_first_and_not_too_many():
    texts = [f"alpha beta gamma delta epsilon zeta eta {'theta' if number < 6 else 'iota'}" for number in range(12)]
    found = typical_terms(texts + BANDS * 3, np.repeat([0, -1], [12, 90]))[0]
    assert len(found) == MOST_TERMS
    assert not {"theta", "iota"} & set(found)  # only half of the texts have them


def test_groups_and_texts_may_have_nothing_to_say():
    assert typical_terms(BANDS, np.full(30, -1)) == []
    assert typical_terms(["who", "", "the"] * 4, np.zeros(12, int)) == [[]]
    assert typical_terms(["Oslo"] * 3 + [""] * 12, np.repeat([0, 1], [3, 12])) == [[], []]
    assert typical_terms(SHIPS, np.zeros(12, int)) == [[]]  # all there is


def test_possessives_and_capitals_are_the_same_word():
    texts = ["The Otter's roof", "an otter swam", "OTTER traps"] * 3
    assert "otter" in typical_terms(texts + BANDS, np.repeat([0, 1], [9, 30]))[0]


def test_shares_name_the_most_frequent():
    assert shares(["b", "a", "a", "c"] * 5) == "a 50 %, b 25 %, c 25 %"
    assert shares(["a"] * 95 + ["b"] * 5) == "a 95 %"
    assert shares(list("abcd"), most=2) == "a 25 %, b 25 %"
