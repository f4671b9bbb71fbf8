"""Description of the way to read a file, as it was guessed or told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from degen.data.reading.columns import Columns
from degen.data.reading.shapes.head import FileHead
from degen.errors import counted

_BETWEEN = {"::": "'::'", "\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", None: "spaces"}


@dataclass(frozen=True)
class Layout:
    """The way to read a file: `shape` picks the reader, and `summary` says what was guessed.

    `separator` stands between fields; None is any white space. `comments` is the number of lines to skip at
    the start. Of a table, `width` is the number of fields per line, and `header` says whether the first line
    holds names. `notes` say what the values leave open.
    """

    shape: Literal["table", "sequences", "json", "parquet"]
    summary: str
    separator: str | None = None
    columns: Columns | None = None
    width: int = 0
    header: bool = False
    comments: int = 0
    notes: tuple[str, ...] = ()


def between(separator: str | None) -> str:
    """Return a separator in words."""
    return _BETWEEN.get(separator, repr(separator))


def table_layout(
    head: FileHead, columns: Columns, summary: str, header: bool = False, notes: tuple[str, ...] = ()
) -> Layout:
    """Return the layout of a table of which the columns are known."""
    width = len(head.first) if header else head.width
    if head.comments:
        summary += f", after {counted(head.comments, 'line')} of comments"
    return Layout("table", summary, head.separator, columns, width, header, head.comments, notes)
