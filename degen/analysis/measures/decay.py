"""Power law of the eigenvalues of the covariance: its exponent, and how well it fits.

    λᵢ ∝ i^-α     α = 0 is white, near 1 is usual for good self-supervised features, far above 1 is collapsed

Ranks count from 1. The first is left out by default, because it seldom lies on the line of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from degen.analysis.measures.spectrum import above_noise
from degen.analysis.passes.arrays import Array
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure
from degen.analysis.values import Undefined


@dataclass(frozen=True)
class PowerLaw:
    """A fit of λᵢ ∝ i^-α: `exponent` α, and `r2`, the share of the variance of ln λ that it explains."""

    exponent: float
    r2: float


def power_law(V: Rows | Array, *, center: bool = True, first: int = 2, weighted: bool = False) -> PowerLaw:
    """Fit ln λᵢ = c - α ln i by least squares over i = first … d, 1-based; `weighted` weighs i by 1/i.

    Raises
    ------
    Undefined
        where fewer than three of these λ are above the rounding noise, or not all are.
    """
    rows = Rows.of(V)
    kept = above_noise(rows, center)
    if len(kept) < rows.d or len(kept) - first < 2:
        raise Undefined(
            f"the decay of singular values {first} to {rows.d} needs at least three, all above rounding "
            f"noise; {len(kept)} are"
        )
    i = np.arange(first, len(kept) + 1)
    x, y = np.log(i), 2 * np.log(kept[first - 1 :])
    w = 1.0 / i if weighted else np.ones(len(i))
    x, y = x - np.average(x, weights=w), y - np.average(y, weights=w)
    slope = float((w * x * y).sum() / (w * x * x).sum())
    spread = float((w * y * y).sum())
    rest = float((w * (y - slope * x) ** 2).sum())
    return PowerLaw(-slope, 1 - rest / spread if spread > 0 else 1.0)


@measure(
    "spectrum",
    range=(0, math.inf),
    meaning="lower is more isotropic: 0 is white, near 1 good features, far above 1 collapsed",
    source="Agrawal et al., NeurIPS 2022 (α-ReQ); least squares over ranks 2 to d, weights 1",
    cost="O(n d²)",
    jackknife=True,
)
def decay_exponent(V: Rows) -> float:
    """Return α of λᵢ ∝ i^-α, λ of the centred matrix: `power_law(V).exponent`."""
    return power_law(V).exponent


@measure(
    "spectrum",
    range=(0, 1),
    meaning="near 1 the spectrum is a power law and the decay exponent means something",
    source="share of the variance of ln λ",
    cost="O(n d²)",
    jackknife=True,
)
def decay_r2(V: Rows) -> float:
    """Return R² of the fit of `decay_exponent`."""
    return power_law(V).r2
