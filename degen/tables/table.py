"""A table whose cells are text already, independent of where it is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from degen.tables.numbers import four_decimals

Mark = Literal["", "best", "second", "holds", "fails", "open"]
Kind = Literal["number", "text", "sentence", "key"]

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_BLANKS = 5
"""Blanks of the shortest text that is a sentence; a name or several numbers have fewer."""


@dataclass(frozen=True)
class Cell:
    """A text as people read it, marked as best or second of what it is compared with, or with a verdict.

    Footnotes are numbered from 1; 0 is none. The arrow of a key is ↑ where a higher value is more isotropic,
    ↓ where a lower one is.
    """

    text: str
    mark: Mark = ""
    footnote: int = 0
    arrow: str = ""


@dataclass(frozen=True)
class Column:
    """A column's title, the kind of its cells, and a second line of the title for the terminal."""

    title: str
    kind: Kind = "number"
    subtitle: str = ""


@dataclass(frozen=True)
class Table:
    """Rows with one cell per column; the first cell of a row is its header.

    The name is that of its file. The caption has no full stop. The note holds sentences that stand below the
    table. `sections` has the heading of each row, or nothing; rows of a section stand together.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    sections: Sequence[str] = ()
    footnotes: Sequence[str] = ()

    @classmethod
    def of_values(
        cls,
        titles: Sequence[str],
        rows: Iterable[Sequence[Any]],
        caption: str = "",
        right: Sequence[str] = (),
    ) -> Table:
        """Return a table of plain values: floats with four decimals, whole numbers with commas.

        Columns of numbers, and those whose title is in `right`, are aligned to the right. Texts of several
        words are sentences, which may take several lines; other texts are names.
        """
        values = [list(row) for row in rows]
        columns = []
        for index, title in enumerate(titles):
            column = [row[index] for row in values]
            kind: Kind = "text"
            if title in right or all(isinstance(value, int | float) or value is None for value in column):
                kind = "number"
            elif any(isinstance(value, str) and value.count(" ") >= _BLANKS for value in column):
                kind = "sentence"
            columns.append(Column(title, kind))
        cells = [[Cell(four_decimals(value)) for value in row] for row in values]
        return cls(caption, caption, columns, cells)

    def rows_by_section(self) -> dict[str, list[Sequence[Cell]]]:
        """Return the rows of each section in order; all of them under an empty heading without sections."""
        found: dict[str, list[Sequence[Cell]]] = {}
        for heading, row in zip(self.sections or [""] * len(self.rows), self.rows, strict=True):
            found.setdefault(heading, []).append(row)
        return found


def footnote_mark(number: int) -> str:
    """Return the raised number of a footnote; empty for 0, which is none."""
    return str(number).translate(_SUPERSCRIPTS) if number else ""


def marked(values: Sequence[float | None], texts: Sequence[str], sign: int = 1) -> list[Cell]:
    """Return one cell per value: the highest is marked best, and the next of three or more second.

    The lowest is best where `sign` is -1, and none where it is 0. Values that read the same share a mark.
    Nothing is marked where all read the same.
    """
    known = [(sign * value, text) for value, text in zip(values, texts, strict=True) if value is not None]
    order = list(dict.fromkeys(text for _, text in sorted(known, reverse=True)))
    marks: dict[str, Mark] = {}
    if sign and len(order) > 1:
        marks[order[0]] = "best"
        if len(known) > 2:
            marks[order[1]] = "second"
    return [
        Cell(text, "" if value is None else marks.get(text, ""))
        for value, text in zip(values, texts, strict=True)
    ]


def fitting(columns: Sequence[Sequence[str]], width: int | None, least: int) -> int:
    """Return how many of the first columns fit into `width` characters side by side, at least `least`.

    A column is the lines of its title and its cells. All fit where `width` is None.
    """
    room = math.inf if width is None else width + 2
    for place, texts in enumerate(columns):
        room -= max(map(len, texts)) + 2
        if room < 0 and place >= least:
            return place
    return len(columns)
