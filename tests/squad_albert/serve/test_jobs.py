from __future__ import annotations

import asyncio
import threading

import pytest

from squad_albert.serve.errors import UnavailableError
from squad_albert.serve.jobs import AbandonedError, Check, Jobs, result


class Asking:
    """A request of a client that stays, or goes when it is told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.parts = [{"type": "http.request"}]

    async def receive(self) -> dict[str, str]:
        if not self.parts:
            await self.gone.wait()
        return self.parts.pop() if self.parts else {"type": "http.disconnect"}


@pytest.fixture
def jobs():
    jobs = Jobs("explanations", most_waiting=2)
    yield jobs
    jobs.close()


def test_a_job_gives_its_result_or_its_failure(jobs):
    def fails(check: Check) -> int:
        raise ZeroDivisionError

    async def scene() -> None:
        assert await result(jobs.begin(lambda check: 7), Asking()) == 7
        with pytest.raises(ZeroDivisionError):
            await result(jobs.begin(fails), Asking())

    asyncio.run(scene())


def test_work_ends_and_what_waits_is_not_begun_when_its_client_goes(jobs):
    begun, ended, others = threading.Event(), threading.Event(), threading.Event()

    def long(check: Check) -> None:
        begun.set()
        try:
            while True:
                check()
        finally:
            ended.set()

    async def scene() -> None:
        asking = [Asking(), Asking()]
        waiting = [asyncio.create_task(result(jobs.begin(work), one)) for work, one in zip(
            (long, lambda check: others.set()), asking, strict=True)]  # fmt: skip
        assert await asyncio.to_thread(begun.wait, 60)
        with pytest.raises(UnavailableError) as refused:
            jobs.begin(lambda check: None)
        assert refused.value.headers == {"Retry-After": "5"}
        assert "in 5 seconds" in str(refused.value)
        for one in asking:
            one.gone.set()
        for task in waiting:
            with pytest.raises(AbandonedError):
                await task
        assert await asyncio.to_thread(ended.wait, 60)
        assert await result(jobs.begin(lambda check: "next"), Asking()) == "next"

    asyncio.run(scene())
    assert not others.is_set()


def test_nothing_is_begun_once_it_is_closed():
    jobs = Jobs("explanations", most_waiting=1)
    jobs.close()
    for _ in range(2):  # its place was given back
        with pytest.raises(UnavailableError, match="shutting down"):
            jobs.begin(lambda check: None)
