"""Tokens coloured by their scores: in a terminal, as a page and as a picture.

Red raises the loss, blue lowers it; the strongest token of a method has the full colour. Text is the data's own,
so control characters in it are spelt out, and on the page it is escaped.
"""

from __future__ import annotations

import html
import os
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from utils.files import whole_file, whole_path

from .explore.style import COLOURS, LIGHT, visible
from .tables import table

NAMES = {
    "gradient_input": "gradient \N{MULTIPLICATION SIGN} input",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
}
"""The methods, as people call them."""

RAISES, LOWERS = "wine", "blue"

STRONGEST = 8
"""Tokens that are named for each method."""

_FAINT = 0.08  # of the strongest score: below this a token has no colour
_MARKED = 0.4  # without colour a token from this share on stands in brackets
_TERMINAL = {RAISES: (224, 217, 210, 203), LOWERS: (195, 153, 111, 75)}  # of the 256 colours, faint to strong
_COLUMNS = 100  # of characters in the picture
_FONT_SIZE, _ADVANCE, _LINE = 10, 0.602, 1.7  # points; width of a character and height of a line in font sizes
_MARGIN = 0.15  # inches
_BREAKABLE = re.compile(rf"\n|[^\S\n]+|\S{{1,{_COLUMNS // 2}}}")


class Piece(NamedTuple):
    """A run of characters and its score, between -1 and 1; 0 for what is no token."""

    text: str
    score: float


_KEY = (Piece("raises the loss", 1.0), Piece(", ", 0.0), Piece("lowers it", -1.0))


def pieces(result: Mapping[str, Any], method: str, segment: str) -> list[Piece]:
    """The question or the window's part of the context, in pieces that together are its text.

    Args:
        result: as ``explain.attributions`` returns it.
        method: one of its methods.
        segment: question or context.
    """
    text, cursor = result[segment], None
    largest = max((abs(token[method]) for token in result["tokens"]), default=0.0) or 1.0
    found: list[Piece] = []
    for token in result["tokens"]:
        if token["segment"] != segment:
            continue
        cursor = token["start"] if cursor is None else cursor
        if token["start"] > cursor:
            found.append(Piece(text[cursor : token["start"]], 0.0))
        shown, score = text[max(cursor, token["start"]) : token["end"]], token[method] / largest
        if shown or not found:
            found.append(Piece(shown, score))
        else:  # several tokens of one character, as of ½: their scores are one
            found[-1] = Piece(found[-1].text, max(-1.0, min(1.0, found[-1].score + score)))
        cursor = max(cursor, token["end"])
    return found


def colour_wanted(stream: TextIO) -> bool:
    """Whether to colour what is printed: on a terminal that knows colours, unless NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_lines(result: Mapping[str, Any], colour: bool) -> list[str]:
    """An explanation for a terminal; without colour the strongest tokens stand in brackets with their sign.

    Args:
        result: as ``explain.attributions`` returns it.
        colour: whether ANSI colours may be used.
    """
    lines = [*_head(result), ""]
    for method in result["methods"]:
        lines.append(f"{NAMES[method]}{_completeness(result, method)}")
        for segment in ("question", "context"):
            shown = (_painted(piece) if colour else _bracketed(piece) for piece in pieces(result, method, segment))
            lines.append("".join(shown))
        rows = [["token", "of", "score"]]
        rows += [[visible(one["token"]), one["segment"], f"{one[method]:+.3f}"] for one in strongest(result, method)]
        lines += ["", *table(rows), ""]
    return [*lines, "".join(map(_painted, _KEY)) if colour else "[+token] raises the loss, [-token] lowers it"]


def strongest(result: Mapping[str, Any], method: str) -> list[dict[str, Any]]:
    """The tokens with the largest scores of a method, whatever their sign, the largest first."""
    return sorted(result["tokens"], key=lambda token: -abs(token[method]))[:STRONGEST]


def write_html(result: Mapping[str, Any], path: Path) -> None:
    """Writes a page of its own that needs no network.

    Raises:
        WriteError: if it cannot be written.
    """
    head = "".join(f"<p>{_escaped(line)}</p>" for line in _head(result))
    key = "".join(map(_marked, _KEY))
    body = "".join(_section(result, method) for method in result["methods"])
    with whole_file(path) as stream:
        stream.write(
            _PAGE.format(style=_style(), title=_escaped(result.get("id", "explanation")), head=head, key=key, body=body)
        )


def write_png(result: Mapping[str, Any], path: Path) -> None:
    """Writes a picture, a block of text for each method.

    Raises:
        WriteError: if it cannot be written.
    """
    from matplotlib.figure import Figure

    lines = [*_wrapped([Piece("\n".join(_head(result)), 0.0)]), list(_KEY)]
    for method in result["methods"]:
        lines += [[], [Piece(f"{NAMES[method]}{_completeness(result, method)}", 0.0)]]
        for segment in ("question", "context"):
            lines += _wrapped(pieces(result, method, segment))
    text_width, text_height = _COLUMNS * _ADVANCE * _FONT_SIZE / 72, len(lines) * _LINE * _FONT_SIZE / 72
    width, height = text_width + 2 * _MARGIN, text_height + 2 * _MARGIN
    figure = Figure(figsize=(width, height), facecolor=LIGHT["surface"])
    axes = figure.add_axes((_MARGIN / width, _MARGIN / height, text_width / width, text_height / height))
    axes.set(xlim=(0, _COLUMNS), ylim=(len(lines), 0))
    axes.set_axis_off()
    axes.autoscale(False)
    for number, line in enumerate(lines):
        _draw_line(axes, number, line)
    with whole_path(path) as aside, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a box is drawn for it
        figure.savefig(aside, dpi=120, format="png")


def _head(result: Mapping[str, Any]) -> list[str]:
    target = result["target"]
    lines = [result["id"]] if "id" in result else []
    if result.get("golds"):
        lines.append(f"gold: {' | '.join(dict.fromkeys(result['golds']))}")
    lines.append(f"answer: {result['prediction'] or 'no answer'}")
    lines.append(f"loss: {result['loss']:.3f} of {target['kind']}{': ' if target['text'] else ''}{target['text']}")
    if result["windows"] > 1:
        lines.append(f"window: {result['window']} of {result['windows']}")
    return [visible(line.replace("\n", " ")) for line in lines]


def _completeness(result: Mapping[str, Any], method: str) -> str:
    if method not in result:
        return ""
    found = result[method]
    return f" (sum {found['difference']:+.2f} within {found['gap']:.1%}, {found['steps']} steps)"


def _painted(piece: Piece) -> str:
    text = visible(piece.text)
    if abs(piece.score) < _FAINT:
        return text
    shades = _TERMINAL[RAISES if piece.score > 0 else LOWERS]
    shade = shades[min(len(shades) - 1, int(abs(piece.score) * len(shades)))]
    return f"\x1b[38;5;16;48;5;{shade}m{text}\x1b[0m"


def _bracketed(piece: Piece) -> str:
    text = visible(piece.text)
    return f"[{'+' if piece.score > 0 else '-'}{text}]" if abs(piece.score) >= _MARKED else text


def _escaped(text: str) -> str:
    return html.escape(visible(text))


def _section(result: Mapping[str, Any], method: str) -> str:
    texts = (
        f'<p class="text" dir="auto">{"".join(_marked(piece) for piece in pieces(result, method, segment))}</p>'
        for segment in ("question", "context")
    )
    heading = f"<h2>{_escaped(NAMES[method])}<small>{_completeness(result, method)}</small></h2>"
    return f"<section>{heading}{''.join(texts)}</section>"


def _marked(piece: Piece) -> str:
    if abs(piece.score) < _FAINT:
        return _escaped(piece.text)
    kind = "raises" if piece.score > 0 else "lowers"
    share, text = f"{abs(piece.score):.2f}", _escaped(piece.text)
    return f'<mark class="{kind}" style="--share:{share}" title="{piece.score:+.2f}">{text}</mark>'


def _style() -> str:
    def variables(ground: int) -> str:
        names = {"raises": RAISES, "lowers": LOWERS, "ink": "ink", "surface": "surface", "muted": "muted"}
        return "".join(f"--{name}:{COLOURS[colour][ground]};" for name, colour in names.items())

    return f":root{{{variables(0)}}}@media(prefers-color-scheme:dark){{:root{{{variables(1)}}}}}"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}
:root{{color-scheme:light dark}}
body{{margin:1rem auto;max-width:60rem;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif}}
body{{background:var(--surface);color:var(--ink)}}
p{{margin:.3rem 0}} h1{{font-size:1.3rem}} h2{{font-size:1.1rem;margin:1.2rem 0 .3rem}}
small{{color:var(--muted);font-weight:normal}}
.text{{white-space:pre-wrap;overflow-wrap:anywhere}}
mark{{color:inherit;border-radius:.2rem}}
.raises{{background:color-mix(in srgb,var(--raises) calc(var(--share)*70%),transparent)}}
.lowers{{background:color-mix(in srgb,var(--lowers) calc(var(--share)*70%),transparent)}}
</style>
<h1>Which tokens drive the loss</h1>
{head}
<p>{key}</p>
{body}
</html>
"""


def _wrapped(parts: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces in lines of ``_COLUMNS``, broken at white space where there is any; a newline of the text is a break."""
    line: list[Piece] = []
    room = _COLUMNS
    for piece in _breakable(parts):
        size = _columns(piece.text)
        if piece.text == "\n" or (size > room and line):
            yield line
            line, room = [], _COLUMNS
        if piece.text.strip() or line:
            line.append(piece)
            room -= size
    yield line


def _breakable(parts: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces cut at white space, at newlines, and where they are longer than a line."""
    for piece in parts:
        for word in _BREAKABLE.findall(visible(piece.text)):
            yield Piece(word, piece.score)


def _columns(text: str) -> int:
    """How many columns a text takes: wide letters two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(bool(unicodedata.combining(letter)) for letter in text)


def _draw_line(axes: Any, number: int, line: Sequence[Piece]) -> None:
    column = 0
    for piece in line:
        size = _columns(piece.text)
        if abs(piece.score) >= _FAINT:
            across, down = [column, column + size, column + size, column], [number, number, number + 1, number + 1]
            colour = LIGHT[RAISES if piece.score > 0 else LOWERS]
            axes.fill(across, down, color=colour, alpha=0.7 * min(1.0, abs(piece.score)), linewidth=0)
        axes.text(
            column, number + 0.5, piece.text, family="DejaVu Sans Mono", size=_FONT_SIZE, va="center",
            color=LIGHT["ink"], parse_math=False,
        )  # fmt: skip
        column += size
