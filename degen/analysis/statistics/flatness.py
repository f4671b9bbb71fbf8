"""Test of whether a curve over cells is flat: its range against the noise of seeds.

The range of k means that differ only by noise exceeds the difference of any two. So the bound for two means,
2·√2·σ, is widened by Tukey's factor for k means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from degen.analysis.passes.arrays import Float
from degen.analysis.values import Undefined


@dataclass(frozen=True)
class Flatness:
    """A curve's range beside the largest one that noise of seeds explains.

    Attributes
    ----------
    range
        highest mean minus lowest mean of the cells.
    threshold
        2·√2·σ·factor/√n; the curve is flat below it.
    deviation, degrees
        σ, the standard deviation over seeds, and its degrees of freedom.
    factor
        Tukey's factor, at least 1.
    cells
        k, the number of means.
    seeds
        n, the harmonic mean of the numbers of seeds behind the means.
    """

    range: float
    threshold: float
    deviation: float
    degrees: float
    factor: float
    cells: int
    seeds: float

    @property
    def flat(self) -> bool:
        """True if noise of seeds explains the range."""
        return self.range < self.threshold


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


def flatness(samples: Sequence[Sequence[float]], deviation: tuple[float, float] | None = None) -> Flatness:
    """Test whether the means of cells differ by more than the noise of seeds, at a level of about 95 %.

    Parameters
    ----------
    samples
        the values of all seeds of each cell; at least two cells.
    deviation
        standard deviation over seeds with its degrees of freedom, from anchors for example; by default
        pooled over the cells themselves.

    Raises
    ------
    Undefined
        with fewer than two cells, or where the deviation is unknown.

    Notes
    -----
    Tukey's factor is q(0.95; k, ν) / q(0.95; 2, ∞), the ratio of quantiles of the studentized range. It is 1
    for two means and a deviation that is known exactly, and larger for more means or few degrees ν. The 2
    stands for 1.96, the normal quantile.
    """
    if len(samples) < 2:
        raise Undefined(f"a curve needs at least two cells, there is {len(samples)}")
    sigma, degrees = deviation or pooled_deviation(samples)
    means = np.array([float(np.mean(sample)) for sample in samples])
    seeds = len(samples) / sum(1 / len(sample) for sample in samples)
    factor = tukey_factor(len(samples), degrees)
    threshold = 2 * math.sqrt(2) * sigma * factor / math.sqrt(seeds)
    return Flatness(_range(means), threshold, sigma, degrees, factor, len(samples), seeds)


@cache
def tukey_factor(means: int, degrees: float, level: float = 0.95) -> float:
    """Return the quantile of the studentized range of `means` means, as a multiple of that of two."""
    from scipy.stats import norm, studentized_range

    two = math.sqrt(2) * float(norm.ppf((1 + level) / 2))
    return float(studentized_range.ppf(level, means, degrees)) / two


def _range(means: Float) -> float:
    return float(means.max() - means.min())
