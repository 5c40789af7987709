from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.explore.nearness import REACH, Context, rarity, stems

TEXT = "The Heron was launched in Tarn in 1871, long before the war. Mr. J. Cole of Ulm launched the Otter in 1902."


def span(text: str) -> tuple[int, int]:
    return TEXT.index(text), TEXT.index(text) + len(text)


def even(question: str) -> dict[str, float]:
    return dict.fromkeys(stems(question), 1.0)


def test_words_of_the_same_sentence_count_by_their_distance():
    found = Context(TEXT).nearness(even("Heron, launched"), span("1871"))
    heron, launched = 5, 3  # words from "1871", which is the first of its kind behind "in Tarn in"
    assert found == pytest.approx((math.exp(-(heron + 1) / REACH) + math.exp(-(launched + 1) / REACH)) / 2)


def test_words_of_other_sentences_do_not_count():
    context = Context(TEXT)
    assert context.nearness(even("Otter"), span("1871")) == 0
    assert context.nearness(even("Otter"), span("1902")) > 0.8
    assert context.nearness(even("Otter"), (0, len(TEXT))) == 1  # it lies in both


def test_the_nearest_of_several_places_counts():
    assert Context(TEXT).nearness(even("launching"), span("Ulm")) == pytest.approx(math.exp(-1 / REACH))


def test_words_that_the_context_lacks_do_not_count():
    context = Context(TEXT)
    assert context.nearness(even("Heron zeppelin"), span("1871")) == context.nearness(even("Heron"), span("1871"))
    assert math.isnan(context.nearness(even("Which zeppelin?"), span("1871")))
    assert math.isnan(Context("...").nearness(even("Heron"), (0, 1)))


def test_rare_words_count_more():
    weights = rarity([stems("Heron launched"), stems("Otter launched"), stems("ships launched")])
    assert weights["heron"] > weights["launc"] > 0
    context = Context("The Heron sailed. The Otter was launched in 1902.")
    place = (43, 47)
    asked = {stem: weights[stem] for stem in stems("Heron launched")}
    assert context.nearness(asked, place) < context.nearness(even("Heron launched"), place)


texts = st.text("ab .,?\n'é5", max_size=60)


@given(texts.filter(bool), texts, st.data())
def test_it_is_a_share_whatever_the_text(text: str, question: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = Context(text).nearness(even(question), (start, end))
    assert math.isnan(found) or 0 <= found <= 1 + 1e-12
