from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.words import sentence_spans, whole_words, words


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


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        ("the administrative limits", "administrat", "administrative"),
        ("the administrative limits", "ministrat", "administrative"),
        ("paid 1,200.50, then", "200", "1,200.50"),
        ("paid 1,200.50, then", "paid 1", "paid 1,200.50"),
        ("in 1874. 12 men", "1874", "1874"),
        ("Dr. Brook's ship", "Brook", "Brook"),
        ("grey-green", "grey", "grey"),
        ("snake_case", "snake", "snake"),
        ("São Tomé", "Tom", "Tomé"),
        ("in Praha", "in P", "in Praha"),
        ("हिन्दी भाषा", "हिन्", "हिन्दी"),
        ("東京都に", "京", "京"),
        ("서울에서", "서울", "서울"),
        ("กรุงเทพ", "กรุง", "กรุง"),
        ("in 2008年", "2008", "2008"),
    ],
)
def test_whole_words(text: str, part: str, whole: str) -> None:
    start = text.index(part)
    first, last = whole_words(text, start, start + len(part))
    assert text[first:last] == whole
    assert whole_words(text, first, last) == (first, last)


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_a_span_of_whole_words_holds_the_span(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    first, last = whole_words(text, start, end)
    assert 0 <= first <= start and end <= last <= len(text)
    assert whole_words(text, first, last) == (first, last)
