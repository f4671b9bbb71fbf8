"""Which rows are nearest to which: the lists behind hubness, closest neighbours and exposure.

    cosine, euclidean    by distance, of rows at length 1 or as they are
    dot                  by ⟨q, v⟩; every row is a neighbour, however long

A row is never its own neighbour, by its index and not by a distance of 0, which a repeated row has as well.
Of equally near rows the lower index comes first. Up to `Rows.exact_rows` rows every row asks for its
neighbours; of more rows, and of very many sequences, a sample drawn by `Rows.seed` does, among all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.nearest import Metric, nearest_rows
from degen.analysis.passes.rows import Int, Rows
from degen.analysis.registry import Undefined

Side = Literal["rows", "representations"]

LENGTH = 10
"""Neighbours that a list has at least, so that one search serves every measure."""

BUDGET = 4
"""Pairs of query and row that are compared at most, in squares of `Rows.exact_rows`."""

_FEWEST = 100
"""Queries that a sample has at least."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest rows of each query.

    Attributes
    ----------
    indices
        int64 [q, K]: rows of the matrix, nearest first.
    nearness
        float64 [q, K]: descending, as in `nearest_rows`.
    queries
        int64 [q], ascending: which rows, or sequences, asked.
    total
        how many there are, asked or not.
    rows
        int64 [m]: rows that can be neighbours; all but zero rows, which have no cosine.
    """

    indices: Int
    nearness: Float
    queries: Int
    total: int
    rows: Int

    @property
    def complete(self) -> bool:
        """Whether every query that there is was asked."""
        return len(self.queries) == self.total

    def occurrences(self, k: int, asked: slice | Int = slice(None)) -> Int:
        """Return int64 [m]: in how many lists of `k` each of `rows` is, of the queries `asked`."""
        found = self.indices[asked, :k].ravel()
        return np.bincount(found, minlength=int(self.rows[-1]) + 1)[self.rows]


def neighbours(V: Rows, k: int = LENGTH, metric: Metric = "cosine", side: Side = "rows") -> Neighbours:
    """Return lists of at least `k` neighbours among the rows of `V`; they are searched for once.

    Parameters
    ----------
    k
        length of the lists that is needed, ≥ 1.
    metric
        what is near.
    side
        who asks: each of the rows, or each of the sequence representations.

    Raises
    ------
    Undefined
        if there are not enough rows for lists of `k`, or no representations.
    UserError
        naming the first row with NaN or infinity.
    ValueError
        if `k` is less than 1, or the metric is unknown.
    """
    if k < 1 or metric not in get_args(Metric):
        raise ValueError(f"k must be at least 1 and metric cosine, euclidean or dot; got {k}, {metric!r}")
    key = ("neighbours", metric, side)
    known = V.shared.get(key)
    if known is None or known.indices.shape[1] < k:
        known = V.shared[key] = _search(V, k, metric, side)
    return known


def k_occurrence(V: Rows | Array, k: int = LENGTH, metric: Metric = "cosine") -> Int:
    """Return int64 [n]: N_k(i), how many rows have row i among their `k` nearest; 0 for one that cannot be.

    Raises
    ------
    Undefined
        as `neighbours`, and above `exact_rows`, where not every row was asked.
    """
    rows = Rows.of(V)
    lists = every_list(rows, k, metric)
    counts = np.zeros(len(rows), dtype=np.int64)
    counts[lists.rows] = lists.occurrences(k)
    return counts


def every_list(V: Rows, k: int, metric: Metric, side: Side = "rows") -> Neighbours:
    """Return the neighbours of all queries, never of a sample.

    Raises
    ------
    Undefined
        where only a sample of the queries is asked.
    """
    places = places_of(V, metric, side)
    if len(places.asked) < places.total:
        raise Undefined(
            f"the neighbours of all {places.total:,} {side} are needed, more than "
            f"--exact-rows {V.exact_rows:,} allows; set it higher, or measure some of the rows and "
            "compare only equal numbers of them"
        )
    return neighbours(V, k, metric, side)


@dataclass(frozen=True, eq=False)
class Places:
    """Who asks, and who can be found: `asked` of `total` rows of `source` look for neighbours in `rows`."""

    source: Rows
    asked: Int
    total: int
    rows: Int


def places_of(V: Rows, metric: Metric, side: Side) -> Places:
    """Return who asks and who can be found.

    A zero row is nobody's neighbour by cosine, and by cosine or product it finds all equally near.
    """
    source = V if side == "rows" else _representations(V)
    rows = np.flatnonzero(V.norms > 0) if metric == "cosine" else np.arange(len(V))
    asking = np.arange(len(source)) if metric == "euclidean" else np.flatnonzero(source.norms > 0)
    most = BUDGET * V.exact_rows**2 // max(len(rows), 1)
    if side == "rows":
        most = len(V) if len(V) <= V.exact_rows else min(most, V.exact_rows)
    most = max(most, _FEWEST)
    if len(asking) <= most:
        return Places(source, asking, len(asking), rows)
    drawn = np.random.default_rng(V.seed).choice(asking, most, replace=False)
    return Places(source, np.sort(drawn), len(asking), rows)


def _representations(V: Rows) -> Rows:
    if V.representations is None:
        raise Undefined("sequence representations are needed, to see what they are shown")
    if "representations" not in V.shared:
        V.shared["representations"] = Rows(V.representations, name="the representations")
    found: Rows = V.shared["representations"]
    return found


def _search(V: Rows, k: int, metric: Metric, side: Side) -> Neighbours:
    places = places_of(V, metric, side)
    possible = len(places.rows) - (side == "rows")
    if possible < k or not places.total:
        kind = "rows that are not zero" if metric == "cosine" else "rows"
        raise Undefined(
            f"lists of {k} neighbours need at least {k + (side == 'rows')} {kind}, and someone to ask; "
            f"there are {len(places.rows)}"
        )
    length = min(max(k, LENGTH), possible)
    parts = [
        nearest_rows(block, ids if side == "rows" else None, V, places.rows, length, metric)
        for ids, block in places.source.picked(places.asked)
    ]
    indices, nearness = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Neighbours(indices, nearness, places.asked, places.total, places.rows)
