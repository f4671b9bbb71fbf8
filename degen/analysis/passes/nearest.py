"""The nearest rows of a matrix, exactly, in the memory of a block.

A product of queries with a block of rows finds, with room for its rounding, the few rows that can be among
the nearest so far. How near those are is then decided by a sum over each pair of its own, which is the same
for the same two rows wherever they stand and whatever multiplied them, so that equal rows are equally near:
of them the lower index comes first.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from degen.analysis.passes.arrays import Array, Float, as_kind, namespace, to_numpy, unit_rows
from degen.analysis.passes.rows import Int, Rows

Metric = Literal["cosine", "euclidean", "dot"]

_TILE = 128
"""Queries at once: their products with a block stay in a processor's cache."""

_GROUPS = 256
"""Groups of columns of which the largest product is taken."""

_DECIDED = 2**16
"""Pairs whose nearness is summed at once."""


def nearest_rows(
    queries: Array, own: Int | None, V: Rows, rows: Int, length: int, metric: Metric
) -> tuple[Int, Float]:
    """Return the nearest rows to each query, nearest first, int64 [b, length], and how near, float64.

    Parameters
    ----------
    queries
        float64 [b, d].
    own
        int64 [b]: which row of `V` each query is, so that it does not find itself; None where none is one.
    V, rows
        the matrix, and which of its rows can be found, int64 [m], ascending: enough for lists of `length`.
    length
        of the lists.
    metric
        `dot`: nearness is ⟨q̂, v⟩. `cosine`: minus half the squared distance of rows at length 1.
        `euclidean`: the same of rows as they are. Rows are divided by 2^e, e the exponent of `Moments`.
    """
    exponent = V.moments.exponent
    asking = _lifted(queries, metric, exponent, asks=True)
    nearest = np.zeros((len(asking), length), dtype=np.int64)
    nearness = np.full((len(asking), length), -np.inf)
    for ids, block in V.picked(rows):
        found = _lifted(block, metric, exponent, asks=False)
        first = _first_copies(to_numpy(found), length + 1)
        ids, found = ids[first], found[first]
        for start in range(0, len(asking), _TILE):
            tile = slice(start, start + _TILE)
            selves = None if own is None else _selves(ids, own[tile])
            near = _near(asking[tile], found, selves, nearness[tile], metric)
            nearest[tile], nearness[tile] = _merged(nearest[tile], nearness[tile], ids, *near)
    return nearest, nearness


def _lifted(block: Array, metric: Metric, exponent: int, *, asks: bool) -> Array:
    """Return rows whose products are their nearness: ⟨q, v⟩, or -‖q - v‖²/2 = ⟨q, v⟩ - ‖v‖²/2 - ‖q‖²/2.

    The length of a query changes no order by products: it is 1, which cannot overflow.
    """
    if metric == "cosine" or (metric == "dot" and asks):
        block = unit_rows(block)[0]
    elif exponent:
        block = block * 2.0**-exponent
    if metric == "dot":
        return block
    xp = namespace(block)
    half, one = -(block * block).sum(axis=1)[:, None] / 2, xp.ones_like(block[:, :1])
    return xp.concatenate([block, one, half] if asks else [block, half, one], axis=1)


def _first_copies(rows: Float, copies: int) -> Int:
    """Return the places of rows, int64, ascending, but of equal ones only the first `copies`.

    Later ones are in no list, and collapsed rows would all have to be decided between.
    """
    whole = np.dtype((np.void, rows.shape[1] * rows.itemsize))
    _, which = np.unique(np.ascontiguousarray(rows).view(whole).ravel(), return_inverse=True)
    order = np.argsort(which, kind="stable")
    counts = np.bincount(which)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < copies])


def _selves(ids: Int, own: Int) -> tuple[Int, Int]:
    """Return which queries, and at which places of `ids`, meet themselves."""
    place = np.searchsorted(ids, own).clip(max=len(ids) - 1)
    queries = np.flatnonzero(ids[place] == own)
    return queries, place[queries]


def _near(
    asking: Array, found: Array, selves: tuple[Int, Int] | None, best: Float, metric: Metric
) -> tuple[Int, Int, Float]:
    """Return pairs of query and row, in order, and their nearness: all that can be among the best so far."""
    products = asking @ found.T
    if selves is not None:
        products[selves] = -np.inf
    floor = best[:, -1]
    if np.isinf(floor).any():
        floor = np.maximum(floor, _kth_at_least(products, best.shape[1]))
    # A product of D numbers is off by less than D ε / 2 times both lengths; two of them are compared here.
    lengths = _largest_length(asking) * _largest_length(found)
    floor = floor - 4 * asking.shape[1] * np.finfo(np.float64).eps * lengths
    passing = products >= as_kind(floor.clip(min=-np.finfo(np.float64).max), products)[:, None]
    flat = to_numpy(namespace(passing).argwhere(passing.reshape(-1))[:, 0])
    queries, rows = np.divmod(flat, len(found))
    pieces = [slice(start, start + _DECIDED) for start in range(0, len(flat), _DECIDED)]
    nearness = [_nearness(asking[queries[piece]], found[rows[piece]], metric) for piece in pieces]
    return queries, rows, np.concatenate([np.empty(0), *nearness])


def _largest_length(rows: Array) -> float:
    return float(namespace(rows).sqrt((rows * rows).sum(axis=1)).max())


def _kth_at_least(products: Array, k: int) -> Float | float:
    """Return a number that k entries of each row reach: that of k groups of columns that hold one."""
    groups = max(_GROUPS, 8 * k)
    if products.shape[1] < k:
        return -np.inf
    largest = products[:, :groups]
    for start in range(groups, products.shape[1] - groups + 1, groups):
        largest = namespace(products).maximum(largest, products[:, start : start + groups])
    found: Float = np.partition(to_numpy(largest), -k, axis=1)[:, -k]
    return found


def _nearness(q: Array, v: Array, metric: Metric) -> Float:
    """Return the nearness of each pair of lifted rows, by a sum of its own: equal for equal rows."""
    if metric == "dot":
        return to_numpy((q * v).sum(axis=1))
    apart = (q - v)[:, :-2]
    return to_numpy((apart * apart).sum(axis=1)) / -2


def _merged(
    nearest: Int, nearness: Float, ids: Int, queries: Int, rows: Int, further: Float
) -> tuple[Int, Float]:
    """Merge the lists [b, K] with further pairs, all of rows that stand after those in the lists."""
    b, k = nearest.shape
    who = np.concatenate([np.repeat(np.arange(b), k), queries])
    what, near = np.concatenate([nearest.ravel(), ids[rows]]), np.concatenate([nearness.ravel(), further])
    order = np.lexsort((-near, who))  # stable: of equally near rows the lower index stays first
    first = np.cumsum(np.bincount(who, minlength=b)) - np.bincount(who, minlength=b)
    kept = order[first[:, None] + np.arange(k)]
    return what[kept], near[kept]
