from __future__ import annotations

import asyncio
import json
import threading

import pytest

from squad_albert.serve import inspecting
from squad_albert.serve.api import create_app
from squad_albert.serve.inspecting import Inspecting
from squad_albert.serve.jobs import AbandonedError
from tests.conftest import HERON
from utils.questions import Question

QUESTION = Question("q", "", "When was the Grey Heron launched?", HERON, (), labeled=False)


@pytest.fixture
def working():
    working = Inspecting(most_waiting=4)
    yield working
    working.close()


def test_attention_does_not_wait_behind_an_explanation(working, service, monkeypatch):
    held, going = threading.Event(), threading.Event()
    explanation = inspecting.explanation

    def slow(*given):
        going.set()
        assert held.wait(60)
        return explanation(*given)

    monkeypatch.setattr(inspecting, "explanation", slow)
    explained = working.explain(*service.own_model, QUESTION, "occlusion")
    assert going.wait(60)
    assert working.attend(*service.own_model, QUESTION, None, None).future.result(60)["layers"] == 2
    assert not explained.future.done()
    held.set()
    assert explained.future.result(60)["tokens"]


def test_an_explanation_that_nobody_waits_for_ends_at_its_next_batch(working, service, monkeypatch):
    attributor = working._attributor(*service.own_model)
    job = working.explain(*service.own_model, QUESTION, "occlusion")
    assert job.future.result(60)
    job.abandon()
    batches = []
    outputs = attributor.model.outputs

    def noted(*given):
        for batch in outputs(*given):
            batches.append(batch)
            job.abandon()
            yield batch

    monkeypatch.setattr(attributor.model, "outputs", noted)
    job = working.explain(*service.own_model, QUESTION, "occlusion")
    with pytest.raises(AbandonedError):
        job.future.result(60)
    assert len(batches) <= 2 + attributor._threads


def test_gradients_that_cannot_be_had_are_not_made_ready(working, service):
    working.warm(*service.own_model)
    working.close()
    assert working._warming and not working._warming.is_alive()


def test_the_explanation_of_a_client_that_goes_is_ended(service, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def long(attributor, *_):
        begun.set()
        try:
            while True:
                attributor.check()
        finally:
            ended.set()

    monkeypatch.setattr(inspecting, "explanation", long)
    body = json.dumps({"question": QUESTION.question, "context": HERON}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if messages:
            return messages.pop()
        assert await asyncio.to_thread(begun.wait, 60)
        return {"type": "http.disconnect"}

    async def send(_):
        pass

    scope = {"type": "http", "method": "POST", "path": "/explain", "raw_path": b"/explain", "query_string": b""}
    headers = [(b"content-type", b"application/json")]
    asyncio.run(create_app(service)({**scope, "headers": headers}, receive, send))
    assert ended.wait(60)
