"""A Parquet table, with the optional package pyarrow; read in batches, gzipped or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.columns import chosen_columns, named_columns, unnamed
from degen.data.reading.ids import IdCoder
from degen.data.reading.open_log import is_gzip, open_bytes
from degen.data.reading.times import TimeColumn, UnreadableTime
from degen.errors import UserError

_BATCH = 100_000


def read_parquet(path: Path, choice: dict[str, str] | None) -> Interactions:
    """Read a Parquet file.

    Raises
    ------
    UserError
        if pyarrow is missing, the file is damaged, or a row has no user, item or time.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise UserError(f"{path} is Parquet, which needs pyarrow: pip install 'degen[parquet]'") from error
    try:
        return _read(path, choice)
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read as Parquet ({reason}); write or copy it again") from error


def _read(path: Path, choice: dict[str, str] | None) -> Interactions:
    import pyarrow.parquet as pq

    with pq.ParquetFile(_source(path)) as file:
        names = file.schema_arrow.names
        columns = named_columns(names) if choice is None else chosen_columns(choice, names, str(path))
        if columns is None:
            raise unnamed(str(path), names)
        picked = [names[place] for place in (columns.user, columns.item, columns.time) if place is not None]
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
    user_codes, user_ids = users.finish()
    item_codes, item_ids = items.finish()
    return Interactions(user_codes, item_codes, values, user_ids, item_ids, notes)


def _source(path: Path) -> Any:
    if not is_gzip(path):
        return path
    import pyarrow

    with open_bytes(path) as file:
        return pyarrow.BufferReader(file.read())


def _ids(column: Any, name: str, path: Path, row: int) -> list[str]:
    values = ["" if value is None else str(value) for value in column.to_pylist()]
    if "" in values:
        raise UserError(f"{path} row {row + values.index('') + 1} has no '{name}'; remove that row")
    return values


def _add_times(times: TimeColumn, column: Any, name: str, path: Path, row: int) -> None:
    import pyarrow.types as kinds

    if column.null_count:
        missing = np.flatnonzero(np.asarray(column.is_null()))[0]
        raise UserError(f"{path} row {row + missing + 1} has no '{name}'; remove that row")
    if kinds.is_integer(column.type):
        times.add_integers(np.asarray(column).astype(np.int64))
    elif kinds.is_temporal(column.type):
        times.add_integers(_microseconds(column))
    else:
        _add_texts(times, column, name, path, row)


def _microseconds(column: Any) -> Any:
    import pyarrow

    return np.asarray(column.cast(pyarrow.timestamp("us"), safe=False)).astype(np.int64)


def _add_texts(times: TimeColumn, column: Any, name: str, path: Path, row: int) -> None:
    try:
        times.add([str(value) for value in column.to_pylist()])
    except UnreadableTime as error:
        raise UserError(
            f"{path} row {row + error.index + 1} has the time '{error.value}' in '{name}'; "
            "times are numbers or dates like 2018-01-31 09:30:00"
        ) from error
