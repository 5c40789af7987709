from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from project_config import ProjectError
from squad_albert.serve.answering import Answering, Asked, Result
from squad_albert.serve.errors import TooLargeError, UnavailableError


class Model:
    """Notes what it is asked together, and waits where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.free = threading.Event()
        self.asked = threading.Event()
        self.free.set()

    def __call__(self, asked: Sequence[Asked]) -> list[Result]:
        self.batches.append([one.question for one in asked])
        self.asked.set()
        assert self.free.wait(10)
        if any(one.question == "bad" for one in asked):
            raise ProjectError("this one cannot be answered")
        if any(one.question == "bug" for one in asked):
            raise ZeroDivisionError
        return [{"answer": one.question.upper()} for one in asked]


@pytest.fixture
def model() -> Model:
    return Model()


def ask(answering: Answering, *questions: str):
    return answering.ask([Asked(question, "context", 1) for question in questions])


def busy(answering: Answering, model: Model) -> None:
    """Returns once the model works on something."""
    model.free.clear()
    model.asked.clear()
    ask(answering, "first")
    assert model.asked.wait(10)


def test_what_comes_meanwhile_is_answered_together(model):
    answering = Answering(model)
    busy(answering, model)
    futures = [future for question in "abc" for future in ask(answering, question)]
    model.free.set()
    assert [future.result(10)["answer"] for future in futures] == ["A", "B", "C"]
    assert model.batches == [["first"], ["a", "b", "c"]]
    answering.close()


def test_no_batch_is_larger_than_it_may_be(model):
    answering = Answering(model, together=2)
    busy(answering, model)
    futures = ask(answering, *"abcde")
    model.free.set()
    assert [future.result(10)["answer"] for future in futures] == list("ABCDE")
    assert max(map(len, model.batches)) == 2
    answering.close()


def test_a_full_queue_refuses_all_or_none(model):
    answering = Answering(model, most_waiting=3)
    busy(answering, model)
    waiting = ask(answering, "a", "b")
    with pytest.raises(UnavailableError, match="2 questions wait already") as refused:
        ask(answering, "c", "d")
    assert refused.value.status == 503
    assert int(refused.value.headers["Retry-After"]) > 0
    waiting += ask(answering, "c")
    model.free.set()
    assert [future.result(10)["answer"] for future in waiting] == ["A", "B", "C"]
    answering.close()


def test_long_texts_count(model):
    answering = Answering(model, most_characters=30)
    busy(answering, model)
    ask(answering, "0123456789")
    with pytest.raises(UnavailableError):
        ask(answering, "0123456789")
    with pytest.raises(TooLargeError, match="37 characters together, more than 30"):
        ask(answering, "x" * 30)
    model.free.set()
    answering.close()


def test_one_that_fails_does_not_spoil_the_others(model):
    answering = Answering(model)
    busy(answering, model)
    good, bad, bug = ask(answering, "good", "bad", "bug")
    model.free.set()
    assert good.result(10) == {"answer": "GOOD"}
    with pytest.raises(ProjectError, match="cannot be answered"):
        bad.result(10)
    with pytest.raises(ZeroDivisionError):
        bug.result(10)
    assert ask(answering, "next")[0].result(10) == {"answer": "NEXT"}
    answering.close()


def test_closing_answers_what_was_taken_in_and_nothing_more(model):
    answering = Answering(model)
    busy(answering, model)
    waiting = ask(answering, *"abc")
    closing = threading.Thread(target=answering.close)
    closing.start()
    while answering._open:
        pass
    with pytest.raises(UnavailableError, match="shutting down"):
        ask(answering, "late")
    model.free.set()
    closing.join(10)
    assert [future.result(0)["answer"] for future in waiting] == ["A", "B", "C"]


def test_what_nobody_waits_for_any_more_is_not_computed(model):
    answering = Answering(model)
    busy(answering, model)
    kept, dropped = ask(answering, "kept", "dropped")
    dropped.cancel()
    model.free.set()
    kept.result(10)
    assert model.batches[1] == ["kept"]
    answering.close()


def test_a_caller_alone_does_not_wait_for_others(model):
    answering = Answering(model, window=60)
    for question in "abc":
        assert ask(answering, question)[0].result(10)
    answering.close()


def test_callers_who_take_turns_are_kept_together(model):
    answering = Answering(model, window=60)
    busy(answering, model)
    futures = ask(answering, *"abc")
    model.free.set()
    assert [future.result(10) for future in futures]
    again = [future for question in "def" for future in ask(answering, question)]
    assert [future.result(10) for future in again]
    assert model.batches[-1] == ["d", "e", "f"]
    answering.close()


def test_threads_that_are_idle_share_what_waits(model):
    answering = Answering(model, threads=2)
    model.free.clear()
    for question in "ab":
        model.asked.clear()
        ask(answering, question)
        assert model.asked.wait(10)
    assert model.batches == [["a"], ["b"]]  # both at once
    waiting = ask(answering, *"cdef")
    model.free.set()
    assert [future.result(10)["answer"] for future in waiting] == list("CDEF")
    answering.close()


def test_many_callers_of_many_threads_all_get_their_own(model):
    answering = Answering(model, threads=4, together=3, most_waiting=10_000)
    questions = [f"question {number}" for number in range(500)]
    futures = [future for question in questions for future in ask(answering, question)]
    assert [future.result(10)["answer"] for future in futures] == [question.upper() for question in questions]
    assert sorted(question for batch in model.batches for question in batch) == sorted(questions)
    answering.close()
    assert answering._idle == 4
