"""A matrix that stays in its file, of which only the rows that are asked for are read.

It is not a memory map. Pages of a map count as memory of the process once they are touched, so that a pass
over a large map looks like a copy of it. Here every read goes into an array that the caller drops.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.embeddings.formats.small_floats import SMALL_FLOATS, small_storage, small_values

Values = npt.NDArray[Any]
Index = npt.NDArray[np.int64]

_SPAN = 256
"""Rows of a list that lie within so many rows are read at once: 64 KiB for 64 columns of float32."""


def storage(kind: str) -> np.dtype[Any]:
    """Return a NumPy type with the bytes of `kind`, a NumPy type string or one of `SMALL_FLOATS`."""
    return small_storage(kind) if kind in SMALL_FLOATS else np.dtype(kind)


def float_type(kind: str) -> np.dtype[Any]:
    """Return float32 for floats of 32 bits or fewer, else float64, in the byte order of this machine."""
    small = kind in SMALL_FLOATS or (np.dtype(kind).kind == "f" and np.dtype(kind).itemsize <= 4)
    return np.dtype(np.float32 if small else np.float64)


def numbers_of(stored: Values, kind: str) -> Values:
    """Return numbers stored as `kind`: small floats as the float32 that they equal, others unchanged."""
    return small_values(stored, kind) if kind in SMALL_FLOATS else stored


@dataclass(frozen=True, eq=False)
class FileRows:
    """Rows [n, d] of numbers in a file, read anew for each slice or increasing list of row numbers.

    Attributes
    ----------
    path, offset
        the file, and the byte at which the matrix begins in it.
    stored_shape
        rows and columns in the file.
    kind
        the type of the numbers in the file: a NumPy type string, or one of `SMALL_FLOATS`.
    by_columns
        whether the file holds column after column (Fortran order).
    left_out
        int64, increasing: the rows of the file that are not part of the matrix.
    """

    path: Path
    offset: int
    stored_shape: tuple[int, int]
    kind: str
    by_columns: bool = False
    left_out: Index | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        n, d = self.stored_shape
        return n - (0 if self.left_out is None else len(self.left_out)), d

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the rows that are returned: float32 or float64."""
        return float_type(self.kind)

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Index) -> Values:
        """Return some rows [m, d] in a new array.

        Raise an `IndexError` for row numbers that are outside 0 … n - 1 or not increasing.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1 and self.left_out is None:
                return self._read(start, max(start, stop))
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or (np.diff(rows.astype(np.int64)) < 0).any():
            raise IndexError("rows of a file are taken by a slice, or by an increasing list of row numbers")
        if len(rows) and not 0 <= rows[0] <= rows[-1] < len(self):
            raise IndexError(f"row numbers must lie in 0 … {len(self) - 1}")
        rows = rows.astype(np.int64)
        if self.left_out is not None:
            # The row left out as number i in order has left_out[i] - i rows of the matrix before it.
            rows += np.searchsorted(self.left_out - np.arange(len(self.left_out)), rows, side="right")
        # The rows of one span are read at once.
        found = np.empty((len(rows), self.stored_shape[1]), dtype=self.dtype)
        for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows // _SPAN)) + 1):
            if len(part):
                first, last = int(rows[part[0]]), int(rows[part[-1]])
                found[part] = self._read(first, last + 1)[rows[part] - first]
        return found

    def _read(self, start: int, stop: int) -> Values:
        (n, d), size = self.stored_shape, storage(self.kind).itemsize
        count = stop - start
        with self.path.open("rb") as file:
            if self.by_columns:
                offsets = [self.offset + (column * n + start) * size for column in range(d)]
                raw = np.stack([self._numbers(file, offset, count) for offset in offsets], axis=1)
            else:
                raw = self._numbers(file, self.offset + start * d * size, count * d).reshape(count, d)
        return numbers_of(raw, self.kind).astype(self.dtype, copy=False)

    def _numbers(self, file: Any, offset: int, count: int) -> Values:
        file.seek(offset)
        numbers = np.fromfile(file, dtype=storage(self.kind), count=count)
        if len(numbers) < count:
            raise OSError(f"{self.path} has been cut short since it was opened")
        return numbers
