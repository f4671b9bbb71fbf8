"""Going over all rows of a matrix once, some of them in float64 at a time.

    sums, columns = sweep(values, visit, join)

`visit(block, start)` returns what a block adds to the sums, and its columns: numbers for each row. `join`
puts the sums of parts together, in any grouping, so that parts of a matrix may be visited by different
processes. One read serves several visits: what is visited fits the processor's cache.
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
"""Rows that are read at once."""

_VISITED = 1 << 16
"""Numbers that are visited at once on a CPU: half a megabyte, below the second cache of any processor."""

_KEPT = 1 << 18
"""Numbers that the sums of parts may have before they are joined."""


def sweep(
    values: Array, visit: Visit, join: Join, given: Sequence[Column] = (), start: int = 0
) -> tuple[Any, list[Column]]:
    """Visit all rows in order; return the joined sums, and the columns, [n, …] each.

    Parameters
    ----------
    values
        [n, d]: a matrix, or a part of one; array, tensor, or what gives rows by slices.
    visit
        called with rows in float64, the number of the first of them, and their part of `given`.
    join
        of a list of sums.
    given
        columns that are known already, [n] each.
    start
        number of the first row, for a part of a matrix.
    """
    n, d = values.shape
    most = max(2, _KEPT // (d * d))
    parts: list[Any] = []
    columns: list[Column] = []
    for place, block in _blocks(values):
        part, own = visit(block, start + place.start, *(column[place] for column in given))
        if not columns:
            columns = [np.empty((n, *column.shape[1:]), dtype=column.dtype) for column in own]
        for column, numbers in zip(columns, own, strict=True):
            column[place] = numbers
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
