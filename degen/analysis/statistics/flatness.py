"""Flatness of a curve over cells: its range, and bounds of the range without the noise of seeds.

The difference of the means of cells i and j is off by at most q(0.95; k, ν)·σ·√((1/nᵢ + 1/nⱼ)/2), for all
pairs of k cells at once, with a probability of 95 % or more (Tukey and Kramer). The true range is the largest
difference of two cells, so that the largest lower and the largest upper end of these intervals bound it.
Nothing is resampled: two or three seeds are too few for a bootstrap. Where a seed moves all cells alike, σ
has that too, and the bounds are wider than needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from degen.analysis.values import Undefined


@dataclass(frozen=True)
class Flatness:
    """A curve's range, with simultaneous 95 % bounds.

    Attributes
    ----------
    range
        highest mean minus lowest mean of the cells.
    lower, upper
        bounds of the range without noise; `lower` is 0 where noise alone may have made it.
    """

    range: float
    lower: float
    upper: float


def pooled_deviation(samples: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return the standard deviation within samples, pooled over them, and its degrees of freedom.

    Samples of one value tell nothing and are passed over.

    Raises
    ------
    Undefined
        where every sample has one value.
    """
    several = [np.asarray(sample, dtype=np.float64) for sample in samples if len(sample) > 1]
    degrees = sum(len(sample) - 1 for sample in several)
    if not degrees:
        raise Undefined("the noise of seeds is unknown: no cell has two seeds")
    squares = sum(float(((sample - sample.mean()) ** 2).sum()) for sample in several)
    return math.sqrt(squares / degrees), degrees


def flatness(samples: Sequence[Sequence[float]]) -> Flatness:
    """Compare the range of the means of cells with the noise of seeds, at a level of 95 %.

    Parameters
    ----------
    samples
        the values of all seeds of each cell; at least two cells.

    Raises
    ------
    Undefined
        with fewer than two cells, or where no cell has two seeds.
    """
    if len(samples) < 2:
        raise Undefined(f"a curve needs at least two cells, there is {len(samples)}")
    sigma, degrees = pooled_deviation(samples)
    means = np.array([float(np.mean(sample)) for sample in samples])
    inverse = np.array([1 / len(sample) for sample in samples])
    half = _quantile(len(samples), degrees) * sigma * np.sqrt((inverse[:, None] + inverse) / 2)
    apart = means[:, None] - means
    return Flatness(float(apart.max()), max(0.0, float((apart - half).max())), float((apart + half).max()))


@cache
def _quantile(means: int, degrees: int) -> float:
    """Return q(0.95; k, ν), the 95 % quantile of the studentized range of k means."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(0.95, means, degrees))
