"""A table on the terminal: rows below titles, or a listing where its rows stand in sections.

Where the terminal is too narrow, columns with one value go and are said below. Then names are shortened in
the middle. Then the table is turned, or becomes a block of lines per row. Numbers and words never break.
Output into a file or a pipe has the whole table, a line per row.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from degen.shown import shown
from degen.tables.lines import lines_for
from degen.tables.table import Cell, Table, footnote_mark

if TYPE_CHECKING:
    from rich.console import Console

_ENDLESS = 1_000_000
"""Width of a line without an end."""


def terminal_width() -> int | None:
    """Return the characters of a line of stdout by `COLUMNS` or the terminal; None for a pipe or a file."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return max(1, shutil.get_terminal_size().columns)
    return None


def print_table(table: Table) -> None:
    """Print a table on stdout, with its note and its footnotes below it."""
    from rich.console import Console

    width = terminal_width()
    # What is too wide for the terminal all the same is left to it: Rich would break numbers.
    console = Console(width=_ENDLESS)
    if table.sections:
        _print_sections(table, width, console)
    else:
        _print_rows(table, width, console)
    footnotes = [f"{footnote_mark(place)} {text}" for place, text in enumerate(table.footnotes, 1)]
    _print_lines([*table.note.splitlines(), *footnotes], width, console)


def _print_lines(lines: Sequence[str], width: int | None, console: Console) -> None:
    for line in map(shown, lines):
        for part in lines_for(line, width):
            console.out(part, highlight=False)


def _print_rows(table: Table, width: int | None, console: Console) -> None:
    from rich.text import Text

    from degen.tables.grid import grid, rule
    from degen.tables.vertical import arranged
    from degen.tables.widths import Strip

    strips = [
        Strip(shown(column.title), [_text(row[place]) for row in table.rows], column.kind)
        for place, column in enumerate(table.columns)
    ]
    found, said = arranged(strips, width or _ENDLESS)
    if table.caption:
        _print_lines([table.caption], width, console)
    if isinstance(found, list):
        titles, rows = grid(found)
        for line in titles:
            console.print(Text(line, style="bold"))
        console.out(rule(found, "─" if "utf" in console.encoding else "-"), style="dim", highlight=False)
        found = iter(line for lines in rows for line in lines)
    for line in found:
        console.out(line, highlight=False)
    if said:
        _print_lines([said], width, console)


def _print_sections(table: Table, width: int | None, console: Console) -> None:
    """Print the sections below their headings; columns that do not fit beside others follow below them."""
    from rich.text import Text

    from degen.tables.grid import grid
    from degen.tables.listing import parts

    for place, strips in enumerate(parts(table, width or _ENDLESS, _text)):
        titles, rows = grid(strips)
        for line in ([""] * (place > 0)) + titles:
            console.print(Text(line, style="bold"))
        before = None
        for heading, lines in zip(table.sections, rows, strict=True):
            if heading != before:
                console.print(Text(f"\n{shown(heading)}", style="bold"))
            before = heading
            for line in lines:
                console.out(line, highlight=False)


def _text(cell: Cell) -> str:
    return shown(cell.text) + footnote_mark(cell.footnote)
