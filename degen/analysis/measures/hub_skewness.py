"""Skewness of k-occurrence, exact or from a sample of the queries.

    X(i), N(i)    number of lists that row i is in, among the Q drawn lists and among all T lists
    E N(N-1)…(N-r+1) = E X(X-1)…(X-r+1) · T…(T-r+1) / Q…(Q-r+1)

The counts of a sample have sampling noise, which adds to their skewness: taken as they are, 10 % of the
queries turned 0.29 into 0.99. Factorial moments are free of that bias. The estimate is still noisy. Its noise
comes from single queries, from pairs and from triples of queries whose lists share a row, and these three
parts fall at different rates with Q. A plain jackknife takes all of it for the first part and may report
twice the true error. So the three variances are estimated apart, from the scatter of the value when few, a
fourth and half of the queries are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from degen.analysis.measures.neighbours import Side, neighbours, search_for
from degen.analysis.passes.arrays import Float
from degen.analysis.passes.nearest import Metric
from degen.analysis.passes.rows import Int, Rows
from degen.analysis.values import Estimate, Undefined

_LISTS = 2.5
"""Least mean number of sampled lists per row; with fewer there are hardly any triples."""

_GROUPS = 40
"""Number of groups of queries, each left out or kept as a whole."""

_SUBSETS = 4
"""Number of random subsets of the groups, in multiples of the number of groups."""

_ORDERS = np.array([1, 2, 3])


def skewness(V: Rows, k: int, metric: Metric, side: Side = "rows") -> float:
    """Return E(N - E N)³ / sd³ over rows (divisor n), N(i) in how many lists of `k` row i is.

    An `Estimate` where only a sample of the queries was asked, `Undefined` where it is too small.
    """
    search = search_for(V, metric, side)
    asked, total, rows = len(search.asked), search.total, len(search.rows)
    # Kept as text: an exception made here would, once raised, keep the arrays of this frame alive.
    few = (
        f"the lists of {asked:,} of {total:,} queries say too little of the skewness over {rows:,} rows; "
        "set `exact_rows` higher, or measure some of the rows and compare only equal numbers of them"
    )
    if asked < total and asked * k < _LISTS * rows:
        raise Undefined(few)
    lists = neighbours(V, k, metric, side)
    if lists.complete:
        return _of_all(lists.occurrences(k))
    groups = np.array_split(np.random.default_rng(0).permutation(asked), _GROUPS)
    counts = np.stack([lists.occurrences(k, group) for group in groups]).astype(np.float64)
    value = float(_of_sample(counts.sum(axis=0), asked, total))
    fewer = {
        size: np.concatenate(
            [_of_sample(subsets @ counts, asked * size / _GROUPS, total) for subsets in _subsets(size)]
        )
        for size in (_GROUPS - 1, 3 * _GROUPS // 4, _GROUPS // 2)
    }
    if not all(np.isfinite(values).all() for values in fewer.values()):
        raise Undefined(few)
    scatter = {size: float(((values - value) ** 2).mean()) for size, values in fewer.items()}
    variance = float(_components(scatter) @ (1 - (asked / total) ** _ORDERS))
    bias = (_GROUPS - 1) * (float(fewer[_GROUPS - 1].mean()) - value) * (1 - asked / total)
    return Estimate(value - bias, math.sqrt(variance), f"the lists of {asked:,} of {total:,} queries")


def _of_all(counts: Int) -> float:
    deviation = counts - counts.mean()
    variance = float((deviation**2).mean())
    if variance == 0:
        raise Undefined("all rows are in equally many lists: there is no skewness")
    return float((deviation**3).mean() / variance**1.5)


def _of_sample(counts: Float, asked: float, total: int) -> Float:
    """Return the skewness of N over rows, [...], from X of `asked` lists, [..., n]; NaN where its noise is
    larger than what it shows.
    """
    falling, scale, factorial = np.ones_like(counts), 1.0, []
    for r in range(3):
        falling, scale = falling * (counts - r), scale * (total - r) / (asked - r)
        factorial.append(falling.mean(axis=-1) * scale)
    f1, f2, f3 = factorial
    m1, m2, m3 = f1, f2 + f1, f3 + 3 * f2 + f1
    variance, third = m2 - m1**2, m3 - 3 * m1 * m2 + 2 * m1**3
    return np.asarray(third / np.where(variance > 0, variance, np.nan) ** 1.5)


def _subsets(size: int) -> list[Float]:
    """Return subsets of `size` of the groups, 0 or 1 [s, groups] each: all but one, or some at random."""
    if size == _GROUPS - 1:
        return [1 - np.eye(_GROUPS)]
    rng = np.random.default_rng(size)
    first = np.tile(np.arange(_GROUPS) < size, (_GROUPS, 1)).astype(np.float64)
    return [rng.permuted(first, axis=1) for _ in range(_SUBSETS)]


def _components(scatter: Mapping[int, float]) -> Float:
    """Return the variances that come from single queries, pairs and triples, [3], each at least 0.

    Over subsets of `size` of the groups, a part of order c scatters about the whole by its variance times
    C(groups, c) / C(size, c) - 1 (Hoeffding 1948). The three equations are solved in relative terms.
    """
    from scipy.optimize import nnls

    growth = [[math.comb(_GROUPS, c) / math.comb(size, c) - 1 for c in _ORDERS] for size in scatter]
    found = np.array(list(scatter.values()))
    parts: Float = nnls(np.array(growth) / found[:, None], np.ones(len(found)))[0]
    return parts
