"""Hubness: rows that are in many lists of neighbours, and rows that are in none.

    N_k(i)     k-occurrence: number of rows that have row i among their k nearest
    exposure   number of sequences that have item i among the k of highest score ⟨h, v⟩

All of them depend on the number of rows, so compare matrices of equal size only. A sample of the queries
gives the skewness alone, because it is a function of moments. The other measures need every query, or have no
value. Of equally near rows the one of lower index is taken. Where most rows are equal (`duplicate_rows`), the
first of these are therefore hubs.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from degen.analysis.measures.hub_skewness import skewness
from degen.analysis.measures.neighbours import LENGTH, every_list
from degen.analysis.passes.nearest import Metric
from degen.analysis.passes.rows import Int, Rows
from degen.analysis.registry import measure

_measure = partial(measure, "neighbours", range=(0, 1))

_SETTINGS: dict[str, dict[str, Any]] = {"5": {"k": 5}, "dot": {"metric": "dot"}}
"""Further names of each measure: with 5 neighbours, and by inner product. The default is 10 by cosine."""


@_measure(
    range=(-math.inf, math.inf),
    meaning="near 0 to 1 no hubs, above 1.4 often called high; grows with n",
    source="Radovanović et al., JMLR 2010",
    cost="O(n² d); sampled: O(exact_rows n d)",
    also={f"hubness_skewness_{name}": options for name, options in _SETTINGS.items()},
    undefined="if n ≤ k, all rows are neighbours equally often, or a sample is too small a share of them",
)
def hubness_skewness(V: Rows, k: int = LENGTH, metric: Metric = "cosine") -> float:
    """Return the skewness of N_k over rows, E(N_k - k)³ / sd³ (divisor n); sampled above `exact_rows`."""
    return skewness(V, k, metric)


@_measure(
    meaning="share of rows that are nobody's neighbour; 0 has no anti-hubs",
    source="Radovanović et al., JMLR 2010",
    cost="O(n² d), not sampled",
    also={f"antihub_fraction_{name}": options for name, options in _SETTINGS.items()},
    undefined="if n ≤ k, or n exceeds `exact_rows`",
)
def antihub_fraction(V: Rows, k: int = LENGTH, metric: Metric = "cosine") -> float:
    """Return the share of rows with N_k = 0."""
    return _absent(every_list(V, k, metric).occurrences(k))


@_measure(
    range=(0, math.inf),
    meaning="how many lists the greatest hub is in; k without hubs, at most n - 1",
    source="max N_k",
    cost="O(n² d), not sampled",
    also={f"max_k_occurrence_{name}": options for name, options in _SETTINGS.items()},
    undefined="if n ≤ k, or n exceeds `exact_rows`",
)
def max_k_occurrence(V: Rows, k: int = LENGTH, metric: Metric = "cosine") -> float:
    """Return the largest N_k."""
    return float(every_list(V, k, metric).occurrences(k).max())


@_measure(
    meaning="share of places in lists that would change hands until all rows had equally many; 0 has no hubs",
    source="Feldbauer et al., ICBK 2018, after Hoover",
    cost="O(n² d), not sampled",
    also={f"robin_hood_index_{name}": options for name, options in _SETTINGS.items()},
    undefined="if n ≤ k, or n exceeds `exact_rows`",
)
def robin_hood_index(V: Rows, k: int = LENGTH, metric: Metric = "cosine") -> float:
    """Return ½ Σ |N_k - mean N_k| / Σ N_k."""
    return _robin_hood(every_list(V, k, metric).occurrences(k))


@_measure(
    range=(-math.inf, math.inf),
    meaning="high where a few items fill the lists that sequences are shown",
    source="skewness of N_k with sequences asking, by ⟨h, v⟩",
    cost="O(q n d), at most 4 exact_rows² pairs",
    needs=("representations",),
    undefined="with fewer than `k` items, all shown equally often, or too small a sample of the sequences",
)
def exposure_skewness(V: Rows, k: int = LENGTH) -> float:
    """Return the skewness of how many sequences have an item among their `k` best.

    An `Estimate` where there are too many to ask all of them.
    """
    return skewness(V, k, "dot", "representations")


@_measure(
    meaning="share of items that no sequence is shown",
    source="share of N_k = 0 with sequences asking, by ⟨h, v⟩",
    cost="O(q n d), not sampled",
    needs=("representations",),
    undefined="if there are fewer than `k` items, no representations, or too many to ask all of them",
)
def never_exposed_fraction(V: Rows, k: int = LENGTH) -> float:
    """Return the share of items that are among the `k` best of no sequence."""
    return _absent(_exposure(V, k))


@_measure(
    meaning="largest share of sequences that are shown one item",
    source="max N_k / q with sequences asking, by ⟨h, v⟩",
    cost="O(q n d), not sampled",
    needs=("representations",),
    undefined="if there are fewer than `k` items, no representations, or too many to ask all of them",
)
def max_exposure(V: Rows, k: int = LENGTH) -> float:
    """Return the share of sequences that have the item of most exposure among their `k` best."""
    counts = _exposure(V, k)
    return float(counts.max() * k / counts.sum())


@_measure(
    meaning="share of the shown places that would change hands until all items had equally many",
    source="Robin Hood index of N_k with sequences asking, by ⟨h, v⟩",
    cost="O(q n d), not sampled",
    needs=("representations",),
    undefined="if there are fewer than `k` items, no representations, or too many to ask all of them",
)
def exposure_robin_hood_index(V: Rows, k: int = LENGTH) -> float:
    """Return ½ Σ |N_k - mean N_k| / Σ N_k over items, N_k the sequences that have it among their `k` best."""
    return _robin_hood(_exposure(V, k))


def _exposure(V: Rows, k: int) -> Int:
    return every_list(V, k, "dot", "representations").occurrences(k)


def _absent(counts: Int) -> float:
    return float((counts == 0).mean())


def _robin_hood(counts: Int) -> float:
    return float(np.abs(counts - counts.mean()).sum() / (2 * counts.sum()))
