"""A table of Arrow's columns, read in batches of rows: from Parquet, or from Arrow's own files.

The matrix is allocated once, from the numbers of rows and columns that the file declares, and filled batch by
batch. So a small file of many equal numbers takes no more memory than the matrix that it stands for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.file_rows import Values, float_type
from degen.embeddings.formats.tabular.cells import HEAD, Cells, Column, Kind
from degen.errors import UserError
from degen.files.memory import check_fits
from degen.files.parse import Unreadable, parse_json

BATCH = 65_536
"""Maximum number of rows that are read at once."""

BATCH_NUMBERS = 1 << 20
"""Maximum number of numbers that are read at once: 8 MiB of float64."""


@dataclass(frozen=True)
class ArrowTable:
    """A table with Arrow's `schema` and `n` rows.

    `batches` takes names of columns and a number of rows, and yields record batches of at most so many rows.
    """

    path: Path
    schema: Any
    n: int
    batches: Callable[[list[str], int], Iterator[Any]]

    @cached_property
    def columns(self) -> list[Column]:
        """The columns; raise a `UserError` where two have one name."""
        names = self.schema.names
        [(repeated, count)] = Counter(names).most_common(1) or [("", 0)]
        if count > 1:
            raise UserError(f"{self.path} has {count} columns '{repeated}'; give each a name of its own")
        index = _index_columns(self.schema)
        return [Column(column.name, _kind(column.type), column.name in index) for column in self.schema]

    def head(self, columns: Sequence[int]) -> list[Cells]:
        """Return the first rows of some columns."""
        names = [self.schema.names[at] for at in columns]
        batch = next(self.batches(names, HEAD), None)
        if batch is None:
            return [np.empty(0) for _ in names]
        return [_with_nan(batch.column(name)) for name in names]

    def cells(self, column: int) -> Cells:
        """Return a column of numbers, with NaN for empty cells, or of text."""
        name = self.schema.names[column]
        parts = [batch.column(name) for batch in self.batches([name], BATCH)]
        if self.columns[column].kind is Kind.TEXT:
            return [word for part in parts for word in self._words(name, part)]
        return np.concatenate([_with_nan(part) for part in parts]) if parts else np.empty(0)

    def matrix(self, columns: Sequence[int], ids: int | None) -> tuple[Values, Cells | None]:
        """Return columns of numbers, or one of lists, as a matrix [n, d]; and the cells of another."""
        names = [self.schema.names[at] for at in columns]
        lists = self.columns[columns[0]].kind is Kind.LISTS
        d = self._length_of_lists(names[0]) if lists else len(names)
        kinds = [self.schema.field(name).type for name in names]
        dtype = np.result_type(*(np.dtype(_value_type(kind).to_pandas_dtype()) for kind in kinds))
        if dtype.kind not in "fiu":
            raise UserError(f"{self.path} holds {dtype} in '{names[0]}'; save real numbers, such as float32")
        dtype = float_type(dtype.str)
        mend = "write it as .npy, of which a large one stays in its file"
        check_fits(self.n * d * dtype.itemsize, f"{self.path} in memory", mend)
        values, row = np.empty((self.n, d), dtype=dtype), 0
        for batch in self.batches(names, max(1, min(BATCH, BATCH_NUMBERS // max(d, 1)))):
            parts = [self._numbers(name, batch.column(name)) for name in names]
            # Columns are put side by side before they are turned: writing one at a time into the rows would
            # touch every row once for each column.
            part = parts[0] if lists else np.array(parts, dtype=dtype).T
            if part.shape[1] != d:
                raise self._ragged(names[0])
            if row + len(part) > self.n:
                break
            values[row : row + len(part)] = part
            row += len(part)
        else:
            if row == self.n:
                return values, None if ids is None else self.cells(ids)
        raise UserError(f"{self.path} promises {self.n} rows and has others; write or copy it again")

    def _length_of_lists(self, name: str) -> int:
        first = next(self.batches([name], 1), None)
        return 0 if first is None else int(self._numbers(name, first.column(name)).shape[1])

    def _numbers(self, name: str, column: Any) -> Values:
        """Return a column as numbers [n], or [n, d] where it has lists."""
        nested = _kind(column.type) is Kind.LISTS
        flat = column.flatten() if nested else column
        if column.null_count or flat.null_count:
            raise UserError(f"{self.path} has an empty cell in '{name}'; remove that row, or give it numbers")
        values = np.asarray(flat)
        if not nested:
            return values
        # Lists of a fixed size have no offsets.
        if hasattr(column, "offsets") and len(set(np.diff(np.asarray(column.offsets)).tolist())) > 1:
            raise self._ragged(name)
        return values.reshape(len(column), len(values) // max(len(column), 1))

    def _words(self, name: str, column: Any) -> list[str]:
        if column.null_count:
            raise UserError(f"{self.path} has an empty cell in '{name}'; remove that row, or give it an id")
        try:
            return [str(word) for word in column.to_pylist()]
        except UnicodeDecodeError as error:
            raise UserError(
                f"{self.path} has a text in '{name}' that is not UTF-8; write it again"
            ) from error

    def _ragged(self, name: str) -> UserError:
        return UserError(
            f"{self.path} has lists of several lengths in '{name}'; give every row the same number"
        )


def _with_nan(column: Any) -> Values:
    """Return numbers [n], with NaN for empty cells."""
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _kind(of: Any) -> Kind:
    import pyarrow.types as kinds

    if kinds.is_floating(of) or kinds.is_integer(of):
        return Kind.NUMBERS
    if kinds.is_list(of) or kinds.is_large_list(of) or kinds.is_fixed_size_list(of):
        return Kind.LISTS
    if kinds.is_dictionary(of):
        return Kind.TEXT if _kind(of.value_type) is Kind.TEXT else Kind.OTHER
    return Kind.TEXT if kinds.is_string(of) or kinds.is_large_string(of) else Kind.OTHER


def _value_type(of: Any) -> Any:
    return of.value_type if _kind(of) is Kind.LISTS else of


def _index_columns(schema: Any) -> set[str]:
    """Return the names of the columns in which pandas kept its index."""
    try:
        about = parse_json((schema.metadata or {}).get(b"pandas", b"{}"))
    except Unreadable:
        return set()
    names = about.get("index_columns") if isinstance(about, dict) else None
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
