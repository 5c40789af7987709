from __future__ import annotations

import pytest

from project_config import Settings
from squad_albert.predict import UNSURE, predict, prediction_lines
from tests.conftest import HERON, MARSH
from utils.squad import DataError


@pytest.fixture
def settings(albert) -> Settings:
    return Settings(model=str(albert), max_length=64, overlap=16, max_question_tokens=24)


@pytest.mark.parametrize("context", [HERON, MARSH])
def test_answers_are_cut_from_the_context(settings, context):
    found = predict("  When was it launched?", context, 25, settings)
    assert 20 < len(found["answers"]) <= 25
    assert found["answers"][0]["text"] == found["answer"]
    assert found["no_answer"] == (found["answer"] == "")
    for answer in (found | {"text": found["answer"]}, *found["answers"]):
        assert context[answer["start"] : answer["end"]] == answer["text"]
    passage = found["passage"]
    assert context[passage["start"] : passage["end"]] == passage["text"] == passage["text"].strip()
    best = next(answer for answer in found["answers"] if answer["text"])
    assert passage["start"] <= best["start"] < best["end"] <= passage["end"]
    assert found["unsure"] == (found["probability"] < UNSURE)
    probabilities = [answer["probability"] for answer in found["answers"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-9


def test_no_answer_may_be_given_unless_it_is_forbidden(settings):
    always = predict("Who?", HERON, 30, settings.model_copy(update={"no_answer_threshold": -1e6}))
    assert always["no_answer"]
    assert always["probability"] == always["no_answer_probability"]
    never = predict("Who?", HERON, 30, settings.model_copy(update={"no_answer": "never"}))
    assert not never["no_answer"]
    assert all(answer["text"] for answer in never["answers"])


def test_empty_texts_are_refused(settings):
    with pytest.raises(DataError, match="the question is empty"):
        predict(" ", HERON, 1, settings)
    with pytest.raises(DataError, match="the context is empty"):
        predict("Who?", "\n", 1, settings)


def test_lines():
    answers = [
        {"text": "4 May 1871", "start": 42, "end": 52, "probability": 0.9},
        {"text": "", "start": 0, "end": 0, "probability": 0.05},
    ]
    one = {"answer": "4 May 1871", "probability": 0.9, "answers": answers[:1], "unsure": False, "passage": None}
    assert prediction_lines(one) == ["4 May 1871 (90.0%)"]
    none = {**one, "answer": "", "probability": 0.5, "answers": answers[1:]}
    assert prediction_lines(none) == ["no answer (50.0%)"]
    passage = {"text": "It sailed.", "start": 0, "end": 10}
    assert prediction_lines({**one, "unsure": True, "passage": passage})[1:] == [
        "The model is unsure. The passage: It sailed."
    ]
    assert [line.split() for line in prediction_lines({**one, "answers": answers})[2:]] == [
        ["answer", "characters", "probability"],
        ["4", "May", "1871", "42-52", "90.0%"],
        ["no", "answer", "5.0%"],
    ]
