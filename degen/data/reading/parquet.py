"""Read a log from a Parquet table, packed or not, in batches of rows.

Parquet needs the optional package pyarrow; `open_parquet` serves matrices too (`degen.embeddings.formats`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.actions import Actions
from degen.data.reading.columns import Columns, find_columns, is_hour
from degen.data.reading.ids import missing_ids
from degen.data.reading.open_log import is_packed, open_bytes
from degen.data.reading.shapes.doubts import doubts
from degen.data.reading.shapes.roles import settle_roles
from degen.data.reading.times import UnreadableTime
from degen.data.reading.told import Told
from degen.errors import UserError
from degen.files.memory import check_fits

_BATCH = 100_000
"""Rows that are in memory at once."""

_STEP = 1 << 24
"""Bytes of a packed file that are read at once."""

_PER_ACTION = 16
"""Bytes of memory that an action takes."""

_LOOKED_AT = 2_000
"""Rows by which columns with usual names are checked."""


@contextmanager
def open_parquet(path: Path, dictionaries: Sequence[str] = ()) -> Iterator[Any]:
    """Open a Parquet file as `pyarrow.parquet.ParquetFile`.

    Columns of text named in `dictionaries` come as distinct values and their numbers, if they are stored so.
    Raise a `UserError`, here or in the block, if pyarrow is missing or the file is damaged.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UserError(f"{path} is Parquet, which needs pyarrow: pip install 'degen[parquet]'") from error
    source: Any = path
    try:
        if is_packed(path):
            source = pyarrow.BufferReader(_unpacked(path))
        with pyarrow.parquet.ParquetFile(source, read_dictionary=list(dictionaries)) as file:
            yield file
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError, KeyError) as error:
        # Damaged pages raise any of these, and text that is not UTF-8 a `UnicodeDecodeError`, which is a
        # `ValueError`.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"{path} cannot be read as Parquet ({reason}); write or copy it again") from error


def _unpacked(path: Path) -> bytes:
    """Return the content of a packed file, as long as it fits into memory."""
    parts: list[bytes] = []
    with open_bytes(path) as packed:
        while part := packed.read(_STEP):
            parts.append(part)
            if len(parts) % 16 == 0:
                # Joining takes as much again.
                check_fits(_STEP * (len(parts) + 16), f"{path} unpacked", "unpack it to a file")
    return b"".join(parts)


def read_parquet_log(path: Path, told: Told) -> Interactions:
    """Read a log from a Parquet file, with the user's choice of columns or, at None, by their usual names.

    Raise a `UserError` if pyarrow is missing, the file is damaged, or a row has no item or time.
    """
    with open_parquet(path) as file:
        names = file.schema_arrow.names
        columns = find_columns(names, told.columns, str(path))
    # A value that occurs in all rows is stored once, and may be a million times as large as its column.
    with open_parquet(path, [names[columns.user], names[columns.item]]) as file:
        picked = columns.pick(names)
        notes: tuple[str, ...] = ()
        if told.columns is None:
            picked, notes = _settled(file, columns, str(path), dated=told.time_format is not None)
        _check_size(path, file, picked)
        hours = len(picked) > 3 and is_hour(picked[3])
        actions = Actions(path, timed=len(picked) > 2, pattern=told.time_format, hours=hours)
        row = 0
        for batch in _batches(file, _BATCH, picked):
            _add(actions, [batch.column(name) for name in picked], picked, path, row)
            row += len(batch)
    return actions.finish([f"its columns are {', '.join(picked)}", *notes])


def _check_size(path: Path, file: Any, picked: list[str]) -> None:
    """Refuse a log that would not fit into memory, by the sizes that its file declares."""
    rows = file.metadata.num_rows
    check_fits(_PER_ACTION * rows, f"{path}, which declares {rows:,} rows,", "give fewer of them")
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        columns = map(group.column, range(group.num_columns))
        declared = sum(c.total_uncompressed_size for c in columns if c.path_in_schema in picked)
        check_fits(declared, f"row group {number} of {path}", "write it with smaller row groups")


def _batches(file: Any, size: int, names: list[str]) -> Iterator[Any]:
    """Yield batches of rows, whose numbers of distinct values a damaged file may have out of range."""
    for batch in file.iter_batches(batch_size=size, columns=names):
        batch.validate(full=True)
        yield batch


def _settled(file: Any, columns: Columns, where: str, *, dated: bool) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of the columns of user, item, and perhaps time and time of day, and notes.

    Times are `dated` if the user gave the pattern of their dates.
    """
    import pyarrow.types as kinds

    names = file.schema_arrow.names

    @cache
    def values(at: int) -> list[str]:
        first = next(_batches(file, _LOOKED_AT, [names[at]]), None)
        return [] if first is None else _texts(first.column(0))

    def small(at: int) -> list[str]:
        # Other columns are read only if their values are of a known size.
        kind = file.schema_arrow.field(at).type
        return values(at) if at in chosen or kinds.is_primitive(kind) else []

    settled = settle_roles(names, columns, values, where, dated=dated)
    chosen = (settled.user, settled.item, settled.time)
    return settled.pick(names), () if dated else doubts(names, settled, small)


def _add(actions: Actions, columns: list[Any], names: list[str], path: Path, row: int) -> None:
    """Take the columns of a batch, which are called `names`; `row` is the number of rows before it."""
    users = _texts(columns[0])
    rows = np.arange(row + 1, row + 1 + len(users))
    missing = missing_ids(users)
    if missing is not None:
        actions.leave_out(int(missing.sum()), f"row {rows[missing][0]}")
        kept = np.flatnonzero(~missing)
        users, rows = [users[at] for at in kept.tolist()], rows[kept]
        columns = [column.take(_indices(kept)) for column in columns]
    for column, name in zip(columns[1:], names[1:], strict=True):
        empty = np.asarray(column.is_null(), dtype=bool)
        if empty.any():
            raise UserError(f"{path} row {rows[empty][0]} has no '{name}'; remove that row")
    items = _texts(columns[1])
    if "" in items:
        raise UserError(f"{path} row {rows[items.index('')]} has no '{names[1]}'; remove that row")
    actions.add(users, items)
    if len(columns) > 2:
        try:
            _add_times(actions, columns[2], None if len(columns) == 3 else _texts(columns[3]))
        except UnreadableTime as error:
            raise error.at(f"{path} row {rows[error.index]}", names[2]) from error


def _indices(places: Any) -> Any:
    import pyarrow

    return pyarrow.array(places)


def _texts(column: Any) -> list[str]:
    """Return a column of a batch as strings, empty where a value is missing."""
    if not hasattr(column, "dictionary"):
        return [_text(value) for value in column.to_pylist()]
    distinct = [_text(value) for value in column.dictionary.to_pylist()]
    return ["" if number is None else distinct[number] for number in column.indices.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bytes):  # text that its writer, such as Spark, did not mark as text
        return value.decode()
    return "" if value is None else str(value)


def _add_times(actions: Actions, column: Any, clocks: list[str] | None) -> None:
    import pyarrow
    import pyarrow.types as kinds

    if clocks is not None or actions.wants_texts:
        actions.add_times(_texts(column), clocks)
    elif kinds.is_integer(column.type):
        actions.add_times(np.asarray(column).astype(np.int64))
    elif kinds.is_temporal(column.type):
        microseconds = column.cast(pyarrow.timestamp("us"), safe=False)
        actions.add_times(np.asarray(microseconds).astype(np.int64))
    else:
        actions.add_times(_texts(column))
