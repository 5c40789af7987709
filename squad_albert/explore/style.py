"""Colours and words of report and pictures: one palette, safe for colour-blind readers, light and dark."""

from __future__ import annotations

import re

COLOURS = {
    "blue": ("#2a78d6", "#5595eb"),
    "gold": ("#d9a30e", "#f0bc55"),
    "wine": ("#8a3b51", "#fb4a77"),
    "teal": ("#4fb5a3", "#299583"),
    "indigo": ("#4322c0", "#8150bd"),
    "coral": ("#dd5c4e", "#a2591c"),
    "magenta": ("#c41f98", "#e3a0c2"),
    "grey": ("#b3b1a8", "#66645e"),
    "ink": ("#151514", "#f1f0ec"),
    "soft": ("#52514e", "#c3c2b7"),
    "muted": ("#6b6a64", "#9c9a91"),
    "grid": ("#e6e5df", "#2e2e2c"),
    "axis": ("#c3c2b7", "#4a4a46"),
    "surface": ("#fcfcfb", "#1a1a19"),
    "raised": ("#ffffff", "#222220"),
    "wash": ("#eef3fa", "#1f2833"),
    "good": ("#1c5cab", "#86b6ef"),
    "bad": ("#87384e", "#ff9db2"),
    "link": ("#1c5cab", "#86b6ef"),
}
"""By name, on a light and on a dark ground."""

LIGHT = {name: pair[0] for name, pair in COLOURS.items()}

SERIES_NAMES = ("blue", "gold", "wine", "teal", "indigo", "coral", "magenta")
"""Colours of categories by name, in the order of use; what comes after them is grey."""

SERIES = [LIGHT[name] for name in SERIES_NAMES]
"""The same on a light ground."""

OUTCOMES = {"right": "blue", "right but for form": "gold", "wrong": "wine", "unlabeled": "grey"}
"""What became of a question, with the colour's name."""

NONE = "\N{EN DASH}"
"""Stands for a number that there is not."""

_SINGLE = "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
_DOUBLE = set('"“”„‟')
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def visible(text: str, longest: int | None = None) -> str:
    r"""Text of the data for display: control characters and direction overrides are spelt out, so they do nothing.

    Args:
        text: anything.
        longest: characters kept; a longer text ends in an ellipsis.

    >>> visible("a\u202eb"), visible("12345", 4)
    ('a[U+202E]b', '123…')
    """
    if longest is not None and len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def percent(share: float, digits: int = 1) -> str:
    """A share for people; a dash for none.

    >>> percent(0.6397), percent(float("nan")) == NONE
    ('64.0 %', True)
    """
    return NONE if share is None or share != share else f"{100 * share:.{digits}f} %"


def number(value: float, digits: int = 2) -> str:
    """A number for people; a dash for none.

    >>> number(1234.5, 1), number(float("nan")) == NONE
    ('1,234.5', True)
    """
    return NONE if value is None or value != value else f"{value:,.{digits}f}"


def quoted(text: str) -> str:
    """Text of the data in quotation marks: single ones around a text that has double ones at an end.

    >>> quoted("Glass River"), quoted("“Glass River”") == f"{_SINGLE[0]}“Glass River”{_SINGLE[1]}"
    ('“Glass River”', True)
    """
    marks = _SINGLE if _DOUBLE & {text[:1], text[-1:]} else "“”"
    return f"{marks[0]}{text}{marks[1]}"
