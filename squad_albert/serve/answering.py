"""Questions that come one by one, answered together: the model is faster on several at once.

A few threads share the model. What arrives while they compute is taken together as soon as one is free. So that callers
who take turns are not split into a first one and the rest, it waits a few milliseconds for as many as it answered last
time; a caller alone never waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from model.runtime import Model
from project_config import Settings
from squad_albert.predict import answers

from .errors import TooLargeError, UnavailableError

Result = dict[str, Any]


class Asked(NamedTuple):
    """A question that somebody waits for."""

    question: str
    context: str
    top_k: int

    @property
    def characters(self) -> int:
        """How long it is: what an answer costs grows with it."""
        return len(self.question) + len(self.context)


class Answering:
    """A model that answers questions, several at once, in threads of its own.

    Args:
        model: answers lists of questions, of several threads at once if there are several; see ``answer_with``.
        most_waiting: questions that may wait; more are refused.
        most_characters: of all that wait together, and of what one caller asks at once.
        together: questions that the model gets at once, at most.
        window: seconds to wait for more to come.
        threads: that compute at a time.
    """

    def __init__(
        self,
        model: Callable[[Sequence[Asked]], list[Result]],
        most_waiting: int = 256,
        most_characters: int = 1_000_000,
        together: int = 32,
        window: float = 0.004,
        threads: int = 1,
    ) -> None:
        self._model = model
        self._most_waiting, self._most_characters = most_waiting, most_characters
        self._together, self._window = together, window
        self._waiting: deque[tuple[Asked, Future[Result]]] = deque()
        self._characters = 0
        self._changed = threading.Condition()
        self._open = True
        self._last, self._idle = 1, threads
        self._threads = [threading.Thread(target=self._work, name="answering", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def ask(self, asked: Sequence[Asked]) -> list[Future[Result]]:
        """Takes questions in, all or none; each future gives what ``squad_albert.predict.answers`` says of it.

        Raises:
            TooLargeError: if they are too long together ever to be taken.
            UnavailableError: if too many wait already, or the server shuts down.
        """
        characters = sum(one.characters for one in asked)
        if characters > self._most_characters:
            raise TooLargeError(
                f"the texts have {characters:,} characters together, more than {self._most_characters:,}. Send fewer."
            )
        with self._changed:
            if not self._open:
                raise UnavailableError("the server is shutting down. Try again once it runs again.")
            if len(self._waiting) + len(asked) > self._most_waiting or (
                self._characters + characters > self._most_characters
            ):
                raise UnavailableError(f"{len(self._waiting)} questions wait already. Try again in a second.")
            self._characters += characters
            entries = [(one, Future[Result]()) for one in asked]
            self._waiting.extend(entries)
            self._changed.notify_all()
        return [future for _, future in entries]

    def close(self) -> None:
        """Takes nothing in any more, answers what waits, and ends."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._take():
            _answer(batch, self._model)
            with self._changed:
                self._idle += 1

    def _take(self) -> list[tuple[Asked, Future[Result]]]:
        """What to answer next; nothing once the end has come."""
        with self._changed:
            gathered = False
            while not (self._waiting and gathered):  # another thread may have been faster
                self._changed.wait_for(lambda: self._waiting or not self._open)
                if not self._waiting:
                    return []
                gathered = True
                until = time.monotonic() + self._window
                while self._open and len(self._waiting) < self._last and (left := until - time.monotonic()) > 0:
                    self._changed.wait(left)
            share = -(-len(self._waiting) // self._idle)  # others that are idle get theirs
            batch = [self._waiting.popleft() for _ in range(min(self._together, share))]
            self._characters -= sum(asked.characters for asked, _ in batch)
            self._last, self._idle = len(batch), self._idle - 1
        return batch


def answer_with(model: Model, settings: Settings) -> Callable[[Sequence[Asked]], list[Result]]:
    """What ``Answering`` needs of a model.

    Args:
        model: loaded.
        settings: that it was loaded with.
    """

    def answer(asked: Sequence[Asked]) -> list[Result]:
        return answers([(one.question, one.context, one.top_k) for one in asked], model, settings)

    return answer


def _answer(batch: Sequence[tuple[Asked, Future[Result]]], model: Callable[[Sequence[Asked]], list[Result]]) -> None:
    """Gives every future of a batch its result; where the model fails on all together, it gets them one by one."""
    wanted = [(asked, future) for asked, future in batch if future.set_running_or_notify_cancel()]
    try:
        results = model([asked for asked, _ in wanted]) if wanted else []
    except Exception as error:  # whatever it is, whoever waits must hear of it
        for asked, future in wanted:
            _answer_one(asked, future, model, error if len(wanted) == 1 else None)
        return
    for (_, future), result in zip(wanted, results, strict=True):
        future.set_result(result)


def _answer_one(
    asked: Asked,
    future: Future[Result],
    model: Callable[[Sequence[Asked]], list[Result]],
    error: Exception | None,
) -> None:
    try:
        if error:
            raise error
        future.set_result(model([asked])[0])
    except Exception as fault:
        future.set_exception(fault)
