"""Shows how far long work is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

SECONDS = 10.0
"""Between plain lines."""


class Progress:
    """A context manager that counts work on standard error.

    Args:
        label: what is being done.
        total: how much there is to do.
        unit: what is counted.
        clock: gives seconds.
        before: how much was done earlier, and says nothing about the pace.
    """

    def __init__(
        self, label: str, total: int, unit: str, clock: Callable[[], float] = time.monotonic, before: int = 0
    ) -> None:
        self.label = label
        self.total = total
        self.unit = unit
        self.before = before
        self.done = float(before)
        self._clock = clock
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        self._started = self._told = self._clock()
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=self.total,
                initial=self.before,
                desc=self.label,
                unit=f" {self.unit}",
                file=sys.stderr,
                bar_format="{l_bar}{bar}| {n:.0f}/{total} [{elapsed}, {remaining} left, {rate_fmt}]",
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
        elif kind is None:
            self._tell()

    def advance(self, amount: float) -> None:
        """Counts work as done; fractions are allowed."""
        self.done += amount
        if self._bar is not None:
            self._bar.update(amount)
        elif self._clock() - self._told >= SECONDS:
            self._told = self._clock()
            self._tell()

    def _tell(self) -> None:
        seconds = self._clock() - self._started
        rate = (self.done - self.before) / seconds if seconds else 0.0
        left = f", {(self.total - self.done) / rate:.0f} s left" if rate and round(self.done) < self.total else ""
        sys.stderr.write(f"{self.label}: {self.done:,.0f} of {self.total:,} {self.unit}, {rate:,.1f}/s{left}\n")
        sys.stderr.flush()
