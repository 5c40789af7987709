"""Work that takes long, in a thread of its own, and that ends once nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from fastapi import Request

from project_config import ProjectError

from .errors import UnavailableError

T = TypeVar("T")

Check = Callable[[], None]
"""Raises ``AbandonedError`` once nobody waits any more; what takes long calls it between its steps."""

SECONDS = 5
"""After which to try again where too many wait: a job takes about as long."""


class AbandonedError(ProjectError):
    """Nobody waits for a result any more."""


class Job(Generic[T]):
    """Work that somebody waits for.

    Args:
        work: is given what to call between its steps.
    """

    def __init__(self, work: Callable[[Check], T]) -> None:
        self.future: Future[T] = Future()
        self._work = work
        self._abandoned = threading.Event()

    def abandon(self) -> None:
        """Does not begin the work, or ends it at its next step."""
        self._abandoned.set()
        self.future.cancel()

    def check(self) -> None:
        """Goes on.

        Raises:
            AbandonedError: if nobody waits any more.
        """
        if self._abandoned.is_set():
            raise AbandonedError("nobody waits for this any more.")

    def do(self) -> None:
        """Works, unless that was given up."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._work(self.check))
        except Exception as error:  # whatever it is, whoever waits must hear of it
            self.future.set_exception(error)


class Jobs:
    """Jobs of one kind, one at a time.

    Args:
        name: of the kind, as in `explanations`.
        most_waiting: jobs that may wait; more are refused.
    """

    def __init__(self, name: str, most_waiting: int) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(1, name)
        self._places = threading.BoundedSemaphore(most_waiting)

    def begin(self, work: Callable[[Check], T]) -> Job[T]:
        """Takes work in.

        Raises:
            UnavailableError: if too much waits already, or the server shuts down.
        """
        if not self._places.acquire(blocking=False):
            raise UnavailableError(
                f"too many {self._name} wait already. Try again in {SECONDS} seconds.", seconds=SECONDS
            )
        job = Job(work)
        job.future.add_done_callback(lambda _: self._places.release())
        try:
            self._executor.submit(job.do)
        except RuntimeError as error:
            job.abandon()
            raise UnavailableError("the server is shutting down. Try again once it runs again.") from error
        return job

    def close(self) -> None:
        """Does what was taken in, and ends."""
        self._executor.shutdown()


async def result(job: Job[T], request: Request) -> T:
    """What comes of a job; it is abandoned as soon as the client has gone.

    Raises:
        AbandonedError: if the client has gone.
    """
    done = asyncio.wrap_future(job.future)
    gone = asyncio.ensure_future(_gone(request))
    either: set[asyncio.Future[Any]] = {done, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise AbandonedError("the client has gone.")
        return done.result()
    finally:
        gone.cancel()
        done.cancel()
        job.abandon()


async def _gone(request: Request) -> None:
    """Waits until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
