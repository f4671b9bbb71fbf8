"""Long columns without long copies: looked up, counted and thinned out a block at a time, grown in place.

NumPy turns a whole int32 array into int64 before it indexes or counts with it: 8 bytes an action more, at
every step. A block of it costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

BLOCK = 1 << 20
"""Entries that are worked on at once."""

_STEP = 1 << 24
"""Most entries that a column holds in store."""

Kind = TypeVar("Kind", bound=np.generic)
Codes = npt.NDArray[np.integer[Any]]


def blocks(n: int, size: int | None = None) -> Iterator[slice]:
    """Yield the slices of 0 … n - 1 in order, each of `size` or `BLOCK` entries; the last may be shorter."""
    size = size or BLOCK
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def lookup(table: npt.NDArray[Kind], codes: Codes) -> npt.NDArray[Kind]:
    """`table[codes]` for one-dimensional arrays."""
    found = np.empty(len(codes), dtype=table.dtype)
    for part in blocks(len(codes)):
        found[part] = table[codes[part]]
    return found


def count(codes: Codes, n_codes: int) -> npt.NDArray[np.int64]:
    """int64 `[n_codes]`: how often each of 0 … n_codes - 1 occurs."""
    counts = np.zeros(n_codes, dtype=np.int64)
    for part in blocks(len(codes)):
        some = np.bincount(codes[part])
        counts[: len(some)] += some
    return counts


def keep(column: npt.NDArray[Kind], kept: npt.NDArray[np.bool_]) -> npt.NDArray[Kind]:
    """`column[kept]`, moved to the front of `column` itself: a view of it, and the rest is used up."""
    end = 0
    for part in blocks(len(column)):
        some = column[part][kept[part]]
        column[end : end + len(some)] = some
        end += len(some)
    return column[:end]


class Column:
    """An array that grows at its end.

    Its memory is lengthened, not copied (where the system can), so that a column takes no more than itself;
    a list of chunks, joined in the end, takes twice that.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._held = np.empty(0, dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, values: npt.NDArray[Any]) -> None:
        """Put values after those that are there."""
        end = self._length + len(values)
        if end > len(self._held):
            # No view of it is ever handed out before `finish`, so none can be left behind.
            self._held.resize(end + min(end // 4, _STEP), refcheck=False)
        self._held[self._length : end] = values
        self._length = end

    def finish(self) -> npt.NDArray[Any]:
        """Return the array; the column is empty afterwards."""
        self._held.resize(self._length, refcheck=False)
        whole, self._held, self._length = self._held, np.empty(0, dtype=self._held.dtype), 0
        return whole
