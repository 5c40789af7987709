"""Draws the values that facts have: years, people, quantities, phrases."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .names import Names

MONTHS = (
    "January February March April May June July August September October November December"
).split()  # fmt: skip
SMALL_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
YEARS = (1703, 1988)
"""First and last; there are steamers, films and bands, so the middle ages are over."""
CURRENCIES = ["crowns", "florins", "marks"]


@dataclass(frozen=True)
class Value:
    """A value as the text shows it, and the shorter texts within it that an annotator might mark.

    Attributes:
        text: what stands in the sentence, such as ``"140 kilometres"``.
        shorter: parts of ``text``, such as ``("140",)``; each occurs in it.
    """

    text: str
    shorter: tuple[str, ...] = ()


def draw_value(names: Names, spec: Mapping[str, Any]) -> Value:
    """One value of the kind that ``spec`` describes (see ``domains/*.yaml``).

    >>> from random import Random
    >>> draw_value(Names(Random(1), "train"), {"kind": "percent"}).text
    '20 percent'

    Raises:
        KeyError: if the kind is unknown.
    """
    return _MAKERS[spec["kind"]](names, spec)


def _year(names: Names, _: Mapping[str, Any]) -> Value:
    return Value(str(names.random.randint(*YEARS)))


def _date(names: Names, _: Mapping[str, Any]) -> Value:
    month = f"{names.random.choice(MONTHS)} {names.random.randint(*YEARS)}"
    return Value(f"{names.random.randint(1, 28)} {month}", (month,))


def _person(names: Names, _: Mapping[str, Any]) -> Value:
    name = names.person()
    return Value(name, (name.split()[-1],))


def _place(names: Names, _: Mapping[str, Any]) -> Value:
    return Value(names.place())


def _organisation(names: Names, _: Mapping[str, Any]) -> Value:
    return Value(names.organisation())


def _work(names: Names, _: Mapping[str, Any]) -> Value:
    work = names.work()
    return Value(work, (work.strip('"'),))


def _number(names: Names, low: int, high: int) -> int:
    """Evenly over the orders of magnitude, as real counts are."""
    exponent = names.random.uniform(0, 1)
    number = round(low * math.pow(high / low, exponent))
    return number if number < 100 else round(number, -1) if number < 2000 else round(number, -2)


def _count(names: Names, spec: Mapping[str, Any]) -> Value:
    number = _number(names, *spec.get("range", (3, 900)))
    if number < len(SMALL_NUMBERS) and names.random.random() < 0.6:
        return Value(SMALL_NUMBERS[number])
    return Value(f"{number:,}")


def _quantity(names: Names, spec: Mapping[str, Any]) -> Value:
    number = f"{_number(names, *spec['range']):,}"
    return Value(f"{number} {names.random.choice(spec['units'])}", (number,))


def _money(names: Names, spec: Mapping[str, Any]) -> Value:
    low, high = spec.get("range", (200, 90_000))
    number = _number(names, low, high)
    amount = f"{number:,}" if number < 1_000_000 else f"{number / 1_000_000:.1f} million"
    return Value(f"{amount} {names.random.choice(CURRENCIES)}", (amount,))


def _percent(names: Names, _: Mapping[str, Any]) -> Value:
    number = names.random.randint(3, 97)
    return Value(f"{number} percent", (str(number),))


def _phrase(names: Names, spec: Mapping[str, Any]) -> Value:
    phrase = names.random.choice(spec["choices"])
    bare = re.sub(r"^(?:an?|the) ", "", phrase)
    return Value(phrase, (bare,) if bare != phrase else ())


_MAKERS = {
    "year": _year,
    "date": _date,
    "person": _person,
    "place": _place,
    "organisation": _organisation,
    "work": _work,
    "count": _count,
    "quantity": _quantity,
    "money": _money,
    "percent": _percent,
    "phrase": _phrase,
}
