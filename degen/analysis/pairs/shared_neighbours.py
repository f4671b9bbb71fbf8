"""Fraction of nearest neighbours that two matrices over the same items share.

    A_k(i), B_k(i)    the k nearest rows of item i in each matrix, itself left out

    neighbour_overlap     mean |A_k ∩ B_k| / k
    neighbour_jaccard     mean |A_k ∩ B_k| / |A_k ∪ B_k|

Two random matrices share k/(n-1) of their neighbours. Items that are zero in either matrix are left out. Up
to `exact_rows` items all others count, above that a sample of them.
"""

from __future__ import annotations

import math

import numpy as np

from degen.analysis.measures.neighbours import neighbours
from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.nearest import Metric
from degen.analysis.passes.pair import Pair
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import comparison
from degen.analysis.values import Estimate, Undefined


@comparison(
    range=(0, 1),
    meaning="1 where all items have the same neighbours in both, k/(n-1) for matrices at random",
    source="mean share of the k nearest rows, k = 10, that both matrices have",
    cost="O(n² d), of sampled items above exact_rows",
    also={"neighbour_overlap_dot": {"metric": "dot"}},
    undefined="if there are not enough items that are zero in neither for lists of `k`",
)
def neighbour_overlap(pair: Pair, k: int = 10, metric: Metric = "cosine") -> float:
    """Return the mean over items of |A_k ∩ B_k| / k."""
    return _mean(pair, _shares(pair, k, metric))


@comparison(
    range=(0, 1),
    meaning="1 where all items have the same neighbours in both",
    source="mean Jaccard index of the lists of the k nearest rows, k = 10",
    cost="O(n² d), of sampled items above exact_rows",
    undefined="if there are not enough items that are zero in neither for lists of `k`",
)
def neighbour_jaccard(pair: Pair, k: int = 10, metric: Metric = "cosine") -> float:
    """Return the mean over items of |A_k ∩ B_k| / |A_k ∪ B_k|."""
    shares = _shares(pair, k, metric)
    return _mean(pair, shares / (2 - shares))


def neighbour_shares(A: Rows | Array, B: Rows | Array, k: int = 10, metric: Metric = "cosine") -> Float:
    """Return |A_k ∩ B_k| / k per item, float64 [n]: low for items whose neighbours differ.

    NaN for items outside the sample, or zero in either matrix. `Buckets.means` gives means by popularity.

    Raises
    ------
    Undefined
        if there are not enough items that are zero in neither for lists of `k`.
    """
    return _shares(Pair(Rows.of(A), Rows.of(B)), k, metric)


def _mean(pair: Pair, shares: Float) -> float:
    """Return the mean over the items that count, an `Estimate` where these are a sample."""
    asked = shares[np.isfinite(shares)]
    value = float(asked.mean())
    if len(pair.a) <= min(pair.a.exact_rows, pair.b.exact_rows):
        return value
    error = float(asked.std(ddof=1)) / math.sqrt(len(asked))
    return Estimate(value, error, f"{len(asked):,} of {len(pair.a):,} items")


def _shares(pair: Pair, k: int, metric: Metric) -> Float:
    first, second = (neighbours(side, k, metric) for side in (pair.a, pair.b))
    asked, of_first, of_second = np.intersect1d(first.queries, second.queries, return_indices=True)
    if len(asked) < 2:
        raise Undefined("no two items that are zero in neither matrix were asked for their neighbours")
    both = np.hstack([first.indices[of_first, :k], second.indices[of_second, :k]])
    both.sort(axis=1)  # brings the two copies of a shared item side by side
    shares = np.full(len(pair.a), np.nan)
    shares[asked] = (both[:, 1:] == both[:, :-1]).sum(axis=1) / k
    return shares
