"""One visit of all rows of a matrix, a block in float64 at a time.

    sums, columns = sweep(values, visit, join)

`visit(block, start)` returns the sums of a block, and its columns, which hold numbers per row. `join` puts
the sums of parts together, in any grouping, so that different processes may visit parts of a matrix. A large
read is visited in smaller blocks that fit the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import Array, double, is_tensor

Column = npt.NDArray[Any]
Visit = Callable[..., tuple[Any, tuple[Column, ...]]]
Join = Callable[[Sequence[Any]], Any]

READ = 8192
"""Number of rows that are read at once."""

_VISITED = 1 << 16
"""Number of entries in a block on a CPU: half a megabyte, less than any second-level cache."""

_KEPT = 1 << 18
"""Number of entries that the sums of parts may have before they are joined."""


def sweep(
    values: Array, visit: Visit, join: Join, given: Sequence[Column] = (), start: int = 0
) -> tuple[Any, list[Column]]:
    """Visit all rows in order; return the joined sums, and the columns, [n, …] each.

    `values` [n, d] is a matrix, or its part from row `start` on, as anything that gives rows by slices.
    `visit` also gets its part of the columns `given`, [n] each.
    """
    n, d = values.shape
    most = max(2, _KEPT // (d * d))
    parts: list[Any] = []
    columns: list[Column] = []
    for rows, block in _blocks(values):
        part, added = visit(block, start + rows.start, *(column[rows] for column in given))
        if not columns:
            columns = [np.empty((n, *column.shape[1:]), dtype=column.dtype) for column in added]
        for column, numbers in zip(columns, added, strict=True):
            column[rows] = numbers
        parts.append(part)
        if len(parts) == most:
            parts = [join(parts)]
    return join(parts), columns


def _blocks(values: Array) -> Iterator[tuple[slice, Array]]:
    n, d = values.shape
    for first in range(0, n, READ):
        rows = values[first : min(first + READ, n)]
        rows = rows if is_tensor(rows) else np.asarray(rows)
        size = READ if is_tensor(rows) else min(READ, max(512, _VISITED // d))
        for inner in range(0, len(rows), size):
            block = double(rows[inner : inner + size])
            yield slice(first + inner, first + inner + len(block)), block
