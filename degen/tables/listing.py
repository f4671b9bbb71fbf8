"""Columns of a listing within a width: as many side by side as fit, the others below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from degen.shown import shown
from degen.tables.grid import GAP
from degen.tables.shorten import shortened
from degen.tables.table import Cell, Table
from degen.tables.widths import NARROWEST_SENTENCE, Strip

_INDENT = "  "
_SHORTEST_NAME = 12
"""Characters that the name of a matrix keeps above its column."""


@dataclass(frozen=True)
class _Value:
    """A column of values: a name, a second line of its title, and texts."""

    name: str
    subtitle: str
    texts: Sequence[str]

    def width(self, name: str) -> int:
        """Return the characters that the column takes under a shorter name."""
        return max(map(cell_len, (name, self.subtitle, *self.texts)))

    def strip(self, name: str) -> Strip:
        """Return the column under a shorter name, and under its second line."""
        return Strip("\n".join(filter(None, (name, self.subtitle))), self.texts, "number")


def parts(table: Table, width: int, text: Callable[[Cell], str]) -> list[list[Strip]]:
    """Return the columns that stand side by side, with the keys before each set of them.

    A sentence stands behind the values where there is room for it. Names of columns are shortened in the
    middle, all of them alike, so that they stay distinct.
    """
    values, sentences = [], []
    keys = [_INDENT + text(row[0]) for row in table.rows]
    beside = [Strip(shown(table.columns[0].title), keys, "key")]
    if any(row[0].arrow for row in table.rows):
        beside.append(Strip("", [row[0].arrow for row in table.rows], "text"))
    for place, column in enumerate(table.columns[1:], 1):
        texts = [text(row[place]) for row in table.rows]
        if column.kind == "sentence":
            sentences.append(Strip(shown(column.title), texts, column.kind))
        else:
            values.append(_Value(shown(column.title), shown(column.subtitle), texts))
    room = width - sum(strip.full + GAP for strip in beside)
    for remark in sentences[:1]:
        names = _names(values, len(values), room - GAP - min(NARROWEST_SENTENCE, remark.full))
        if names is not None:
            strips = [value.strip(name) for value, name in zip(values, names, strict=True)]
            wrapped = remark.within(room - sum(strip.full + GAP for strip in strips))
            return [[*beside, *strips, *([wrapped] if wrapped else [])]]
    for most in range(len(values), 0, -1):
        names = _names(values, most, room)
        if names is not None or most == 1:
            strips = [value.strip(name) for value, name in zip(values, names or _full(values), strict=True)]
            return [[*beside, *strips[start : start + most]] for start in range(0, len(strips), most)]
    return [beside]


def _full(values: Sequence[_Value]) -> list[str]:
    return [value.name for value in values]


def _names(values: Sequence[_Value], most: int, room: int) -> list[str] | None:
    """Return the longest names with which `most` columns each fit into `room`; None where none do."""
    names = _full(values)
    for longest in range(max(_SHORTEST_NAME, *map(cell_len, names)), _SHORTEST_NAME - 1, -1):
        short = shortened(names, longest, cell_len)
        if short is None:
            return None
        widths = [value.width(name) + GAP for value, name in zip(values, short, strict=True)]
        if all(sum(widths[at : at + most]) - GAP <= room for at in range(0, len(widths), most)):
            return short
    return None
