from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.explore.style import COLOURS, NONE, OUTCOMES, SERIES, number, percent, visible

GROUNDS = ("surface", "raised", "wash")


def luminance(colour: str) -> float:
    shares = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXTS = ("ink", "soft", "muted", "link", "good", "bad")
MARKS = sorted({*OUTCOMES.values(), "wine", "indigo"})


@pytest.mark.parametrize(("name", "ground", "place"), list(product(TEXTS, GROUNDS, (0, 1))))
def test_text_can_be_read_on_every_ground(name: str, ground: str, place: int) -> None:
    assert contrast(COLOURS[name][place], COLOURS[ground][place]) >= 4.5  # WCAG AA


@pytest.mark.parametrize(("name", "place"), list(product(MARKS, (0, 1))))
def test_marks_are_seen_on_the_ground(name: str, place: int) -> None:
    assert contrast(COLOURS[name][place], COLOURS["surface"][place]) >= 2


def test_no_colour_of_a_light_ground_has_two_partners() -> None:
    assert len(dict(COLOURS.values())) == len(set(COLOURS.values()))
    assert len(set(SERIES)) == len(SERIES)


@given(st.text())
def test_visible_text_holds_nothing_that_acts(text: str) -> None:
    shown = visible(text)
    assert not any(letter < " " and letter not in "\t\n" for letter in shown)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(shown)


@given(st.text(alphabet=st.characters(exclude_categories=("C",))))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(st.text(), st.integers(1, 50))
def test_long_text_is_cut_with_an_ellipsis(text: str, longest: int) -> None:
    plain = "".join(letter for letter in text if visible(letter) == letter)
    shown = visible(plain, longest)
    assert len(shown) <= longest
    assert shown == plain or shown.endswith("…")


def test_numbers_that_are_not_there_are_dashes() -> None:
    assert percent(None) == number(None) == number(float("nan")) == NONE
    assert percent(1) == "100.0 %"
    assert percent(0.126, 0) == "13 %"
