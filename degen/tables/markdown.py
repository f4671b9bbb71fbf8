"""A table in Markdown."""

from __future__ import annotations

from degen.shown import shown
from degen.tables.table import Table


def markdown(table: Table) -> str:
    """Return a table with pipes; the cells may hold Markdown."""
    lines = [
        [column.title for column in table.columns],
        ["---"] * len(table.columns),
        *([cell.text for cell in row] for row in table.rows),
    ]
    return "\n".join(
        f"| {' | '.join(shown(text).replace('|', chr(92) + '|') for text in line)} |" for line in lines
    )
