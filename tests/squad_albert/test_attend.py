"""What is told of a question's attention is what the model computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.attention import open_attention, read_attention
from model.runtime import Model
from project_config import Settings
from squad_albert.attend import Attended, AttentionError, attend, chosen, summary
from squad_albert.predict import predict
from squad_albert.window_words import Word
from tests.conftest import HERON, MARSH
from utils.decoders import Answer
from utils.questions import DataError, Question
from utils.windows import build_windows

SMALL = Settings(max_length=64, overlap=16, max_question_tokens=24, no_answer="never", threads=1)


@pytest.fixture
def model(albert: Path) -> Model:
    return open_attention(albert, SMALL)


def asked(question: str, context: str) -> Question:
    return Question("q", "", question, context, (), labeled=False)


@pytest.mark.parametrize("context", [HERON, MARSH])
def test_it_is_the_window_that_the_answer_is_from(model: Model, albert: Path, context: str) -> None:
    question = asked("When was it launched?", context)
    attended = attend(model, question, SMALL)
    windows = build_windows([question], model.tokenizer, SMALL, cache=False)
    assert attended.windows == len(windows) > 1
    expected, _ = read_attention(model, windows, attended.window)
    np.testing.assert_array_equal(attended.weights, expected)
    assert len(attended.tokens) == expected.shape[-1] == attended.words[-1].stop
    assert attended.tokens[0] == "[CLS]"
    told = predict(question.question, context, 1, SMALL.model_copy(update={"model": str(albert)}))
    assert attended.answer.text == told["answer"]
    answer = [attended.words[number] for number in attended.answer_words]
    assert answer[0].start <= told["start"] < answer[0].end
    assert answer[-1].start < told["end"] <= answer[-1].end


def test_without_an_answer_cls_stands_for_it(model: Model) -> None:
    free = SMALL.model_copy(update={"no_answer": "auto", "no_answer_threshold": -1e6})
    attended = attend(model, asked("Who?", HERON), free)
    assert (attended.answer.text, attended.answer_words) == ("", [0])
    assert summary(attended, [0], [1])["answer"] == ""
    assert attended.top_context_words(attended.mean([0], [0]), 3) == sorted(
        attended.top_context_words(attended.mean([0], [0]), 3)
    )


def test_empty_texts_are_refused(model: Model) -> None:
    with pytest.raises(DataError, match="the question is empty"):
        attend(model, asked(" ", HERON), SMALL)
    with pytest.raises(DataError, match="the context is empty"):
        attend(model, asked("Who?", "\n"), SMALL)


@pytest.fixture
def told() -> Attended:
    """[CLS] Who sang ? [SEP] Ione sang . [SEP], sang being two tokens; the answer is Ione."""
    texts = ["[CLS]", "Who", "sang", "?", "[SEP]", "Ione", "sang", ".", "[SEP]"]
    segments = ["special", *["question"] * 3, "special", *["context"] * 3, "special"]
    first = [0, 1, 2, 4, 5, 6, 7, 9, 10]
    words = [
        Word(text, segment, 10 * at, 10 * at + len(text), at, stop)
        for text, segment, at, stop in zip(texts, segments, first, [*first[1:], 11], strict=True)
    ]
    weights = np.zeros((2, 2, 11, 11), np.float32)
    weights[..., 0] = 1  # all attend to [CLS] ...
    weights[1, 0, 1] = np.eye(11)[6]  # ... but in layer 2, head 1: Who to Ione,
    weights[1, 0, 2] = np.eye(11)[7]  # the halves of sang to those of sang,
    weights[1, 0, 3] = np.eye(11)[8]
    weights[1, 0, 6] = 0.6 * np.eye(11)[4] + 0.3 * np.eye(11)[1] + 0.1 * np.eye(11)[2]  # Ione to ?, Who and sang
    answer = Answer("Ione", 60, 64, 3.0, 0.75, 0, 6, 6)
    question = Question("q", "", "Who sang?", "Ione sang.", (), labeled=False)
    return Attended(question, answer, words, texts, weights, 0, 1)


def test_the_summary(told: Attended) -> None:
    found = summary(told, [1], [0])
    assert (found["question"], found["answer"], found["probability"]) == ("Who sang?", "Ione", 0.75)
    assert (found["layers"], found["heads"], found["window"], found["windows"]) == ([2], [1], 1, 1)
    assert [(one["word"], one["context_word"], one["share"]) for one in found["question_words"]] == [
        ("Who", "Ione", 1.0),
        ("sang", "sang", 1.0),
        ("?", "Ione", 0.0),
    ]
    assert (found["question_words"][1]["start"], found["question_words"][1]["end"]) == (70, 74)
    assert found["main_attended"] == {"word": "Who", "share": pytest.approx(0.3)}  # ? has more, but is a mark
    assert found["by_head"] == [{"layer": 2, "head": 1, "question_to_answer": 0.25, "chance": pytest.approx(1 / 11)}]


def test_layers_and_heads_are_averaged(told: Attended) -> None:
    assert told.mean([0, 1], [0, 1])[1].tolist() == [0.75, 0, 0, 0, 0, 0.25, 0, 0, 0]
    assert [one["share"] for one in summary(told, [0, 1], [0])["question_words"]] == [0.5, 0.5, 0.0]
    assert len(summary(told, [0, 1], [0, 1])["by_head"]) == 4


def test_the_context_words_attended_to_most_and_the_answer(told: Attended) -> None:
    mean = told.mean([1], [0])
    mean[1, [5, 7]] = [0, 1]  # Who to the full stop
    assert told.top_context_words(mean, 1) == [5, 6]
    assert told.top_context_words(mean, 2) == [5, 6, 7]


@pytest.mark.parametrize(
    ("text", "numbers"), [("all", [0, 1, 2, 3]), ("4", [3]), (" 1 , 3-4", [0, 2, 3]), ("2-2,2", [1])]
)
def test_what_is_chosen(text: str, numbers: list[int]) -> None:
    assert chosen(text, 4, "heads") == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "the model has no heads 5: its heads are 1 to 4"),
        ("0,1-6", "has no heads 0:"),
        ("1-6", "has no heads 1-6: its heads are 1 to 4"),
        ("1-999999999", "has no heads 1-999999999"),
        ("1-" + "9" * 5000, "names no heads"),
        ("3-2", "has no heads 3-2"),
        ("", "`` names no heads. Write all, or numbers and ranges such as 1,3-4"),
        ("first", "`first` names no heads"),
        ("-1", "`-1` names no heads"),
    ],
)
def test_what_cannot_be_chosen(text: str, message: str) -> None:
    with pytest.raises(AttentionError, match=message):
        chosen(text, 4, "heads")
