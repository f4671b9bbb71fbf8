"""A matrix that stays in its file: only the rows that are asked for are read, and nothing is mapped.

Pages of a memory map count as memory of the process once they are touched, so a pass over a large map looks
like a copy of it. Here every read is a plain one, into an array that the caller drops.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
Index = npt.NDArray[np.int64]

BFLOAT16 = "bfloat16"
"""Upper half of a float32, little-endian: NumPy has no such type."""

_SPAN = 256
"""Rows that are read at once around those of a list: 64 KiB of 64 float32."""


def storage(kind: str) -> np.dtype[Any]:
    """Return the NumPy type whose bytes are those of `kind`, a NumPy type string or `bfloat16`."""
    return np.dtype("<u2" if kind == BFLOAT16 else kind)


def float_type(kind: str) -> np.dtype[Any]:
    """Return float32 for floats of 32 bits or fewer, else float64, in the byte order of this machine."""
    small = kind == BFLOAT16 or (np.dtype(kind).kind == "f" and np.dtype(kind).itemsize <= 4)
    return np.dtype(np.float32 if small else np.float64)


def numbers_of(stored: Values, kind: str) -> Values:
    """Return what lies in a file as `kind`: as it is, but of a bfloat16 the float32 that it is half of."""
    if kind == BFLOAT16:
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return stored


@dataclass(frozen=True, eq=False)
class FileRows:
    """Rows [n, d] of numbers in a file, read anew each time; takes a slice or a rising list of row numbers.

    Attributes
    ----------
    path, offset
        the file, and the byte in it at which the matrix begins.
    stored_shape
        rows and columns in the file.
    kind
        how its numbers are stored: a NumPy type string, or `bfloat16`.
    by_columns
        whether the file has column after column (Fortran's order).
    left_out
        int64, rising: rows of the file that are none of the matrix.
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
        """What is returned: float32 or float64."""
        return float_type(self.kind)

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Index) -> Values:
        """Return some rows [m, d] in a new array.

        Raises
        ------
        IndexError
            for row numbers outside 0 … n - 1 or not rising.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1 and self.left_out is None:
                return self._read(start, max(start, stop))
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or (np.diff(rows.astype(np.int64)) < 0).any():
            raise IndexError("rows of a file are taken by a slice, or by a rising list of row numbers")
        if len(rows) and not 0 <= rows[0] <= rows[-1] < len(self):
            raise IndexError(f"row numbers must lie in 0 … {len(self) - 1}")
        return self._gather(self._in_file(rows.astype(np.int64)))

    def _in_file(self, rows: Index) -> Index:
        if self.left_out is None:
            return rows
        before = np.searchsorted(self.left_out - np.arange(len(self.left_out)), rows, side="right")
        return np.asarray(rows + before, dtype=np.int64)

    def _gather(self, rows: Index) -> Values:
        """Return rows of the file, those of one span with one read."""
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
                places = [self.offset + (column * n + start) * size for column in range(d)]
                raw = np.stack([self._numbers(file, place, count) for place in places], axis=1)
            else:
                raw = self._numbers(file, self.offset + start * d * size, count * d).reshape(count, d)
        return numbers_of(raw, self.kind).astype(self.dtype, copy=False)

    def _numbers(self, file: Any, place: int, count: int) -> Values:
        file.seek(place)
        numbers = np.fromfile(file, dtype=storage(self.kind), count=count)
        if len(numbers) < count:
            raise OSError(f"{self.path} has been cut short since it was opened")
        return numbers
