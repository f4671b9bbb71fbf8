"""Look up, count, filter and grow long arrays without long copies.

NumPy converts a whole int32 array to int64 before it indexes or counts with it, which costs another 8 bytes
per action at every step. Here that is done for a block of the array at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

BLOCK = 1 << 20
"""Number of entries of a block."""

_PIECE = 1 << 26
"""Maximum number of bytes of a piece of a column: 64 MiB. From 32 MiB on, glibc gives memory back at once."""

_LEAST = 1 << 10
"""Minimum number of entries of a piece."""

Kind = TypeVar("Kind", bound=np.generic)
Codes = npt.NDArray[np.integer[Any]]


def blocks(n: int, size: int | None = None) -> Iterator[slice]:
    """Yield slices of 0 … n - 1 in order, each of `size` (or `BLOCK`) entries; the last may be shorter."""
    size = size or BLOCK
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def lookup(table: npt.NDArray[Kind], codes: Codes) -> npt.NDArray[Kind]:
    """Return `table[codes]` for one-dimensional arrays."""
    found = np.empty(len(codes), dtype=table.dtype)
    for part in blocks(len(codes)):
        found[part] = table[codes[part]]
    return found


def count(codes: Codes, n_codes: int) -> npt.NDArray[np.int64]:
    """Return the number of times that each of 0 … n_codes - 1 occurs, int64 `[n_codes]`."""
    counts = np.zeros(n_codes, dtype=np.int64)
    for part in blocks(len(codes)):
        some = np.bincount(codes[part])
        counts[: len(some)] += some
    return counts


def keep(column: npt.NDArray[Kind], kept: npt.NDArray[np.bool_]) -> npt.NDArray[Kind]:
    """Return `column[kept]` as a view of `column`, whose kept entries are moved to its front in place."""
    end = 0
    for part in blocks(len(column)):
        some = column[part][kept[part]]
        column[end : end + len(some)] = some
        end += len(some)
    return column[:end]


class Column:
    """A one-dimensional array that grows at its end.

    It is held in pieces, which are joined at the end, each given back to the system as soon as it is copied.
    The joined array takes memory only where it has been written, so that both together take little more than
    the array. Lengthening one array instead would hold it twice wherever the allocator copies it.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._pieces: list[npt.NDArray[Any]] = []
        self._free = 0  # entries of the last piece that are not in use
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, values: npt.NDArray[Any]) -> None:
        """Append values."""
        while len(values):
            if not self._free:
                self._free = max(min(self._length // 4, _PIECE // self._dtype.itemsize), _LEAST)
                self._pieces.append(np.empty(self._free, dtype=self._dtype))
            piece, some = self._pieces[-1], values[: self._free]
            start = len(piece) - self._free
            piece[start : start + len(some)] = some
            self._free -= len(some)
            self._length += len(some)
            values = values[len(some) :]

    def finish(self) -> npt.NDArray[Any]:
        """Return the array. The column is empty afterwards."""
        values, end = np.empty(self._length, dtype=self._dtype), self._length
        if self._pieces:
            self._pieces[-1] = self._pieces[-1][: len(self._pieces[-1]) - self._free]
        while self._pieces:
            piece = self._pieces.pop()
            values[end - len(piece) : end] = piece
            end -= len(piece)
        self._free, self._length = 0, 0
        return values
