"""Counts of items in a table: a column of whole numbers, and the ids of its rows, if it has any."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from degen.embeddings.content import Counts
from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.tabular.cells import Kind, Table, are_counts, as_ids, as_numbers, named
from degen.embeddings.formats.tabular.lines import (
    is_number,
    numbered_lines,
    numbers,
    shown_separator,
)
from degen.embeddings.formats.tabular.names import best_id, id_rank, is_frequency
from degen.embeddings.formats.tabular.roles import find_column, named_ids, text_columns
from degen.errors import UserError


def table_counts(table: Table, column: str) -> tuple[Counts, list[str] | None]:
    """Return the counts in a column, by its name or number from 0, and the ids of the rows, if any."""
    at = find_column(table, column)
    if table.columns[at].kind is not Kind.NUMBERS:
        raise UserError(f"{table.path} holds no numbers in {named(table.columns, at)}; name another column")
    counts = whole_numbers(table.path, as_numbers(table.cells(at)))
    ids, texts = named_ids(table, at), text_columns(table)
    if ids is None and len(texts) == 1:
        ids = texts[0]
    return counts, None if ids is None else as_ids(table.cells(ids))


def text_counts(path: Path) -> tuple[Counts, list[str] | None]:
    """Return the counts in a text with a count per line, or an id and a count, and the ids, if any.

    Raise a `UserError` where nothing tells which column has the counts.
    """
    separator = shown_separator(path)
    lines = list(numbered_lines(path, separator))
    header = lines.pop(0)[1] if lines and not any(map(is_number, lines[0][1])) else None
    if not lines:
        raise UserError(f"{path} holds no counts; write one per line")
    width = len(header or lines[0][1])
    at = _place(path, header, lines[0][1], width, separator)
    values, ids = [], []
    for number, fields in lines:
        # In a text with blanks, an id may hold some.
        if len(fields) != width and not (separator is None and at == -1 and len(fields) > 1 < width):
            raise UserError(
                f"{path} line {number} has {len(fields)} columns where {width} are expected; give every row "
                "as many"
            )
        values += numbers(path, number, [fields[at]])
        ids.append(fields[:-1] if at == -1 else fields[:at] + fields[at + 1 :])
    counts = whole_numbers(path, np.array(values))
    if width == 1:
        return counts, None
    rest = None
    if header is not None and width > 2:
        rest = best_id(header[:-1] if at == -1 else header[:at] + header[at + 1 :])
        if rest is None:
            raise _unnamed(path, width)
    return counts, [" ".join(fields) if rest is None else fields[rest] for fields in ids]


def whole_numbers(path: Path, values: Values | FileRows) -> Counts:
    """Return numbers [n] as int64; raise a `UserError` unless they are whole, and 0 or more."""
    if isinstance(values, FileRows) or values.ndim != 1:
        raise UserError(f"{path} has counts of shape {list(values.shape)}; give one count for each row")
    if values.dtype.kind not in "fiu" or values.dtype.itemsize > 8:
        raise UserError(f"{path} holds {values.dtype}; save whole numbers, such as int64")
    valid = are_counts(values)
    if not valid.all():
        raise UserError(f"{path} holds {values[~valid].flat[0]}; a frequency is a whole number, 0 or more")
    return np.asarray(values, dtype=np.int64)


def _place(path: Path, header: list[str] | None, row: list[str], width: int, separator: str | None) -> int:
    """Return the place of the counts among the fields; -1 is the last."""
    if header is not None:
        named = [at for at, name in enumerate(header) if is_frequency(name)]
        if len(named) == 1:
            return named[0] if named[0] < width - 1 else -1
        if width > 2:
            raise _unnamed(path, width)
        swapped = width == 2 and id_rank(header[1]) is not None and id_rank(header[0]) is None
        return 0 if swapped else -1
    if width > 2 and separator is not None:
        raise _unnamed(path, width)
    return 0 if width == 2 and is_number(row[0]) and not is_number(row[1]) else -1


def _unnamed(path: Path, width: int) -> UserError:
    return UserError(f"{path} has {width} columns; name the one of counts, as {path}:COLUMN")
