"""A table on the terminal: framed, or as a listing where its rows stand in sections."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from degen.shown import shown
from degen.tables.table import Cell, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def print_table(table: Table) -> None:
    """Print a table on stdout, with its note and its footnotes below it."""
    from rich.console import Console

    # Piped output has no width of its own; a table must not be folded to 80 columns there.
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_listing(table) if table.sections else _framed(table))
    footnotes = [f"{_text(Cell('', footnote=place))} {text}" for place, text in enumerate(table.footnotes, 1)]
    for line in (*table.note.splitlines(), *footnotes):
        console.out(shown(line), highlight=False)


def _framed(table: Table) -> RichTable:
    from rich.table import Table as RichTable
    from rich.text import Text

    framed = RichTable(title=Text(shown(table.caption)) if table.caption else None, title_justify="left")
    for column in table.columns:
        justify: Literal["left", "right"] = "right" if column.kind == "number" else "left"
        framed.add_column(Text(shown(column.title)), justify=justify, overflow="fold")
    for row in table.rows:
        framed.add_row(*(Text(_text(cell)) for cell in row))
    return framed


def _listing(table: Table) -> RichTable:
    """Return the sections below their headings, keys indented, their arrows in a column of their own."""
    from rich.table import Table as RichTable
    from rich.text import Text

    listing = RichTable(box=None, padding=(0, 2, 0, 0))
    for column in table.columns:
        if column.kind == "key":
            listing.add_column(Text(shown(column.title)), no_wrap=True)
            listing.add_column("")
        elif column.kind == "sentence":
            listing.add_column(Text(shown(column.title)), style="dim")
        else:
            lines = filter(None, (column.title, column.subtitle))
            listing.add_column(Text("\n".join(map(shown, lines))), justify="right", overflow="fold")
    for heading, rows in table.rows_by_section().items():
        listing.add_row()
        listing.add_row(Text(shown(heading), style="bold"))
        for key, *cells in rows:
            listing.add_row(Text(f"  {shown(key.text)}"), key.arrow, *(Text(_text(cell)) for cell in cells))
    return listing


def _text(cell: Cell) -> str:
    return shown(cell.text) + (str(cell.footnote).translate(_SUPERSCRIPTS) if cell.footnote else "")
