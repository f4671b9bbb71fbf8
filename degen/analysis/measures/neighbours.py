"""Lists of nearest rows, from which hubness, closest neighbours and exposure are measured.

    cosine, euclidean    by distance, of rows at length 1 or as they are
    dot                  by ⟨q, v⟩; every row can be a neighbour, however long

A row is never its own neighbour. That is decided by its index, because a repeated row is at distance 0 as
well. Of equally near rows the lower index comes first. Up to `Rows.exact_rows` rows, the neighbours of every
row are searched. Of more rows, and of very many sequences, a sample drawn with `Rows.seed` is searched for,
always among all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.nearest import Metric, nearest_rows
from degen.analysis.passes.rows import Int, Rows
from degen.analysis.values import Undefined

Side = Literal["rows", "representations"]

LENGTH = 10
"""Least length of a list, so that one search serves every measure."""

BUDGET = 4
"""Largest number of pairs of query and row to compare, in squares of `Rows.exact_rows`."""

_FEWEST = 100
"""Least number of queries in a sample."""


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
        int64 [q], ascending: rows, or sequences, whose neighbours were searched for.
    total
        number of possible queries, searched for or not.
    rows
        int64 [m]: rows that can be neighbours. By cosine these are all but zero rows.
    """

    indices: Int
    nearness: Float
    queries: Int
    total: int
    rows: Int

    @property
    def complete(self) -> bool:
        """True if the neighbours of every possible query were searched for."""
        return len(self.queries) == self.total

    def occurrences(self, k: int, asked: slice | Int = slice(None)) -> Int:
        """Return in how many lists of `k` each of `rows` is, int64 [m], over the queries `asked`."""
        found = self.indices[asked, :k].ravel()
        return np.bincount(found, minlength=int(self.rows[-1]) + 1)[self.rows]


def neighbours(V: Rows, k: int = LENGTH, metric: Metric = "cosine", side: Side = "rows") -> Neighbours:
    """Return lists of at least `k` neighbours among the rows of `V`. They are searched for once.

    Parameters
    ----------
    k
        least length of the lists, ≥ 1.
    metric
        `cosine`, `euclidean` or `dot`.
    side
        the queries: each of the rows, or each of the sequence representations.

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
    """Return the neighbours of all queries; `Undefined` where only a sample of them is asked."""
    search = search_for(V, metric, side)
    if len(search.asked) < search.total:
        raise Undefined(
            f"the neighbours of all {search.total:,} {side} are needed, more than "
            f"`exact_rows={V.exact_rows}` allows; set it higher, or measure some of the rows and "
            "compare only equal numbers of them"
        )
    return neighbours(V, k, metric, side)


@dataclass(frozen=True, eq=False)
class Search:
    """A search among `rows` of a matrix for neighbours of `asked`, of `total` possible rows of `source`."""

    source: Rows
    asked: Int
    total: int
    rows: Int


def search_for(V: Rows, metric: Metric, side: Side) -> Search:
    """Return whose neighbours are searched for, and among which rows.

    By cosine a zero row is nobody's neighbour. By cosine and product it is no query, because all rows would
    be equally near.
    """
    source = V if side == "rows" else _representations(V)
    rows = np.flatnonzero(V.norms > 0) if metric == "cosine" else np.arange(len(V))
    asking = np.arange(len(source)) if metric == "euclidean" else np.flatnonzero(source.norms > 0)
    most = BUDGET * V.exact_rows**2 // max(len(rows), 1)
    if side == "rows":
        most = len(V) if len(V) <= V.exact_rows else min(most, V.exact_rows)
    most = max(most, _FEWEST)
    if len(asking) <= most:
        return Search(source, asking, len(asking), rows)
    drawn = np.random.default_rng(V.seed).choice(asking, most, replace=False)
    return Search(source, np.sort(drawn), len(asking), rows)


def _representations(V: Rows) -> Rows:
    if V.representations is None:
        raise Undefined("sequence representations are needed, to see what they are shown")
    if "representations" not in V.shared:
        V.shared["representations"] = Rows(V.representations, name="the representations")
    found: Rows = V.shared["representations"]
    return found


def _search(V: Rows, k: int, metric: Metric, side: Side) -> Neighbours:
    search = search_for(V, metric, side)
    possible = len(search.rows) - (side == "rows")
    if possible < k or not search.total:
        kind = "rows that are not zero" if metric == "cosine" else "rows"
        raise Undefined(
            f"lists of {k} neighbours need at least {k + (side == 'rows')} {kind}, and someone to ask; "
            f"there are {len(search.rows)}"
        )
    length = min(max(k, LENGTH), possible)
    parts = [
        nearest_rows(block, ids if side == "rows" else None, V, search.rows, length, metric)
        for ids, block in search.source.picked(search.asked)
    ]
    indices, nearness = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Neighbours(indices, nearness, search.asked, search.total, search.rows)
