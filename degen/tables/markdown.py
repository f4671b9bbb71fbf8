"""A table in Markdown, with its footnotes below it."""

from __future__ import annotations

from degen.shown import shown
from degen.tables.table import Table, footnote_mark


def markdown(table: Table) -> str:
    """Return a table with pipes, its numbers aligned to the right; the cells may hold Markdown.

    The table's note is left to the page.
    """
    lines = [
        [column.title for column in table.columns],
        ["---:" if column.kind == "number" else "---" for column in table.columns],
        *([cell.text + footnote_mark(cell.footnote) for cell in row] for row in table.rows),
    ]
    rows = [f"| {' | '.join(shown(text).replace('|', chr(92) + '|') for text in line)} |" for line in lines]
    notes = [f"\n{footnote_mark(place)} {text}" for place, text in enumerate(table.footnotes, 1)]
    return "\n".join([*rows, *notes])
