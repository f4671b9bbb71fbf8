"""The common direction of the rows: resultant length, concentration, angles to it, energy of the mean.

    û = v / ‖v‖ over the m rows that are not zero, S = Σ û, μ the mean row

Where rare items lie in a cone and frequent ones spread, numbers over all rows hide it; `popularity` measures
the same per bucket.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np

from degen.analysis.measures.isotropy import at_least
from degen.analysis.passes.arrays import Float
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure
from degen.analysis.values import Undefined

_measure = partial(measure, "isotropy", cost="O(n d²)", jackknife=True)

_ROUNDING = 4 * np.finfo(np.float64).eps
"""Rows that lie no further from their mean, at length 1, differ by rounding alone."""

_NARROW = 1e-3
"""1 - R̄² below which κ is found from a series: it is too large for a continued fraction."""

_TERMS = 8
"""Number of terms of that series; the last is below 1e-20 of the first."""

_UNIFORM = 1e-9
"""A mean below this share of the rows' length is rounding and has no direction."""


@_measure(
    range=(0, 1),
    meaning="lower is more isotropic: 1/√m for directions at random, 1 a single direction",
    source="directional statistics",
    cost="O(n d)",
    undefined="if every row is zero",
)
def mean_resultant_length(V: Rows) -> float:
    """Return R̄ = ‖S‖ / m."""
    return float(np.linalg.norm(V.moments.unit_sum)) / at_least(V, 1)


@_measure(
    range=(0, math.inf),
    meaning="lower is more isotropic: concentration of a von Mises-Fisher distribution, 0 is uniform",
    source="maximum likelihood; start of Banerjee et al., JMLR 2005",
    cost="O(n d)",
    undefined="if every row is zero, in one dimension, or where all rows point one way (κ = ∞)",
)
def vmf_kappa(V: Rows, *, method: Literal["mle", "banerjee"] = "mle") -> float:
    """Return κ with A_d(κ) = I_{d/2}(κ) / I_{d/2-1}(κ) = R̄; `banerjee`: R̄ (d - R̄²) / (1 - R̄²), near it."""
    r, d, units = mean_resultant_length(V), V.d, V.moments.units
    rest = units.total / units.m  # 1 - R̄², which a difference would lose in a narrow cone
    if d < 2 or rest <= max(V.rank_tolerance / 10, _ROUNDING) ** 2:
        raise Undefined("κ needs two dimensions and rows that do not all point one way")
    narrow = rest < _NARROW
    start = r * (d - r * r) / (rest if narrow else 1 - r * r)
    if method == "banerjee" or start == 0:
        return start
    return _large_kappa(rest / (1 + r), d) if narrow else _kappa(r, d, start)


def _large_kappa(short: float, d: int) -> float:
    """Return κ for which A_d(κ) = 1 - `short`, which is small, from the series 1 - A = Σ aₖ κ⁻ᵏ.

    A' = 1 - A² - (d - 1) A / κ gives each coefficient from those before it.
    """
    terms = [0.0, (d - 1) / 2]
    for k in range(2, _TERMS + 1):
        products = sum(terms[i] * terms[k - i] for i in range(1, k))
        terms.append(((k - 1 - 2 * terms[1]) * terms[k - 1] + products) / 2)
    x = short / terms[1]
    for _ in range(_TERMS):
        x = short / sum(a * x ** (k - 1) for k, a in enumerate(terms) if k)
    return 1 / x


def _kappa(r: float, d: int, start: float) -> float:
    """Solve A_d(κ) = r by Newton's method in a shrinking bracket; A' = 1 - A² - (d - 1) A / κ (Sra 2012)."""
    low, high, kappa = 0.2 * start, 5.0 * start, start
    for _ in range(100):
        ratio = bessel_ratio(d, kappa)
        low, high = (kappa, high) if ratio < r else (low, kappa)
        step = (ratio - r) / (1 - ratio**2 - (d - 1) * ratio / kappa)
        following = kappa - step if low < kappa - step < high else (low + high) / 2
        if abs(following - kappa) <= 1e-15 * kappa:
            break
        kappa = following
    return kappa


def bessel_ratio(d: int, kappa: float) -> float:
    """Return A_d(κ) = I_{d/2}(κ) / I_{d/2-1}(κ), κ > 0, by Gauss' continued fraction.

    Scaled Bessel functions underflow where d is large and κ small; the fraction does not. It is evaluated
    backwards from where its terms have outgrown κ.
    """
    ratio = 0.0
    for term in range(int(kappa) + 2 * d + 60, -1, -1):
        ratio = kappa / (d + 2 * term + kappa * ratio)
    return ratio


@_measure(
    range=(0, 180),
    meaning="higher is more isotropic: degrees between a row and the mean direction, 90 at random",
    source="median over rows; axis Σ û",
    name="cone_angle_median",
    also={"cone_angle_mean": {"q": None}, "cone_angle_95": {"q": 95}},
    undefined="if every row is zero, or the axis vanishes",
)
def cone_angle(
    V: Rows, q: float | None = 50, *, axis: Literal["unit rows", "raw rows"] = "unit rows"
) -> float:
    """Return the q-th percentile (50: median, None: mean) of the angles of rows to an axis, in degrees.

    The axis is the direction of S, or of μ with `raw rows`.
    """
    if axis == "unit rows":
        if no_axis(V):
            raise Undefined("the rows add up to nothing: there is no axis to measure angles from")
        angles = V.projected.unit_angles
    else:
        _mean_direction(V)
        angles = V.mean_angles
    kept = angles[np.isfinite(angles)]
    return float(kept.mean() if q is None else np.percentile(kept, q))


@_measure(
    range=(0, 180),
    meaning="degrees between the mean direction and the row furthest from it",
    source="maximum over rows; axis Σ û",
    jackknife=False,
)
def cone_angle_max(V: Rows) -> float:
    """Return the largest angle between a row and the direction of S, in degrees."""
    return cone_angle(V, 100)


@_measure(
    range=(0, 1),
    meaning="lower is more isotropic: 0 has no common mean, 1 all rows equal",
    source="n ‖μ‖² / ‖V‖_F²",
    cost="O(n d)",
    undefined="for a matrix of zeros",
)
def mean_energy_share(V: Rows) -> float:
    """Return the share of the squared length of all rows that is their mean's: n ‖μ‖² / ‖V‖_F²."""
    return float(len(V) * (V.moments.mean**2).sum()) / _energy(V)


@_measure(
    range=(0, 1),
    meaning="lower is more isotropic: 1/d at random, 1 a single line",
    source="‖V μ̂‖² / ‖V‖_F²",
    undefined="for a matrix of zeros, or one whose mean is zero",
)
def mean_direction_energy_share(V: Rows) -> float:
    """Return the share of the squared length of all rows that lies along the mean's direction."""
    direction = _mean_direction(V)
    return float(direction @ V.moments.gram @ direction) / _energy(V)


@_measure(
    range=(0, 1),
    meaning="lower is more isotropic: 1 where the first singular direction is the mean's, a cone",
    source="cos(μ, w₁), sign by which the first coordinates add up to at least 0",
    undefined="for a matrix of zeros, or one whose mean is zero",
)
def cos_mean_first_direction(V: Rows) -> float:
    """Return |cos(μ, w₁)|: with the sign rule of the projection it is never negative."""
    return float(abs(_mean_direction(V) @ V.axes.raw[:, 0]))


def no_axis(V: Rows) -> bool:
    """True if the sum of the rows at length 1 is rounding, so that they have no mean direction."""
    return bool(np.linalg.norm(V.moments.unit_sum) <= _UNIFORM * V.moments.alive)


def _energy(V: Rows) -> float:
    energy = float(np.trace(V.moments.gram))
    if energy == 0:
        raise Undefined("a matrix of zeros has no energy to share")
    return energy


def _mean_direction(V: Rows) -> Float:
    length = float(np.linalg.norm(V.moments.mean))
    if length <= _UNIFORM * math.sqrt(_energy(V) / len(V)):
        raise Undefined("the mean row is zero: it has no direction")
    return np.asarray(V.moments.mean / length)
