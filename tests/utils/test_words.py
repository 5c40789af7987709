from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.words import sentence_spans, words


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("...", 0), ("one", 1), ("It cost $1,200.50, didn't it?", 5), ("grey-green", 2), ("東京 café", 2)],
)
def test_words(text: str, count: int) -> None:
    assert len(words(text)) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. A. B. Cole paid 2.5 florins to St. Mary. He left.",
            ["Dr. A. B. Cole paid 2.5 florins to St. Mary.", "He left."],
        ),
        ('She said "Go." He went.', ['She said "Go."', "He went."]),
        ("It weighed approx. 3 t. of coal", ["It weighed approx. 3 t. of coal"]),
        ("A heading\nA line", ["A heading", "A line"]),
        ("In 1871. 14 men came.", ["In 1871.", "14 men came."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(alphabet=" aA.!?\n\"'1"))
def test_sentences_cover_the_text(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)
