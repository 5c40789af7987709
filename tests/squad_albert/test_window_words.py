"""Words are cut from the texts, and every token is in one of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from project_config import Settings
from squad_albert.window_words import BLANK, Word, join_words, question_spans, question_words, window_words
from tests.conftest import HERON, MARSH
from utils.questions import Question
from utils.windows import build_windows

SMALL = Settings(max_length=64, overlap=16, max_question_tokens=24)


@pytest.fixture(scope="session")
def letters() -> Tokenizer:
    """A tokenizer of single letters and spaces, so that every word is joined of several tokens."""
    tokens = ["<pad>", "<unk>", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz0123456789.,' ?\n\u200b"]
    tokenizer = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def words_of(question: str, context: str, tokenizer: Tokenizer, row: int = 0) -> tuple[list[Word], int]:
    asked = [Question("q", "", question, context, ())]
    windows = build_windows(asked, tokenizer, SMALL, cache=False)
    [spans] = question_spans(asked, tokenizer)
    return window_words(asked[0], spans, windows, row, tokenizer), int(windows.length[row])


def test_pieces_are_joined_and_marks_stand_alone(tokenizer: Tokenizer) -> None:
    words, _ = words_of("  Who didn't sail?", HERON, tokenizer)
    assert [word.text for word in words if word.segment == "question"] == ["Who", "didn't", "sail", "?"]
    context = [word.text for word in words if word.segment == "context"]
    assert " ".join(context).startswith("The Grey Heron is a ship that was launched in Tarn on 4 May 1871 . She")
    assert [word.text for word in words if word.segment == "special"] == ["[CLS]", "[SEP]", "[SEP]"]
    assert words[0].segment == words[-1].segment == "special"


def test_a_space_belongs_to_the_word_behind_it(letters: Tokenizer) -> None:
    words, _ = words_of("is it?", "it is, a.b \n c", letters)
    assert [word.text for word in words if word.segment == "question"] == ["is", "it", "?"]
    assert [word.text for word in words if word.segment == "context"] == ["it", "is", ",", "a.b", "c"]


def test_a_token_without_a_visible_character_is_blank(letters: Tokenizer) -> None:
    words, _ = words_of("is it ", "it is ", letters)
    assert [word.text for word in words if word.segment == "context"] == ["it", "is", BLANK]


@pytest.mark.parametrize("row", [0, 1, 3])
def test_offsets_are_those_of_the_text_in_every_window(tokenizer: Tokenizer, row: int) -> None:
    question = " \n How many owls?"
    words, length = words_of(question, MARSH, tokenizer, row)
    assert [word.first for word in words[1:]] == [word.stop for word in words[:-1]]
    assert (words[0].first, words[-1].stop) == (0, length)
    texts = {"question": question, "context": MARSH}
    for word in words:
        if word.segment != "special":
            assert texts[word.segment][word.start : word.end] == word.text
    assert len([word for word in words if word.segment == "context"]) > 10


@settings(max_examples=60, deadline=None)
@given(
    st.text("ab1 .,'?\n\u200bé½東", min_size=1, max_size=40), st.text("ab1 .,'?\n\u200bé½東", min_size=1, max_size=90)
)
def test_every_token_is_in_one_word(tokenizer: Tokenizer, question: str, context: str) -> None:
    asked = [Question("q", "", question, context, ())]
    windows = build_windows(asked, tokenizer, SMALL, cache=False)
    [spans] = question_spans(asked, tokenizer)
    words = window_words(asked[0], spans, windows, 0, tokenizer)
    assert [token for word in words for token in range(word.first, word.stop)] == list(range(windows.length[0]))
    assert all(word.text for word in words)
    assert [word for word in words if word.segment == "question"] == question_words(asked[0], spans, windows, 0)


def test_rows_still_sum_to_one() -> None:
    draw = np.random.default_rng(3)
    weights = draw.dirichlet(np.ones(6), (2, 3, 6)).astype(np.float32)
    words = [Word("a", "context", 0, 0, first, stop) for first, stop in ((0, 1), (1, 4), (4, 6))]
    joined = join_words(weights, words)
    assert joined.shape == (2, 3, 3, 3)
    np.testing.assert_allclose(joined.sum(axis=-1), 1, rtol=1e-5)
    assert joined[1, 2, 1, 2] == pytest.approx(weights[1, 2, 1:4, 4:6].sum(axis=1).mean(), rel=1e-5)


def test_marks() -> None:
    assert [Word(text, "context", 0, 1, 0, 1).is_mark for text in ("?", BLANK, "a", "1", "½", "a.")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
