"""Tokens are cut from the texts, and together they cover them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from project_config import Settings
from squad_albert.window_tokens import Token, window_tokens
from squad_albert.window_words import BLANK
from utils.questions import Question
from utils.windows import build_windows

SMALL = Settings(max_length=64, overlap=16, max_question_tokens=20)


def all_tokens(question: Question, tokenizer: Tokenizer) -> list[list[Token]]:
    windows = build_windows([question], tokenizer, SMALL, cache=False)
    return window_tokens([question] * len(windows), windows, range(len(windows)), tokenizer)


def test_tokens_of_a_window(questions: list[Question], tokenizer: Tokenizer) -> None:
    [capital] = [question for question in questions if question.id == "scripts-1"]
    [tokens, *_] = all_tokens(capital, tokenizer)
    assert tokens[0] == Token("[CLS]", "special", 0, 0)
    assert [token.text for token in tokens if token.segment == "special"] == ["[CLS]", "[SEP]", "[SEP]"]
    first = next(token for token in tokens if token.segment == "question")
    assert first.start == 2  # behind the white space that the question begins with
    covered = {at for token in tokens if token.segment == "question" for at in range(token.start, token.end)}
    assert covered == {at for at, letter in enumerate(capital.question) if not letter.isspace()}
    assert not any("▁" in token.text for token in tokens)


def test_every_window_has_its_part_of_the_context(questions: list[Question], tokenizer: Tokenizer) -> None:
    [marsh] = [question for question in questions if question.id == "marsh-1"]
    windows = all_tokens(marsh, tokenizer)
    assert len(windows) > 2
    starts = [next(token.start for token in tokens if token.segment == "context") for tokens in windows]
    assert starts == sorted(set(starts))
    covered = {place for tokens in windows for token in tokens if token.segment == "context"
               for place in range(token.start, token.end)}  # fmt: skip
    assert covered == {place for place, letter in enumerate(marsh.context) if not letter.isspace()}


@given(question=st.text(min_size=1, max_size=40), context=st.text(min_size=1, max_size=120))
def test_a_token_is_the_text_at_its_place(question: str, context: str, tokenizer: Tokenizer) -> None:
    asked = Question("any", "", question, context, (), labeled=False)
    texts = {"question": question, "context": context}
    for tokens in all_tokens(asked, tokenizer):
        for token in tokens:
            if token.segment != "special":
                shown = texts[token.segment][token.start : token.end]
                assert token.text == (shown or BLANK)
                assert shown == shown.strip()


@pytest.mark.parametrize("cut", [1, 5])
def test_a_question_that_was_cut_has_fewer_tokens(cut: int, questions: list[Question], tokenizer: Tokenizer) -> None:
    settings = SMALL.model_copy(update={"max_question_tokens": cut})
    windows = build_windows(questions[:1], tokenizer, settings, cache=False)
    [tokens] = window_tokens(questions[:1], windows, [0], tokenizer)
    assert sum(token.segment == "question" for token in tokens) == cut
