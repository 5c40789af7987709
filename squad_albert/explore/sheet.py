"""A sheet of paper for pictures with text: drawn by Matplotlib, laid out in inches from the upper left corner."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import FancyBboxPatch, Rectangle

from utils.files import whole_path

from .marked import Run
from .style import LIGHT, visible

WIDTH = 8.0
"""Inches; at ``DPI`` twice the 800 pixels that a picture is looked at."""

DPI = 200
MARGIN = 0.3
BODY, SMALL, HEADING, TITLE = 10.0, 9.0, 11.0, 14.0
"""Sizes of text in points."""

_FONT = "DejaVu Sans"  # comes with Matplotlib, so a picture looks the same everywhere
_LINE = 1.45  # from line to line, in sizes
_MISSING = "\N{WHITE SQUARE}"


class Sheet:
    """A white sheet with a title.

    Args:
        height: in inches.
        title: what the picture shows.
        subtitle: with numbers; wrapped.
    """

    def __init__(self, height: float, title: str, subtitle: str) -> None:
        self.height = height
        self.figure = Figure((WIDTH, height), dpi=DPI, facecolor=LIGHT["raised"])
        FigureCanvasAgg(self.figure)
        self.text(MARGIN, 0.28, title, TITLE, weight="bold")
        self.top = self.paragraph(MARGIN, 0.68, subtitle, WIDTH - 2 * MARGIN, BODY, LIGHT["soft"]) + 0.15

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes in a box, without a frame."""
        box = (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(box)
        axes.tick_params(labelsize=SMALL, colors=LIGHT["soft"], length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def text(
        self, left: float, top: float, text: str, size: float = BODY, colour: str = LIGHT["ink"], weight: str = "normal"
    ) -> None:
        """One line, its upper left corner given."""
        self.figure.text(
            left / WIDTH, 1 - top / self.height, drawable(text), size=size, color=colour, weight=weight, family=_FONT,
            va="top", ha="left", parse_math=False,
        )  # fmt: skip

    def paragraph(
        self, left: float, top: float, text: str, width: float, size: float = BODY, colour: str = LIGHT["ink"],
        weight: str = "normal", most: int | None = None,
    ) -> float:  # fmt: skip
        """Wrapped text of at most so many lines; returns where it ends."""
        lines = wrap(text, width, size, weight)
        if most is not None and len(lines) > most:
            lines = [*lines[: most - 1], lines[most - 1].rstrip(" .,;") + " …"]
        for line in lines:
            self.text(left, top, line, size, colour, weight)
            top += size * _LINE / 72
        return top

    def marks(self, left: float, top: float, runs: Sequence[Run], width: float, size: float = BODY) -> float:
        """Text with marks that show scores, and golds underlined; returns where it ends."""
        x, step = left, size * (_LINE + 0.2) / 72
        for word in _words(runs):
            widths = [measure(part.text, size) for part in word]
            if x + sum(widths) > left + width and x > left:
                x, top = left, top + step
                if word[0].text.isspace():
                    continue
            for part, wide in zip(word, widths, strict=True):
                self._mark(x, top, wide, size, part)
                self.text(x, top, part.text, size)
                x += wide
        return top + step

    def bar(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        """A filled box."""
        self._box(Rectangle((left / WIDTH, 1 - (top + height) / self.height), width / WIDTH, height / self.height,
                            facecolor=colour, linewidth=0))  # fmt: skip

    def rule(self, top: float) -> None:
        """A thin line across."""
        self.bar(MARGIN, top, WIDTH - 2 * MARGIN, 0.008, LIGHT["grid"])

    def save(self, path: Path) -> None:
        """Writes a PNG; the same sheet gives the same bytes.

        Raises:
            WriteError: if the file cannot be written.
        """
        with whole_path(path) as aside:
            self.figure.savefig(aside, format="png", metadata={"Software": None})

    def _mark(self, left: float, top: float, width: float, size: float, run: Run) -> None:
        height = size * 1.35 / 72
        box = (left / WIDTH, 1 - (top + height - 0.02) / self.height), width / WIDTH, height / self.height
        if run.score:
            colour = LIGHT["wine" if run.score > 0 else "blue"]
            style = FancyBboxPatch(*box, boxstyle="square,pad=0", color=colour, alpha=0.6 * abs(run.score), linewidth=0)
            self._box(style)
        if run.gold:
            self.bar(left, top + height - 0.02, width, 0.02, LIGHT["good"])

    def _box(self, patch: Any) -> None:
        patch.set_transform(self.figure.transFigure)
        patch.set_zorder(-1)
        self.figure.add_artist(patch)


def wrap(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Lines of at most that many inches; a longer word has a line of its own."""
    lines: list[str] = []
    for word in drawable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def height(text: str, width: float, size: float) -> float:
    """How high a paragraph of that width is, in inches."""
    return len(wrap(text, width, size)) * size * _LINE / 72


def measure(text: str, size: float, weight: str = "normal") -> float:
    """How wide a line is, in inches."""
    font = FontProperties(family=_FONT, size=size, weight=weight)
    width, _, _ = _renderer().get_text_width_height_descent(text, font, ismath=False)
    return float(width) / DPI


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, DPI)


def drawable(text: str) -> str:
    r"""Text of the data as it can be drawn: on one line, a square for what the font lacks.

    >>> drawable("Ulm\n東")
    'Ulm □'
    """
    glyphs = _glyphs()
    line = visible(text).replace("\n", " ").replace("\t", " ")
    return "".join(letter if ord(letter) in glyphs else _MISSING for letter in line)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(_FONT)).get_charmap())


def _words(runs: Sequence[Run]) -> list[list[Run]]:
    """Words, which may be of several runs, and the white space between them.

    >>> [[part.text for part in word] for word in _words([Run("a b"), Run("c ")])]
    [['a'], [' '], ['b', 'c'], [' ']]
    """
    words: list[list[Run]] = []
    for run in runs:
        for text in re.findall(r"\s+|\S+", drawable(run.text)):
            if words and words[-1][0].text.isspace() == text.isspace():
                words[-1].append(replace(run, text=text))
            else:
                words.append([replace(run, text=text)])
    return words
