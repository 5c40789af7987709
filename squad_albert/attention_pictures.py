"""What a question attends to, as pictures: a heat map, one of every head, and a page to look into.

Long contexts would make heat maps that nobody can read. So the columns are the context words that the question
attends to most, and those of the answer, in the order of the text; the pictures say how many there are. The page
shows the whole window.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from .attend import Attended, Float
from .explore.sheet import drawable
from .explore.style import COLOURS, LIGHT, visible

COLUMNS = 32
"""Context words across, beside those of the answer."""

LONGEST = 16
"""Characters of a word that are shown at an axis."""

LABELLED = 6
"""Heads side by side whose maps still have room for words."""

_PAGE = Path(__file__).with_name("attention.html")
_SHADES = LinearSegmentedColormap.from_list("shades", [LIGHT["wash"], LIGHT["blue"], "#0d2c54"])
_CELL, _SMALL = 0.25, 0.13  # inches of a cell
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _WIDTH = 1.2, 0.9, 0.95, 1.2, 0.22, 7.0  # inches around and between the maps
_BRIGHTEST = 0.999  # of the cells of all heads: the few above it have the full colour, too
_STEPS = 65535  # weights go into the page as 16-bit integers


def heat_map(attended: Attended, layers: Sequence[int], heads: Sequence[int]) -> Figure:
    """Words of the question by words of the context, the mean over layers and heads, which count from 0."""
    mean = attended.mean(layers, heads)
    rows, columns = attended.question_words, attended.top_context_words(mean, COLUMNS)
    figure, grid = _figure(1, 1, _CELL * len(columns), _CELL * len(rows))
    image = _draw(grid[0, 0], mean[np.ix_(rows, columns)], None)
    _words(grid[0, 0], attended, rows, columns, 8)
    _colours(figure, image, "{x:.1%}")
    _title(figure, attended, f"{_named('layer', layers)}, {_named('head', heads)}", len(columns))
    return figure


def head_maps(attended: Attended, layers: Sequence[int], heads: Sequence[int]) -> Figure:
    """The same for every layer and head by itself, all of the same words and in the same colours."""
    rows, columns = attended.question_words, attended.top_context_words(attended.mean(layers, heads), COLUMNS)
    labelled = len(heads) <= LABELLED
    width, height = (_SMALL * len(columns), _SMALL * len(rows)) if labelled else (1.4, 0.7)
    figure, grid = _figure(len(layers), len(heads), width, height)
    maps = attended.word_weights[np.ix_(layers, heads, rows, columns)]
    top = float(np.quantile(maps, _BRIGHTEST))
    for at, which in np.ndindex(grid.shape):
        image = _draw(grid[at, which], maps[at, which], top)
        grid[at, which].set_title(f"{layers[at] + 1}.{heads[which] + 1}", fontsize=8, color=LIGHT["soft"], pad=2)
        left, bottom = labelled and which == 0, labelled and at == len(layers) - 1
        _words(grid[at, which], attended, rows if left else [], columns if bottom else [], 5)
    _colours(figure, image, "{x:.0%}", extend="max")
    _title(figure, attended, "each layer.head", len(columns))
    return figure


def page(attended: Attended, layers: Sequence[int], heads: Sequence[int]) -> str:
    """A page that needs no other file: the text, a heat map, and a choice of layers, heads and words."""
    queries = sorted({*attended.question_words, *attended.answer_words})
    weights = attended.word_weights[np.ix_(layers, heads, queries)]
    data = {
        "question": visible(attended.question.question.strip()),
        "answer": visible(attended.answer.text),
        "probability": attended.answer.probability,
        "window": attended.window + 1,
        "windows": attended.windows,
        "layers": [layer + 1 for layer in layers],
        "heads": [head + 1 for head in heads],
        "words": _spelt(attended),
        "queries": queries,
        "columns": attended.top_context_words(attended.mean(layers, heads), COLUMNS),
        "contextStart": attended.context_words[0],
        "contextWords": len(attended.context_words),
        "weights": base64.b64encode(np.round(weights * _STEPS).astype("<u2").tobytes()).decode(),
    }
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")  # no word can end the script
    return _PAGE.read_text(encoding="utf-8").replace("/*PALETTE*/", _palette()).replace("/*DATA*/", text)


def _spelt(attended: Attended) -> list[list[Any]]:
    """Each word with its segment, the text before it, and whether it is of the answer."""
    texts = {"question": attended.question.question, "context": attended.question.context, "special": ""}
    ends = {"question": 0, "context": attended.words[attended.context_words[0]].start, "special": 0}
    answer = set(attended.answer_words)
    spelt: list[list[Any]] = []
    for number, word in enumerate(attended.words):
        before = texts[word.segment][ends[word.segment] : word.start]
        ends[word.segment] = max(word.end, ends[word.segment])
        spelt.append([visible(word.text), word.segment, visible(before), number in answer])
    return spelt


def _palette() -> str:
    light, dark = ("".join(f"--{name}: {pair[at]}; " for name, pair in COLOURS.items()) for at in (0, 1))
    return f":root {{ {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Figure, Any]:
    """A figure with axes [rows, columns] of that size each, laid out in inches."""
    across, down = columns * width + (columns - 1) * _GAP, rows * height + (rows - 1) * _GAP
    wide, high = max(across + _LEFT + _RIGHT, _WIDTH), down + _TOP + _BOTTOM
    figure = Figure((wide, high), dpi=150, facecolor=LIGHT["raised"])
    place = {"left": _LEFT / wide, "right": 1 - _RIGHT / wide, "bottom": _BOTTOM / high, "top": 1 - _TOP / high}
    gaps = {"wspace": _GAP / width, "hspace": _GAP / height}
    return figure, figure.subplots(rows, columns, squeeze=False, gridspec_kw=place | gaps)


def _colours(figure: Figure, image: AxesImage, form: str, **more: Any) -> None:
    """The scale of colours, at the right."""
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((1 - (_RIGHT - 0.15) / wide, _BOTTOM / high, 0.15 / wide, 1 - (_TOP + _BOTTOM) / high))
    bar = figure.colorbar(image, cax=axes, format=form, **more)
    bar.set_label("share of attention", fontsize=8, color=LIGHT["soft"])
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=8, labelcolor=LIGHT["soft"], length=0)


def _draw(axes: Axes, weights: Float, top: float | None) -> AxesImage:
    axes.set_facecolor(LIGHT["raised"])
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes.imshow(weights, cmap=_SHADES, vmin=0, vmax=top, aspect="auto", interpolation="nearest")


def _words(axes: Axes, attended: Attended, rows: Sequence[int], columns: Sequence[int], size: float) -> None:
    """The words at the axes, those of the answer bold."""
    answer = set(attended.answer_words)
    for numbers, set_ticks, turn in ((rows, axes.set_yticks, 0), (columns, axes.set_xticks, 90)):
        names = [drawable(visible(attended.words[number].text, LONGEST)) for number in numbers]
        set_ticks(range(len(numbers)), names, fontsize=size, rotation=turn, parse_math=False)
        for number, label in zip(numbers, axes.get_xticklabels() if turn else axes.get_yticklabels(), strict=True):
            label.set(color=LIGHT["ink"], weight="bold" if number in answer else "normal")
    axes.tick_params(length=0, pad=2)


def _title(figure: Figure, attended: Attended, what: str, columns: int) -> None:
    wide, high = figure.get_size_inches()
    lines = [
        (visible(attended.question.question.strip(), 100), 10, LIGHT["ink"]),
        (f"Answer, in bold: {visible(attended.answer.text, 80) or 'no answer'}", 9, LIGHT["ink"]),
        (f"Attention, {what}. {columns} of {len(attended.context_words)} context words: those attended to most, and "
         "the answer.", 8, LIGHT["soft"]),
    ]  # fmt: skip
    for number, (line, size, colour) in enumerate(lines):
        top = 1 - (0.15 + 0.22 * number) / high
        figure.text(0.15 / wide, top, drawable(line), fontsize=size, color=colour, va="top", parse_math=False)


def _named(what: str, numbers: Sequence[int]) -> str:
    """Layers or heads, from 1.

    >>> _named("layer", [0, 2]), _named("head", [3]), _named("head", range(12))
    ('mean of layers 1, 3', 'head 4', 'mean of 12 heads')
    """
    if len(numbers) == 1:
        return f"{what} {numbers[0] + 1}"
    if len(numbers) > LABELLED:
        return f"mean of {len(numbers)} {what}s"
    return f"mean of {what}s {', '.join(str(number + 1) for number in numbers)}"
