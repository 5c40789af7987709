"""Names, values and wordings: what is drawn belongs to its split and is what it says."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from squad_albert.corpus.names import SHARES, SPLITS, Names, split_of
from squad_albert.corpus.values import YEARS, draw_value
from squad_albert.corpus.wordings import choose_alternatives, domains

KINDS = ("person", "place", "organisation", "work", "year", "date", "count", "money", "percent")
SLOTS = {"S", "O", "P", "H", "V", "D", *KINDS}


def test_splits_have_their_shares_of_all_names() -> None:
    names = Names(Random(1), "train")
    stems = [f"{names.stem()}{number}" for number in range(4000)]  # the number makes the hash a new one
    counts = Counter(map(split_of, stems))
    for split, share in zip(SPLITS, SHARES, strict=True):
        assert counts[split] / len(stems) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("split", SPLITS)
def test_every_invented_word_belongs_to_the_split(split: str) -> None:
    names = Names(Random(2), split)
    for _ in range(50):
        assert {split_of(word) for word in names.person().split()} == {split}
        assert split_of(names.words()) == split
        assert split_of(names.work().strip('"').removeprefix("The ")) == split


def test_every_domain_has_a_maker_of_topics() -> None:
    names = Names(Random(3), "train")
    assert all(names.topic(domain.kind) for domain in domains())
    with pytest.raises(KeyError):
        names.topic("planet")


def test_values_hold_what_annotators_might_mark_instead() -> None:
    names = Names(Random(4), "validation")
    for domain in domains():
        for fact in domain.facts:
            for _ in range(10):
                value = draw_value(names, fact.value)
                assert all(shorter in value.text and shorter != value.text for shorter in value.shorter)


def test_years_are_modern() -> None:
    names = Names(Random(5), "train")
    years = {int(draw_value(names, {"kind": "year"}).text) for _ in range(2000)}
    assert YEARS[0] <= min(years) < YEARS[0] + 20
    assert YEARS[1] - 20 < max(years) <= YEARS[1]


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("date", r"\d\d? [A-Z][a-z]+ \d{4}"),
        ("count", r"\d{1,3}(,\d{3})*|[a-z]+"),
        ("money", r"[\d,.]+( million)? (crowns|florins|marks)"),
        ("percent", r"\d\d? percent"),
        ("work", r'"[A-Z]\w+( [A-Z]\w+)+"'),
        ("person", r"[A-Z]\w+ [A-Z]\w+"),
    ],
)
def test_values_look_like_their_kind(kind: str, pattern: str) -> None:
    names = Names(Random(6), "train")
    assert all(re.fullmatch(pattern, draw_value(names, {"kind": kind}).text) for _ in range(200))


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(KeyError):
        draw_value(Names(Random(7), "train"), {"kind": "colour"})


def test_statements_tell_one_value_and_questions_name_one_topic() -> None:
    for domain in domains():
        for fact in domain.facts:
            assert {text.count("{V}") for text in fact.statements.texts} == {1}
            assert {text.count("{T}") for text in fact.questions.texts} == {1}
            assert all(re.search(r"\{[SOP]\}", text) for text in fact.statements.texts)
        texts = [text for fact in domain.facts for text in fact.statements.texts] + list(domain.asides)
        assert {slot for text in texts for slot in re.findall(r"\{(\w+)\}", text)} <= SLOTS


def test_an_empty_alternative_leaves_no_gap() -> None:
    assert choose_alternatives("It is [|] long [|], [a|a] mile [|].", Random(0)) == "It is long, a mile."
