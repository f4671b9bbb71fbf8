"""Means over all pairs of rows without each group of rows, in one visit of the pairs.

With the sums over the pairs of every two groups, each group is left out by leaving out its sums.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from degen.analysis.measures.pair_cosines import all_rows
from degen.analysis.passes.arrays import Array, Float, namespace, unit_rows
from degen.analysis.passes.buckets import Codes
from degen.analysis.passes.rows import Rows


def means_without(V: Rows, group: Codes, groups: int, of: Callable[[Array], Array]) -> Float:
    """Return the mean over pairs i < j of a function of cos(vᵢ, vⱼ), without the rows of each group.

    Parameters
    ----------
    V
        few enough rows that all pairs can be visited; zero rows are left out.
    group, groups
        [n], which group each row is in, and how many groups there are.
    of
        of a block of cosines, element by element.

    Returns
    -------
    float64 [groups], NaN where no pair is left.
    """
    units, alive, _ = unit_rows(all_rows(V))
    members = [np.flatnonzero((group == own) & np.asarray(alive.tolist())) for own in range(groups)]
    sums, pairs = np.zeros((groups, groups)), np.zeros((groups, groups))
    for first, rows in enumerate(members):
        for second, columns in enumerate(members[: first + 1]):
            block = of(units[rows] @ units[columns].T)
            if first == second:
                sums[first, first] = float(block.sum() - namespace(block).trace(block)) / 2
                pairs[first, first] = len(rows) * (len(rows) - 1) / 2
            else:
                sums[first, second], pairs[first, second] = float(block.sum()), len(rows) * len(columns)
    rest = [
        np.delete(np.delete(np.stack([sums, pairs]), own, 1), own, 2).sum((1, 2)) for own in range(groups)
    ]
    return np.array([total / count if count else np.nan for total, count in rest])
