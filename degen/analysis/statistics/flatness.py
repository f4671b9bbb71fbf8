"""Flatness of a curve over cells: its range, the range that noise of seeds explains, and an upper bound.

The difference of the means of cells i and j is off by at most q(0.95; k, ν)·σ·√((1/nᵢ + 1/nⱼ)/2), for all
pairs of k cells at once, with a probability of 95 % or more (Tukey and Kramer). A range below this half-width
may be noise alone. The true range is a difference of two cells, so that the largest upper end of these
intervals bounds it. Nothing is resampled: two or three seeds are too few for a bootstrap. Where a seed moves
all cells alike, σ has that too, and the bound is wider than needed.
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
    """A curve's range beside those that noise of seeds allows for.

    Attributes
    ----------
    range
        highest mean minus lowest mean of the cells.
    noise
        the largest range that noise alone explains.
    upper
        upper bound of the range without noise.
    """

    range: float
    noise: float
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
    low, high = means.argmin(), means.argmax()
    upper = (means[:, None] - means + half).max()
    return Flatness(float(means[high] - means[low]), float(half[high, low]), float(upper))


@cache
def _quantile(means: int, degrees: int) -> float:
    """Return q(0.95; k, ν), the 95 % quantile of the studentized range of k means."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(0.95, means, degrees))
