"""What a proof of the integration writes down: every interface, what came back from it, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

_SHOWN = 24  # characters of a text


@dataclass
class Part:
    """One array, text or scalar of what an interface gives back, over all calls."""

    form: str = ""  # type and shape
    low: float = np.inf
    high: float = -np.inf
    words: set[str] = field(default_factory=set)
    none: int = 0

    def take(self, value: Any) -> bool:
        """Adds a value; False if a number in it is not finite."""
        if value is None:
            self.none += 1
            return True
        if isinstance(value, str):
            self.form = "text"
            self.words.add(value)
            return True
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            self.form = f"text [{len(value)}]"
            self.words.update(filter(None, value))
            return True
        numbers = np.asarray(value)
        kind = type(value).__name__ if np.isscalar(value) else str(numbers.dtype)
        self.form = f"{kind} {list(numbers.shape)}" if numbers.shape else kind
        numbers = numbers.astype(np.float64)
        finite = numbers[np.isfinite(numbers)]
        if finite.size:
            self.low, self.high = min(self.low, float(finite.min())), max(self.high, float(finite.max()))
        return bool(finite.size == numbers.size)

    def describe(self) -> str:
        """What came back, in words: type, shape and range.

        Example:
            >>> part = Part()
            >>> part.take(np.zeros((1, 4), np.float32)), part.take(np.full((1, 4), np.nan, np.float32))
            (True, False)
            >>> part.describe()
            'float32 [1, 4], 0 to 0'
        """
        seen = ""
        if self.words:
            sample = sorted(self.words)[0]
            sample = sample if len(sample) <= _SHOWN else sample[: _SHOWN - 1] + "…"
            seen = f"{len(self.words)} different, as {sample!r}"
        elif self.low <= self.high:
            seen = f"{self.low:.4g} to {self.high:.4g}"
        return ", ".join(filter(None, (self.form, seen, f"{self.none} times none" if self.none else "")))


@dataclass
class Interface:
    """One thing that the integration gives the engine, and what came back from it."""

    kind: str
    name: str
    function: str = ""  # its name in the entry file
    needs_truth: bool = False  # the engine leaves it out where there is no ground truth
    calls: int = 0
    splits: list[str] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)

    def take(self, split: str, value: Any) -> list[str]:
        """Writes down what a call gave back; returns the parts that hold a number that is not finite."""
        self.calls += 1
        if split not in self.splits:
            self.splits.append(split)
        finite = {key: self.parts.setdefault(key, Part()).take(part) for key, part in parts_of(value).items()}
        left_out = self.needs_truth and split == "unlabeled"
        return [self.part_name(key) for key, is_finite in finite.items() if not is_finite and not left_out]

    def part_name(self, key: str) -> str:
        """The name of a part, beginning with that of the interface."""
        return f"{self.name}.{key}" if key else self.name


def parts_of(value: Any) -> dict[str, Any]:
    """The arrays, texts and scalars in what a handler gave back, by name.

    Example:
        >>> parts_of({"tokens": 3}), parts_of(3)
        ({'tokens': 3}, {'': 3})
    """
    if isinstance(value, dict):
        return value
    if is_dataclass(value):
        inside = {one.name: getattr(value, one.name) for one in fields(value)}
        return {name: part for name, part in inside.items() if isinstance(part, np.ndarray | list)}
    return {"": value}


@dataclass
class Proof:
    """What was tried and what is wrong."""

    entry: str
    interfaces: list[Interface] = field(default_factory=list)
    samples: dict[str, list[str]] = field(default_factory=dict)  # ids that were tried, by split
    sizes: dict[str, int] = field(default_factory=dict)  # of the splits
    problems: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)  # what preprocess gave, by split

    @property
    def ok(self) -> bool:
        """Whether the integration may be pushed."""
        return not self.problems

    def add(self, problem: str) -> None:
        """Notes a problem, once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def lines(self) -> list[str]:
        """The result as a person reads it."""
        tried = [f"{len(ids)} of {self.sizes[split]:,} {split}" for split, ids in self.samples.items()]
        lines = [f"{self.entry}: the engine's check" + (f", then samples: {', '.join(tried)}" if tried else ""), ""]
        if self.interfaces:
            lines += [*_table(self._rows()), ""]
        lines += [f"FAILED: {problem}" for problem in self.problems]
        if self.ok:
            lines.append(f"All {len(self.interfaces)} interfaces work on every split.")
        return lines

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("interface", "name", "splits", "calls", "what came back")]
        for one in self.interfaces:
            splits = "all" if len(one.splits) == len(self.samples) else ", ".join(one.splits)
            head = (one.kind, splits, str(one.calls))
            for key, part in one.parts.items() or [("", Part("nothing"))]:
                rows.append((head[0], one.part_name(key), *head[1:], part.describe()))
                head = ("", "", "")
        return rows

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON."""
        return {
            "ok": self.ok,
            "entry": self.entry,
            "samples": self.samples,
            "sizes": self.sizes,
            "problems": self.problems,
            "interfaces": [
                {
                    "kind": one.kind,
                    "name": one.name,
                    "splits": one.splits,
                    "calls": one.calls,
                    "returned": {one.part_name(key): part.describe() for key, part in one.parts.items()},
                }
                for one in self.interfaces
            ],
        }


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
