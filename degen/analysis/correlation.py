"""Correlations of two columns of numbers, at any scale. A constant column has none: `Undefined`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import Float
from degen.analysis.values import Undefined

_BLOCK = 1 << 16
"""Number of entries in float64 at once."""

_EQUAL = 1e-12
"""Numbers that differ by less than this share of the largest differ by rounding alone."""


def spearman(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    """Return Spearman's correlation of `x` with `y`, [n] each: Pearson's of their average ranks."""
    _refuse_constant(x, y)
    a, b, mean = _doubled_ranks(x), _doubled_ranks(y), len(x) + 1.0
    squares = np.zeros((2, 2))
    for start in range(0, len(x), _BLOCK):
        both = np.stack([ranks[start : start + _BLOCK] - mean for ranks in (a, b)])
        squares += both @ both.T
    return float(squares[0, 1] / np.sqrt(squares[0, 0] * squares[1, 1]))


def average_ranks(x: Float) -> Float:
    """Return the ranks of `x` [n] from 1, equal numbers sharing the mean of theirs."""
    return _doubled_ranks(x) / 2


def _doubled_ranks(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return twice the average ranks, which are whole numbers, in four bytes each where they fit.

    There may be ten million, so that no step here takes more than twenty bytes per number.
    """
    n = len(x)
    order = np.argsort(x)
    ordered = x[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    del ordered
    places = np.arange(n, dtype=np.int32 if n < 2**30 else np.int64)
    begin = np.maximum.accumulate(np.where(first, places, 0))
    places[:-1][~first[1:]] = n  # only the last of equal numbers keeps its place and so ends their stretch
    end = np.minimum.accumulate(places[::-1])[::-1]
    doubled = np.empty_like(begin)
    doubled[order] = begin + end + 2
    return doubled


def pearson(x: Float, y: Float) -> float:
    """Return Pearson's correlation of `x` with `y`, [n] each."""
    _refuse_constant(x, y)
    x, y = (z / np.abs(z).max() for z in (x, y))
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


def _refuse_constant(*columns: npt.NDArray[Any]) -> None:
    for x in columns:
        low, high = float(x.min()), float(x.max())
        if high - low <= _EQUAL * max(abs(low), abs(high)):
            raise Undefined("a correlation needs numbers that differ from item to item")
