"""Read a log from a Parquet table, gzipped or not, in batches of rows.

Parquet needs the optional package pyarrow; `open_parquet` serves matrices too (`degen.embeddings.formats`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.columns import find_columns
from degen.data.reading.ids import IdCoder
from degen.data.reading.open_log import is_gzip, open_bytes
from degen.data.reading.times import TimeColumn, UnreadableTime
from degen.errors import UserError

_BATCH = 100_000
"""Rows that are in memory at once."""


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file as `pyarrow.parquet.ParquetFile`.

    Raise a `UserError`, here or in the block, if pyarrow is missing or the file is damaged.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UserError(f"{path} is Parquet, which needs pyarrow: pip install 'degen[parquet]'") from error
    source: Any = path
    try:
        if is_gzip(path):
            with open_bytes(path) as packed:
                source = pyarrow.BufferReader(packed.read())
        with pyarrow.parquet.ParquetFile(source) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read as Parquet ({reason}); write or copy it again") from error


def read_parquet_log(path: Path, choice: dict[str, str] | None) -> Interactions:
    """Read a log from a Parquet file, with the user's choice of columns or, at None, by their usual names.

    Raise a `UserError` if pyarrow is missing, the file is damaged, or a row has no user, item or time.
    """
    with open_parquet(path) as file:
        names = file.schema_arrow.names
        columns = find_columns(names, choice, str(path))
        picked = columns.pick(names)
        users, items, times = IdCoder(), IdCoder(), TimeColumn()
        row = 0
        for batch in file.iter_batches(batch_size=_BATCH, columns=picked):
            users.add(_ids(batch.column(picked[0]), picked[0], path, row))
            items.add(_ids(batch.column(picked[1]), picked[1], path, row))
            if columns.time is not None:
                _add_times(times, batch.column(picked[2]), picked[2], path, row)
            row += len(batch)
    notes = (f"its columns are {', '.join(picked)}", *times.notes)
    values = times.times() if columns.time is not None else None
    return Interactions(*users.finish(), *items.finish(), values, notes)


def _ids(column: Any, name: str, path: Path, row: int) -> list[str]:
    """Return a column of a batch as strings; `row` is the number of rows before the batch."""
    values = ["" if value is None else str(value) for value in column.to_pylist()]
    if "" in values:
        raise UserError(f"{path} row {row + values.index('') + 1} has no '{name}'; remove that row")
    return values


def _add_times(times: TimeColumn, column: Any, name: str, path: Path, row: int) -> None:
    import pyarrow
    import pyarrow.types as kinds

    if column.null_count:
        missing = np.flatnonzero(np.asarray(column.is_null()))[0]
        raise UserError(f"{path} row {row + missing + 1} has no '{name}'; remove that row")
    if kinds.is_integer(column.type):
        times.add_integers(np.asarray(column).astype(np.int64))
    elif kinds.is_temporal(column.type):
        microseconds = column.cast(pyarrow.timestamp("us"), safe=False)
        times.add_integers(np.asarray(microseconds).astype(np.int64))
    else:
        try:
            times.add([str(value) for value in column.to_pylist()])
        except UnreadableTime as error:
            raise error.at(f"{path} row {row + error.index + 1}", name) from error
