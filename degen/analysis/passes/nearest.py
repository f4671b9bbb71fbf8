"""Exact nearest rows of a matrix, found block by block.

A library finds a few candidates per query in each block: scikit-learn for NumPy arrays, `topk` of products
for tensors. Both round, and differently at the edge of a block. So the nearness of each candidate is then
computed by a sum over its own pair, which is the same for the same two rows wherever they stand. Equal rows
are therefore equally near, and of these the lower index comes first. Where rounding could have hidden a row
behind the last candidate, all rows of the block are summed for that query.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from degen.analysis.passes.arrays import Array, Float, namespace, scaled_by, to_numpy, unit_rows
from degen.analysis.passes.rows import Int, Rows

Metric = Literal["cosine", "euclidean", "dot"]

_TILE = 128
"""Queries whose products with a block are held at once."""

_SUMMED = 2**16
"""Pairs whose nearness is summed at once."""


def nearest_rows(
    queries: Array, own: Int | None, V: Rows, rows: Int, length: int, metric: Metric
) -> tuple[Int, Float]:
    """Return the nearest rows to each query, nearest first, int64 [b, length], and how near, float64.

    `queries` is float64 [b, d]. `own`, int64 [b], is the row of `V` that each of them is, which is not its
    own neighbour; None if they are no rows. `rows`, int64 [m], ascending, are those that can be found.

    By `dot` nearness is ⟨q̂, v⟩, by `cosine` minus half the squared distance of rows at length 1, and by
    `euclidean` the same of rows as they are. Rows are divided by 2^e, e the exponent of `Moments`.
    """
    exponent = V.moments.exponent
    asking = _scaled(queries, "cosine" if metric == "dot" else metric, exponent)
    nearest = np.zeros((len(asking), length), dtype=np.int64)
    nearness = np.full((len(asking), length), -np.inf)
    # Before the last of `length` neighbours stand at most `length` nearer rows, the query itself among them.
    # Rows as near as the last are mostly copies of it, of which `_first_copies` leaves `length + 1`.
    count = 2 * length + 2
    for ids, block in V.picked(rows):
        found = _scaled(block, metric, exponent)
        kept = _first_copies(to_numpy(found), length + 1)
        ids, found = ids[kept], found[kept]
        places, hidden = _candidates(asking, found, count, metric)
        near = _nearness(asking, found, places, metric)
        merged = _merged(nearest, nearness, ids[places], near, own)
        # A row that is no candidate is at most as near as the last of them, but for rounding.
        unsure = np.flatnonzero(merged[1][:, -1] <= hidden)
        for start in range(0, len(unsure), _TILE):
            tile = unsure[start : start + _TILE]
            every = np.tile(np.arange(len(ids)), (len(tile), 1))
            near = _nearness(asking[tile], found, every, metric)
            selves = None if own is None else own[tile]
            lists = _merged(nearest[tile], nearness[tile], ids[every], near, selves)
            merged[0][tile], merged[1][tile] = lists
        nearest, nearness = merged
    return nearest, nearness


def _scaled(block: Array, metric: Metric, exponent: int) -> Array:
    """Return rows between which distances, or products, are nearness. They cannot overflow.

    The length of a query changes no order by products, so that it may be 1.
    """
    if metric == "cosine":
        return unit_rows(block)[0]
    return scaled_by(block, -exponent)


def _first_copies(rows: Float, copies: int) -> Int:
    """Return the places of rows, int64, ascending, but of equal ones only the first `copies`.

    Later ones are in no list, and collapsed rows would all be equally near.
    """
    whole = np.dtype((np.void, rows.shape[1] * rows.itemsize))
    _, which = np.unique(np.ascontiguousarray(rows).view(whole).ravel(), return_inverse=True)
    order = np.argsort(which, kind="stable")
    counts = np.bincount(which)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < copies])


def _candidates(asking: Array, found: Array, count: int, metric: Metric) -> tuple[Int, Float]:
    """Return the nearest rows but for rounding, int64 [b, ≤ count], and a bound of how near others can be."""
    if len(found) <= count:
        return np.tile(np.arange(len(found)), (len(asking), 1)), np.full(len(asking), -np.inf)
    if namespace(found) is np:
        return _by_distance(asking, found, count, metric)
    return _by_product(asking, found, count, metric)


def _by_distance(asking: Float, found: Float, count: int, metric: Metric) -> tuple[Int, Float]:
    from sklearn.neighbors import NearestNeighbors

    longest = _largest_length(found)
    if metric == "dot":
        # One more number makes all rows as long as the longest, M, so that distances follow products:
        # -‖M q̂ - v‖² / 2 = M ⟨q̂, v⟩ - M².
        rest = np.sqrt((longest**2 - (found * found).sum(axis=1)).clip(0))
        asking, found = np.pad(longest * asking, ((0, 0), (0, 1))), np.column_stack([found, rest])
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(found)
    distances, places = search.kneighbors(asking)
    lengths = _largest_length(asking), _largest_length(found)
    last = distances[:, -1] ** 2 / -2 + _error(asking.shape[1], max(lengths))
    return places, last / longest + longest if metric == "dot" else last


def _by_product(asking: Array, found: Array, count: int, metric: Metric) -> tuple[Int, Float]:
    # -‖q - v‖²/2 = ⟨q, v⟩ - ‖v‖²/2 - ‖q‖²/2
    halves = [None if metric == "dot" else (rows * rows).sum(axis=1) / 2 for rows in (asking, found)]
    places = np.empty((len(asking), count), dtype=np.int64)
    last = np.empty(len(asking))
    for start in range(0, len(asking), _TILE):
        tile = slice(start, start + _TILE)
        near = asking[tile] @ found.T
        if halves[0] is not None:
            near -= halves[0][tile, None] + halves[1]
        top = near.topk(count, dim=1)
        places[tile], last[tile] = to_numpy(top.indices), to_numpy(top.values[:, -1])
    lengths = _largest_length(asking), _largest_length(found)
    longest = (lengths[0] * lengths[1]) ** 0.5 if metric == "dot" else max(lengths)
    return places, last + _error(asking.shape[1], longest)


def _error(d: int, longest: float) -> float:
    """Return a bound of the rounding error of nearness found from sums of d products of rows up to `longest`.

    Such a sum is off by less than d ε / 2 times both lengths; a few of them are added.
    """
    return 4 * (d + 2) * 2.0**-52 * longest**2


def _largest_length(rows: Array) -> float:
    return float(namespace(rows).sqrt((rows * rows).sum(axis=1)).max())


def _nearness(asking: Array, found: Array, places: Int, metric: Metric) -> Float:
    """Return how near the rows at `places` [b, c] are to each query, [b, c], by a sum per pair."""
    near = np.empty(places.shape)
    step = max(1, _SUMMED // places.shape[1])
    for start in range(0, len(asking), step):
        tile = slice(start, start + step)
        q, v = asking[tile, None], found[places[tile]]
        near[tile] = to_numpy((q * v).sum(axis=2) if metric == "dot" else ((q - v) ** 2).sum(axis=2) / -2)
    return near


def _merged(nearest: Int, nearness: Float, ids: Int, further: Float, own: Int | None) -> tuple[Int, Float]:
    """Merge lists [b, K] with further rows [b, c] and their nearness; `own` [b] is never taken."""
    if own is not None:
        further[ids == own[:, None]] = -np.inf
    ids, near = np.hstack([nearest, ids]), np.hstack([nearness, further])
    order = np.lexsort((ids, -near), axis=1)[:, : nearest.shape[1]]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(near, order, axis=1)
