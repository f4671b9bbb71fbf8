"""Correlations of two columns of numbers, at any scale."""

from __future__ import annotations

import numpy as np

from degen.analysis.matrix import Float
from degen.analysis.measure import Undefined

_EQUAL = 1e-12
"""Numbers that differ by less than this share of the largest are equal but for rounding."""


def spearman(x: Float, y: Float) -> float:
    """Return Spearman's correlation of `x` with `y`, [n] each: Pearson's of their average ranks.

    Raises
    ------
    Undefined
        if one of them is constant.
    """
    _refuse_constant(x, y)
    return pearson(average_ranks(x), average_ranks(y))


def average_ranks(x: Float) -> Float:
    """Return the ranks of `x` [n] from 1, equal numbers sharing the mean of theirs."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def pearson(x: Float, y: Float) -> float:
    """Return Pearson's correlation of `x` with `y`, [n] each.

    Raises
    ------
    Undefined
        if one of them is constant.
    """
    _refuse_constant(x, y)
    x, y = (z / np.abs(z).max() for z in (x, y))
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


def _refuse_constant(*columns: Float) -> None:
    for x in columns:
        if np.ptp(x) <= _EQUAL * np.abs(x).max():
            raise Undefined("a correlation needs numbers that differ from item to item")
