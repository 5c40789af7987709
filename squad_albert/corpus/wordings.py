"""Reads the domains' wordings and fills their slots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

DOMAINS = Path(__file__).parent / "domains"
HELD_OUT_EVERY = 5
"""Of every five wordings, one is kept from training."""

_ALTERNATIVES = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class Wordings:
    """The wordings of one statement or one question, and which of them training may see."""

    texts: tuple[str, ...]

    @property
    def seen(self) -> tuple[str, ...]:
        """Those that may occur everywhere."""
        return tuple(text for index, text in enumerate(self.texts) if not _is_held_out(index))

    @property
    def unseen(self) -> tuple[str, ...]:
        """Those that occur only in validation and test."""
        return tuple(text for index, text in enumerate(self.texts) if _is_held_out(index))


@dataclass(frozen=True)
class Fact:
    """What can be said of a topic of a domain and asked about it."""

    name: str
    value: dict[str, Any]
    statements: Wordings
    questions: Wordings


@dataclass(frozen=True)
class Domain:
    """A kind of topic, such as rivers; ``rival_leads`` may open a sentence about another topic of the kind."""

    name: str
    kind: str
    references: tuple[str, ...]
    is_person: bool
    rival_leads: tuple[str, ...]
    facts: tuple[Fact, ...]
    asides: tuple[str, ...]


def _is_held_out(index: int) -> bool:
    return index % HELD_OUT_EVERY == HELD_OUT_EVERY // 2


@cache
def domains() -> tuple[Domain, ...]:
    """Every domain, sorted by name."""
    return tuple(_read(path) for path in sorted(DOMAINS.glob("*.yaml")))


def _read(path: Path) -> Domain:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    facts = tuple(
        Fact(name, fact["value"], Wordings(tuple(fact["statements"])), Wordings(tuple(fact["questions"])))
        for name, fact in data["facts"].items()
    )
    return Domain(
        name=path.stem,
        kind=data["kind"],
        references=tuple(data["references"]),
        is_person=data["pronoun"] == "person",
        rival_leads=tuple(data["rival_leads"]),
        facts=facts,
        asides=tuple(data["asides"]),
    )


def choose_alternatives(wording: str, random: Random) -> str:
    """The wording with one alternative of every bracket, spaces tidied.

    >>> choose_alternatives("It [is|is] [|] long.", Random(0))
    'It is long.'
    """
    chosen = _ALTERNATIVES.sub(lambda match: random.choice(match[1].split("|")), wording)
    return re.sub(r"\s+", " ", chosen).replace(" ,", ",").replace(" .", ".").strip()
