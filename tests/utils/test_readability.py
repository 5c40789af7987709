from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.readability import readability


def test_published_formula() -> None:
    # 9 words, 2 sentences, 4 + 3 + 8 + 8 + 2 + 4 + 2 + 5 + 2 = 38 letters and digits
    text = "They saw thirteen big-city's (U.S.) owls. It cost 50."
    assert readability("This old mountain railways do wind. In three £10!") == pytest.approx(
        4.71 * (4 + 3 + 8 + 8 + 2 + 4 + 2 + 5 + 2) / 9 + 0.5 * 9 / 2 - 21.43
    )
    assert readability(text) == pytest.approx(
        4.71 * (4 + 3 + 8 + 3 + 5 + 2 + 4 + 2 + 4 + 2) / 10 + 0.5 * 10 / 2 - 21.43
    )


def test_long_words_and_sentences_are_harder() -> None:
    easy = readability("The owl sat. It saw us. It flew.")
    hard = readability(
        "Notwithstanding considerable meteorological difficulties the ornithologists continued observing."
    )
    assert easy is not None
    assert hard is not None
    assert easy < 0 < 15 < hard


@pytest.mark.parametrize("text", ["", "  \n", "?!", "…"])
def test_a_text_without_words_has_no_index(text: str) -> None:
    assert readability(text) is None


@given(st.text())
def test_any_text(text: str) -> None:
    value = readability(text)
    assert (value is None) == (not any(character.isalnum() for character in text))
