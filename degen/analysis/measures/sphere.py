"""Directions of rows on the sphere: cosines of all pairs, and distances to the nearest row.

Zero rows have no direction and are left out. The paper's `alignment` and `uniformity` are in `alignment`.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from degen.analysis.measures.neighbours import Neighbours, neighbours
from degen.analysis.measures.pair_cosines import (
    all_unit_rows,
    estimated_mean,
    means_without,
    random_cosines,
    sampled_pairs,
    upper_blocks,
)
from degen.analysis.passes.arrays import Float, namespace
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure
from degen.analysis.values import Estimate, Undefined

_BLOCK = 1024


@measure(
    "sphere",
    range=(0, 1),
    meaning="lower is more isotropic; about √(2/πd) for the uniform sphere, 1 a single line",
    source="mean of |cos| over pairs i < j; variant of Ethayarajh, EMNLP 2019",
    cost="O(n² d); sampled: 10⁶ pairs",
    jackknife=partial(means_without, of=abs),
    undefined="if fewer than two rows are not zero",
)
def average_absolute_cosine(V: Rows) -> float:
    """Return the mean of |cos(vᵢ, vⱼ)| over all pairs i < j; an `Estimate` above `exact_rows`."""
    if len(V) > V.exact_rows:
        value, error = estimated_mean(V, np.abs(random_cosines(V)))
        return Estimate(value, error, sampled_pairs(V))
    units = all_unit_rows(V)
    n, total = len(units), 0.0
    if n < 2:
        raise Undefined(f"at least 2 rows that are not zero are needed, the matrix has {n}")
    for a, b in upper_blocks(n, _BLOCK):
        block = abs(units[a] @ units[b].T)
        part = float(block.sum())
        total += (part - float(namespace(block).trace(block))) / 2 if a == b else part
    return min(total / (n * (n - 1) / 2), 1.0)


@measure(
    "sphere",
    range=(0, 2),
    meaning="higher is more isotropic; 0 where rows repeat a direction; falls as rows are added",
    source="distance to the nearest other row, as in KoLeo (Sablayrolles et al., ICLR 2019)",
    cost="O(n² d); sampled: O(exact_rows n d)",
    undefined="if fewer than two rows are not zero",
)
def closest_neighbour_distance(V: Rows) -> float:
    """Return the mean over rows of ‖v̂ - v̂'‖, v̂' the nearest other row; an `Estimate` above `exact_rows`.

    Sampled, the distances are those of some rows to the nearest of all.
    """
    lists = neighbours(V, 1)
    distances = _distances(lists)
    error = distances.std(ddof=1) / math.sqrt(len(distances))
    return _estimate(float(distances.mean()), float(error), lists)


@measure(
    "sphere",
    range=(0, 2),
    meaning="higher is more isotropic; 0 where half of the rows repeat a direction; falls as rows are added",
    source="distance to the nearest other row, as in KoLeo (Sablayrolles et al., ICLR 2019)",
    cost="O(n² d); sampled: O(exact_rows n d)",
    undefined="if fewer than two rows are not zero",
)
def closest_neighbour_distance_median(V: Rows) -> float:
    """Return the median over rows of ‖v̂ - v̂'‖, v̂' the nearest other row; an `Estimate` above `exact_rows`.

    Its standard error is a fourth of the distance between two quantiles, those two standard errors of a share
    of ½ below and above the median (McKean and Schrader, 1984).
    """
    lists = neighbours(V, 1)
    distances = _distances(lists)
    two = min(2 * 0.5 / math.sqrt(len(distances)), 0.5)
    low, value, high = np.quantile(distances, [0.5 - two, 0.5, 0.5 + two])
    return _estimate(float(value), float(high - low) / 4, lists)


def _distances(lists: Neighbours) -> Float:
    return np.sqrt(-2 * lists.nearness[:, 0])


def _estimate(value: float, error: float, lists: Neighbours) -> float:
    """Return the value; of a sample with its error, which is that of drawing without replacement."""
    asked, total = len(lists.queries), lists.total
    if lists.complete:
        return value
    return Estimate(value, error * math.sqrt(1 - asked / total), f"{asked:,} of {total:,} rows")
