"""Passes over a matrix as tasks of Dask, one per chunk of rows; their sums are joined in a tree.

    rows of a Dask array, a file or an array        the same numbers as in memory
    within `connected`, or with an active Client    on the workers of a cluster
    without a client                                on threads of this process

Columns that a pass computes (norms, angles, hashes) come back to this process, 8 bytes per row each. Without
Dask installed, a `UserError` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import getitem
from typing import Any, TypeVar, cast

import numpy as np

from degen.analysis.passes.arrays import Array, checked_block
from degen.analysis.passes.rows import Int, Rows
from degen.analysis.passes.sweep import READ, Column, Join, Visit, sweep
from degen.errors import UserError

R = TypeVar("R")

_CHUNK = 1 << 23
"""Number of entries in a chunk, for a matrix that is not in chunks already."""

_FAN = 8
"""Number of sums that one task joins."""


def dask_rows(values: Any, **about: Any) -> Rows:
    """Return `Rows` of an array, a file or a Dask array [n, d], whose passes are tasks of Dask."""
    _dask()
    if hasattr(values, "dask"):
        if values.ndim == 2:
            values = values.rechunk({1: -1})
        if any(np.isnan(size) for size in values.shape):
            values = values.compute_chunk_sizes()
    return DaskRows(values, **about)


@dataclass(frozen=True, eq=False)
class DaskRows(Rows):
    """Rows of a Dask array, or of what gives rows by slices, in chunks."""

    def sweep(self, visit: Visit, join: Join, given: Sequence[Column] = ()) -> tuple[Any, list[Column]]:
        """Visit all rows, the chunks at the same time."""
        dask = _dask()
        shared = dask.delayed(visit)
        tasks = [
            dask.delayed(sweep)(chunk, shared, join, [column[place] for column in given], place.start)
            for place, chunk in self._chunks()
        ]
        sums = [task[0] for task in tasks]
        while len(sums) > 1:
            sums = [dask.delayed(join)(sums[first : first + _FAN]) for first in range(0, len(sums), _FAN)]
        whole, columns = dask.compute(sums[0], [task[1] for task in tasks])
        return whole, [np.concatenate(parts) for parts in zip(*columns, strict=True)]

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Yield the rows as `Rows.blocks` does, a chunk at a time."""
        for place, chunk in self._chunks():
            rows = chunk.compute()
            for first in range(0, len(rows), READ):
                block = checked_block(rows[first : first + READ], place.start + first, self.name)
                yield slice(place.start + first, place.start + first + len(block)), block

    def take(self, rows: Int) -> Rows:
        """Return some of the rows, ascending, in memory."""
        frequency = None if self.frequency is None else self.frequency[rows]
        values = np.asarray(self.values[rows])
        return Rows(values, frequency, self.representations, self.exact_rows, self.seed, self.name)

    def _chunks(self) -> list[tuple[slice, Any]]:
        """Return which rows each chunk has, and the task that gives them."""
        dask = _dask()
        if hasattr(self.values, "dask"):
            ends = np.cumsum(self.values.chunks[0]).tolist()
            places = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
            return list(zip(places, self.values.to_delayed().ravel(), strict=True))
        n, d = self.values.shape
        size = max(READ, _CHUNK // d)
        places = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        if isinstance(self.values, np.ndarray):
            return [(place, dask.delayed(self.values[place])) for place in places]
        return [(place, dask.delayed(getitem)(self.values, place)) for place in places]


def each(function: Callable[..., R], places: Iterable[Any], *arguments: Any) -> list[R]:
    """Return `function(place, *arguments)` of every place, a task each."""
    dask = _dask()
    return list(dask.compute(*(dask.delayed(function)(place, *arguments) for place in places)))


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Let the workers of the scheduler at `address` do the tasks within the block; with None nothing changes.

    Raises
    ------
    UserError
        where it does not answer, or Dask's `distributed` is not installed.
    """
    if address is None:
        yield
        return
    _dask()
    try:
        from distributed import Client
    except ImportError:
        raise UserError("`scheduler` needs distributed: pip install 'degen[dask]'") from None
    try:
        # A default client that fails to connect would stay the scheduler of all that Dask computes later.
        client: Any = cast("Any", Client)(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"`scheduler={address!r}`: {error}; start one with `dask scheduler`, or leave it out"
        ) from error
    with client, client.as_current():
        yield


def _dask() -> Any:
    try:
        import dask
    except ImportError:
        raise UserError(
            "`engine='dask'` needs Dask, which is not installed: pip install 'degen[dask]'"
        ) from None
    return dask
