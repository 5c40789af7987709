"""Ctrl-C while a command starts, when nothing is under way that would need cleaning up."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""


class EndsAtOnce:
    """From when it is made until it is over, Ctrl-C ends the process with ``INTERRUPTED`` and no word.

    A ``KeyboardInterrupt`` will not do: what is raised within an import may be turned into another error, or printed.
    Where Ctrl-C is ignored, or somebody else's, it stays so.
    """

    def __init__(self) -> None:
        self._is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._is_ours:
            try:
                signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
            except ValueError:  # only the main thread may, and no other gets the signal
                self._is_ours = False

    def over(self) -> None:
        """Lets Ctrl-C raise a ``KeyboardInterrupt`` again."""
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
