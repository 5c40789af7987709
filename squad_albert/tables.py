"""Plain text tables, and numbers in words."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    r"""Lines with aligned columns: the first to the left, the others to the right.

    >>> print(*table([["", "EM"], ["all", "81.25"], ["gen", "9.00"]]), sep="\n")
            EM
    all  81.25
    gen   9.00
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]


def number(value: float) -> str:
    """A score for people.

    >>> number(74.53183520599251)
    '74.53'
    """
    return f"{value:.2f}"


def counted(count: int, noun: str) -> str:
    """A number of things, in the singular where it is one.

    >>> counted(1, "cluster"), counted(1200, "question")
    ('1 cluster', '1,200 questions')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
