"""Work that goes ahead in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

AHEAD = 2
"""How many items may wait to be used."""


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The items, in order; while one is used, the next ones are made in a thread, at most ``AHEAD`` of them.

    What making an item raises is raised where the item would have come. When the use ends early, whatever is being
    made is waited for, and nothing more is made.

    >>> list(ahead(range(5)))
    [0, 1, 2, 3, 4]
    """
    end = object()
    source = iter(items)
    thread = ThreadPoolExecutor(1)
    try:
        waiting = deque(thread.submit(next, source, end) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, source, end))
            yield item  # type: ignore[misc]
    finally:
        thread.shutdown(cancel_futures=True)
