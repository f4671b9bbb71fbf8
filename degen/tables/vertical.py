"""Tables too wide for the terminal: turned, with a column per row, or as a block of lines per row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len

from degen.tables.grid import inside
from degen.tables.lines import HARD_BLANK, broken
from degen.tables.shorten import shortened
from degen.tables.widths import Strip, fitted, is_number, without_constants

_NAMES = (48, 40, 32, 24, 20, 16, 12)
"""Characters that the name of a row may keep above its column."""

_GAP = 3
"""Blanks between two values of a block."""


def arranged(strips: Sequence[Strip], width: int) -> tuple[list[Strip] | Iterator[str], str]:
    """Return columns that stand side by side in `width`, or the lines of a block per row.

    The second value is a line that says what all rows have in common, if that is left out of the table.
    """
    if sum(strip.tight for strip in strips) <= inside(strips, width):
        return fitted(strips, inside(strips, width)) or [], ""
    fewer, said = without_constants(strips)
    found = fitted(fewer, inside(fewer, width))
    if found is None and len(fewer[0].texts) < len(fewer):
        found = turned(fewer, width)
    return found or blocks(fewer, width), said


def turned(strips: Sequence[Strip], width: int) -> list[Strip] | None:
    """Return the table with a column per row and a row per column; None where it does not fit."""
    head, *others = strips
    left = Strip(head.title, [strip.title for strip in others], "text")
    room = inside(["", *head.texts], width) - left.full
    for longest in (head.widest, *(room for room in _NAMES if room < head.widest)):
        names = shortened(head.texts, longest, cell_len)
        if names is None:
            return None
        columns = [_column(name, others, place) for place, name in enumerate(names)]
        if (found := fitted(columns, room)) is not None:
            return [left, *map(_titled, found)]
    return None


def _column(name: str, strips: Sequence[Strip], row: int) -> Strip:
    """Return a row as a column, its name as the first text; hard blanks keep the name on one line."""
    texts = [strip.texts[row] for strip in strips]
    long = any(strip.kind == "sentence" and not is_number(strip.texts[row]) for strip in strips)
    return Strip("", [name.replace(" ", HARD_BLANK), *texts], "sentence" if long else "number")


def _titled(column: Strip) -> Strip:
    name, *texts = column.texts
    return replace(column, title=name.replace(HARD_BLANK, " "), texts=texts)


def blocks(strips: Sequence[Strip], width: int) -> Iterator[str]:
    """Yield the lines of a block per row: its name, and its values below, each after its title.

    Values of a column stand below one another in all blocks.
    """
    head, *others = strips
    names = shortened(head.texts, width, cell_len) or head.texts
    lines = list(_lines_of_columns(others, width))
    for row, name in enumerate(names):
        if name:
            yield name
        for line in lines:
            if len(line) == 1:
                yield from _value(line[0], row, width)
            else:
                values = (_padded(f"{strip.title} {strip.texts[row]}", _room(strip)) for strip in line)
                yield ("  " + (" " * _GAP).join(values)).rstrip()


def _lines_of_columns(strips: Sequence[Strip], width: int) -> Iterator[list[Strip]]:
    """Yield the columns that stand together on a line of each block."""
    line: list[Strip] = []
    for strip in strips:
        if line and 2 + sum(_room(each) + _GAP for each in line) + _room(strip) > width:
            yield line
            line = []
        line.append(strip)
    if line:
        yield line


def _room(strip: Strip) -> int:
    return cell_len(strip.title) + 1 + strip.widest


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _value(strip: Strip, row: int, width: int) -> Iterator[str]:
    """Yield the lines of a value that has them for itself."""
    room = width - 3 - cell_len(strip.title)
    if strip.kind != "sentence":
        texts = strip.texts if strip.kind == "number" else shortened(strip.texts, room, cell_len)
        yield f"  {strip.title} {(texts or strip.texts)[row]}".rstrip()
        return
    start, *others = broken(f"{strip.title} {strip.texts[row]}", width - 2)
    yield f"  {start}"
    for line in others and broken(" ".join(others), width - 4):
        yield f"    {line}"
