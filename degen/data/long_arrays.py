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

_STEP = 1 << 24
"""Maximum number of entries by which a column grows ahead of need."""

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

    Its memory is lengthened rather than copied, where the system can, so a column takes little more than its
    own size. A list of chunks that are joined at the end takes twice that.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._held = np.empty(0, dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, values: npt.NDArray[Any]) -> None:
        """Append values."""
        end = self._length + len(values)
        if end > len(self._held):
            # `refcheck=False` is safe: no view of the array is handed out before `finish`.
            self._held.resize(end + min(end // 4, _STEP), refcheck=False)
        self._held[self._length : end] = values
        self._length = end

    def finish(self) -> npt.NDArray[Any]:
        """Return the array. The column is empty afterwards."""
        self._held.resize(self._length, refcheck=False)
        values, self._held, self._length = self._held, np.empty(0, dtype=self._held.dtype), 0
        return values
