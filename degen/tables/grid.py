"""Columns as lines of text: padded to equal widths, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len

from degen.tables.widths import Strip

GAP = 2
"""Blanks between two columns."""


def inside(columns: Sequence[object], width: int) -> int:
    """Return the characters that are left to the texts of columns side by side."""
    return width - GAP * (len(columns) - 1)


def grid(strips: Sequence[Strip]) -> tuple[list[str], list[list[str]]]:
    """Return the lines of the titles, and those of each row; the last line of a title is the lowest."""
    widths = [_width(strip) for strip in strips]
    titles = [strip.title.split("\n") for strip in strips]
    highest = max(map(len, titles), default=0)
    lowered = [[""] * (highest - len(lines)) + lines for lines in titles]
    rows = [
        _lines([text.split("\n") for text in texts], strips, widths)
        for texts in zip(*(strip.texts for strip in strips), strict=True)
    ]
    return _lines(lowered, strips, widths), rows


def rule(strips: Sequence[Strip], sign: str) -> str:
    """Return the line between the titles and the rows."""
    return (" " * GAP).join(sign * _width(strip) for strip in strips)


def _width(strip: Strip) -> int:
    return max(cell_len(line) for text in (strip.title, *strip.texts) for line in text.split("\n"))


def _lines(cells: Sequence[Sequence[str]], strips: Sequence[Strip], widths: Sequence[int]) -> list[str]:
    lines = []
    for parts in zip_longest(*cells, fillvalue=""):
        padded = [
            " " * (width - cell_len(part)) + part
            if strip.kind == "number"
            else part + " " * (width - cell_len(part))
            for part, strip, width in zip(parts, strips, widths, strict=True)
        ]
        lines.append((" " * GAP).join(padded).rstrip())
    return lines
