"""Golds that no answer can reach, however good the model is: they are trained and scored all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from project_config import Settings

from .questions import Gold, Question
from .windows import Windows

_SHOWN = 10  # ids


@dataclass(frozen=True)
class OutOfReach:
    """Ids of the questions of a split that have such a gold."""

    longest: int  # tokens that an answer may have
    too_long: tuple[str, ...]  # a gold has more
    in_no_window: tuple[str, ...]  # a gold is whole in no window
    hopeless: frozenset[str]  # those of them that have no other gold

    def lines(self, split: str) -> list[str]:
        """What there is to warn about.

        >>> OutOfReach(30, ("q1", "q2"), (), frozenset(["q2"])).lines("train")
        ['train: golds longer than max_answer_tokens 30 are out of reach (2 questions, 1 without another): q1, q2']
        """
        kinds = {
            f"golds longer than max_answer_tokens {self.longest} are out of reach": self.too_long,
            "golds that fit no window are out of reach; raise overlap or max_length": self.in_no_window,
        }
        return [f"{split}: {what} ({self._count(ids)}): {_listed(ids)}" for what, ids in kinds.items() if ids]

    def _count(self, ids: Sequence[str]) -> str:
        without = len(self.hopeless.intersection(ids))
        return f"{len(ids):,} question{'s'[: len(ids) > 1]}, {without:,} without another"


def out_of_reach(questions: Sequence[Question], windows: Windows, settings: Settings) -> OutOfReach:
    """The golds that have more tokens than an answer may have, and those that lie whole in no window.

    Args:
        questions: a split.
        windows: its windows.
        settings: those of the windows, and ``max_answer_tokens``.
    """
    owners = np.repeat(windows.question, np.diff(windows.golds_first)).tolist()
    whole = {
        (owner, gold): last - first + 1
        for owner, (gold, first, last) in zip(owners, windows.golds.tolist(), strict=True)
    }
    longest = settings.max_answer_tokens
    too_long, in_no_window, hopeless = [], [], []
    for number, question in enumerate(questions):
        sizes = [whole.get((number, index)) for index in range(len(question.golds))]
        split = [gold for gold, size in zip(question.golds, sizes, strict=True) if size is None]
        if split:
            in_no_window.append(question.id)
        lengths = [size for size in sizes if size is not None]
        lengths += [_tokens(number, gold, windows, settings.overlap) for gold in split]
        if any(length > longest for length in lengths):
            too_long.append(question.id)
        if sizes and not any(size is not None and size <= longest for size in sizes):
            hopeless.append(question.id)
    return OutOfReach(longest, tuple(too_long), tuple(in_no_window), frozenset(hopeless))


def _tokens(number: int, gold: Gold, windows: Windows, overlap: int) -> int:
    """The tokens of a gold that several windows of a question hold in parts."""
    first = int(windows.first[number])
    step = int(windows.context_end[first] - windows.context_start[first]) - overlap  # a further window means a full one
    found: set[int] = set()
    for row in range(first, int(windows.first[number + 1])):
        spans = windows.offsets[row]
        touching = np.flatnonzero((spans[:, 1] > gold.start) & (spans[:, 0] < gold.start + len(gold.text)))
        found.update((touching - windows.context_start[row] + windows.index[row] * step).tolist())
    return len(found)


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more
