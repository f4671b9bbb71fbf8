"""Read a matrix from a Parquet table: a column of lists, or one column of numbers per dimension, and ids.

Parquet needs the optional package pyarrow, which reads it in batches of rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from degen.data.reading.parquet import open_parquet
from degen.embeddings.file_rows import Values
from degen.embeddings.formats.text import ID_NAMES
from degen.errors import UserError, nearest

_BATCH = 65_536
"""Number of rows that are read at once."""


def read_parquet(path: Path, key: str | None = None) -> tuple[Values, list[str] | None]:
    """Return the matrix [n, d] in a Parquet file and its ids.

    Ids are in the column of that name (`item`, `item_id`, `id`, …), or in the only column of strings. `key`
    names a column of lists; it is not needed if there is only one. Raise a `UserError` where pyarrow is
    missing, the file is damaged, a cell is empty, or lists have several lengths.
    """
    with open_parquet(path) as file:
        schema = file.schema_arrow
        id_column = _id_column(schema)
        columns = [_list_column(path, schema, key)] if _lists(schema) or key else _numeric(schema, id_column)
        if not columns:
            raise UserError(f"{path} has no column of numbers; it has: {', '.join(schema.names)}")
        blocks: list[Values] = []
        ids: list[str] = []
        for batch in file.iter_batches(_BATCH, columns=[*columns, *([id_column] if id_column else [])]):
            parts = [_numbers(path, name, batch.column(name)) for name in columns]
            blocks.append(parts[0] if parts[0].ndim == 2 else np.stack(parts, axis=1))
            ids += [str(value) for value in batch.column(id_column).to_pylist()] if id_column else []
    if len({block.shape[1] for block in blocks}) > 1:
        raise _ragged(path, columns[0])
    return np.concatenate(blocks) if blocks else np.empty((0, len(columns))), ids if id_column else None


def read_column(path: Path, name: str) -> tuple[Values, list[str] | None]:
    """Return a column of numbers [n] and the ids of its rows; raise a `UserError` as `read_parquet` does."""
    with open_parquet(path) as file:
        schema = file.schema_arrow
        if name not in schema.names:
            raise UserError(f"{path} has no column '{name}'{nearest(name, schema.names)}")
        id_column = _id_column(schema)
        table = file.read(columns=[name, *([id_column] if id_column else [])])
        values = _numbers(path, name, table.column(name).combine_chunks())
        return values, [str(value) for value in table.column(id_column).to_pylist()] if id_column else None


def column_names(path: Path) -> list[str]:
    """Return the names of the columns."""
    with open_parquet(path) as file:
        return list(file.schema_arrow.names)


def _lists(schema: Any) -> list[str]:
    import pyarrow.types as kinds

    of_lists = (kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list)
    return [column.name for column in schema if any(is_kind(column.type) for is_kind in of_lists)]


def _list_column(path: Path, schema: Any, key: str | None) -> str:
    lists = _lists(schema)
    if key is None and len(lists) == 1:
        return lists[0]
    if key in lists:
        return str(key)
    shown = ", ".join(lists) or "no column of lists"
    if key is None:
        raise UserError(f"{path} has {len(lists)} columns of lists; choose one with `key`: {shown}")
    raise UserError(f"{path} has no column of lists '{key}'; it has: {shown}")


def _numeric(schema: Any, id_column: str | None) -> list[str]:
    return [column.name for column in schema if _is_number(column.type) and column.name != id_column]


def _is_number(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_floating(kind) or kinds.is_integer(kind))


def _id_column(schema: Any) -> str | None:
    import pyarrow.types as kinds

    known = [name for name in schema.names if name.strip().lower() in ID_NAMES]
    strings = [c.name for c in schema if kinds.is_string(c.type) or kinds.is_large_string(c.type)]
    if known:
        return str(known[0])
    return str(strings[0]) if len(strings) == 1 else None


def _numbers(path: Path, name: str, column: Any) -> Values:
    """Return a column as numbers [n], or [n, d] where it has lists."""
    nested = not _is_number(column.type)
    flat = column.flatten() if nested else column
    if column.null_count or flat.null_count:
        raise UserError(f"{path} has an empty cell in '{name}'; remove that row, or give it numbers")
    values = np.asarray(flat)
    if not nested:
        return values
    # Lists of a fixed size have no offsets.
    if hasattr(column, "offsets") and len(set(np.diff(np.asarray(column.offsets)).tolist())) > 1:
        raise _ragged(path, name)
    return values.reshape(len(column), len(values) // len(column))


def _ragged(path: Path, name: str) -> UserError:
    return UserError(f"{path} has lists of several lengths in '{name}'; give every row the same number")
