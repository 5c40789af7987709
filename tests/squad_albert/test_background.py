from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from squad_albert.background import AHEAD, ahead


def test_items_come_in_order_from_one_other_thread():
    found = list(ahead((number, threading.get_ident()) for number in range(20)))
    assert [number for number, _ in found] == list(range(20))
    assert len({thread for _, thread in found}) == 1
    assert found[0][1] != threading.get_ident()
    assert list(ahead([])) == []


def test_the_next_items_are_made_while_one_is_used_but_not_more_than_may_wait():
    made = [threading.Event() for _ in range(10)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in ahead(items()):
        for event in made[number : number + AHEAD + 1]:
            assert event.wait(60)
        assert not any(event.is_set() for event in made[number + AHEAD + 1 :])


def test_an_error_comes_where_the_item_would_have():
    def items() -> Iterator[int]:
        yield from (0, 1, 2)
        raise ZeroDivisionError

    found = []
    with pytest.raises(ZeroDivisionError):
        for number in ahead(items()):
            found.append(number)
    assert found == [0, 1, 2]


def test_when_the_use_ends_early_nothing_more_is_made():
    before, made = set(threading.enumerate()), []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    numbers = ahead(items())
    assert next(numbers) == 0
    numbers.close()
    count = len(made)
    assert count <= AHEAD + 1
    assert set(threading.enumerate()) <= before
    assert len(made) == count
