"""Self-similarity of groups of rows, such as sequences with one target or dropout views of one sequence.

    S_g = Σ û over group g of m_g rows
    within      (‖S_g‖² - m_g) / (m_g (m_g - 1))            mean cosine over pairs of the group
    between     (‖S‖² - Σ ‖S_g‖²) / (m² - Σ m_g²)           mean cosine over pairs of different groups

Closed forms in O(n d) that visit no pair. Source: Ethayarajh, EMNLP 2019, with random pairs as baseline.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import Array, Float, to_numpy, unit_rows
from degen.analysis.passes.rows import Rows
from degen.analysis.values import Undefined
from degen.errors import UserError


def self_similarity(V: Rows | Array, groups: npt.ArrayLike) -> float:
    """Return the mean over groups of the mean cosine within each, in [-1, 1]; 1 if members are alike.

    Parameters
    ----------
    V
        [n, d].
    groups
        [n]: the group of each row, numbers or names. Zero rows, and groups of one, are left out.

    Raises
    ------
    Undefined
        if no group has two rows that are not zero.
    UserError
        if `groups` is not one for each row, or NaN or infinity is met.
    """
    sums, sizes = _group_sums(Rows.of(V), groups)
    several = sizes > 1
    if not several.any():
        raise Undefined("self-similarity needs a group with two rows that are not zero")
    m = sizes[several]
    return float((((sums[several] ** 2).sum(axis=1) - m) / (m * (m - 1))).mean())


def self_similarity_baseline(V: Rows | Array, groups: npt.ArrayLike) -> float:
    """Return the mean cosine over all pairs of rows from different groups, in [-1, 1].

    Parameters are those of `self_similarity`.

    Raises
    ------
    Undefined
        if no two groups have a row that is not zero.
    UserError
        if `groups` is not one for each row, or NaN or infinity is met.
    """
    sums, sizes = _group_sums(Rows.of(V), groups)
    if (sizes > 0).sum() < 2:
        raise Undefined("a baseline needs rows that are not zero in two groups")
    total = sums.sum(axis=0)
    return float((total @ total - (sums**2).sum()) / (sizes.sum() ** 2 - (sizes**2).sum()))


def self_similarity_adjusted(V: Rows | Array, groups: npt.ArrayLike) -> float:
    """Return `self_similarity` minus its baseline, in [-2, 2]: above 0 if members are more alike than others.

    Parameters and errors are those of both.
    """
    rows = Rows.of(V)
    return self_similarity(rows, groups) - self_similarity_baseline(rows, groups)


def _group_sums(V: Rows, groups: npt.ArrayLike) -> tuple[Float, Float]:
    """Return Σ û [G, d] and how many rows are not zero [G], of each group."""
    given: npt.NDArray[Any] = to_numpy(groups)
    if given.shape != (len(V),):
        raise UserError(f"groups of shape {given.shape} for {len(V)} rows; give one for each row")
    names, codes = np.unique(given, return_inverse=True)
    sums, sizes = np.zeros((len(names), V.d)), np.zeros(len(names))
    for place, block in V.blocks():
        units, alive, _ = (to_numpy(part) for part in unit_rows(block))
        sizes += np.bincount(codes[place], weights=alive, minlength=len(names))
        for column in range(V.d):
            sums[:, column] += np.bincount(codes[place], weights=units[:, column], minlength=len(names))
    return sums, sizes
