"""Isotropy: the spread of the rows of a matrix over all directions.

    û = v / ‖v‖ over the m rows that are not zero, S = Σ û

    average_cosine        mean cosine over all pairs of rows i < j, by a closed form: nothing is sampled
    mean_squared_cosine   mean squared cosine; together with the mean, the spread of all cosines
    isotropy              I(V): smallest over largest partition function along the singular directions
    isoscore              from the covariance alone, so that it does not see a common direction

Zero rows have no direction; measures of directions leave them out.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np

from degen.analysis.passes.first_pass import UnitMoments
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure
from degen.analysis.values import Undefined

_measure = partial(measure, "isotropy", cost="O(n d²)", jackknife=True)

_NULL = 1e-7
"""Roots of eigenvalues of VᵀV below this share of the first are rounding: no row has a part along them."""

_REPEATED = 1e-9
"""Singular values that differ by less than this share of the first count as equal."""


@_measure(
    range=(-1, 1),
    meaning="lower is more isotropic: 0 at random, 1 a single direction",
    source="Ethayarajh, EMNLP 2019, there from sampled pairs",
    cost="O(n d)",
    each_epoch=True,
    undefined="if fewer than two rows are not zero",
)
def average_cosine(V: Rows) -> float:
    """Return the mean of cos(vᵢ, vⱼ) over all pairs i < j of the rows of `V` [n, d], in [-1/(m-1), 1].

    With S the sum of the rows at length 1, the cosines of all pairs add up to (‖S‖² - m) / 2.
    """
    m, total = at_least(V, 2), V.moments.unit_sum
    return float((total @ total - m) / (m * (m - 1)))


@_measure(
    range=(0, 1),
    meaning="lower is more isotropic: 1/d at random, 1 a single line; sees planes as the mean does not",
    source="closed form (‖ÛᵀÛ‖_F² - m) / (m (m - 1))",
    undefined="if fewer than two rows are not zero",
)
def mean_squared_cosine(V: Rows) -> float:
    """Return the mean of cos²(vᵢ, vⱼ) over all pairs i < j."""
    m = at_least(V, 2)
    return float(((V.moments.unit_gram**2).sum() - m) / (m * (m - 1)))


@_measure(
    range=(0, 1),
    meaning="spread of the cosines of all pairs; about 1/√d for an isotropic cloud",
    source="closed form from the central moments of unit rows",
    undefined="if fewer than two rows are not zero",
)
def cosine_std(V: Rows) -> float:
    """Return the standard deviation of cos(vᵢ, vⱼ) over all pairs i < j.

    With e = û - mean, s = ‖e‖², E = Σ e eᵀ and T = Σ s, its square is (m Σ (s - T/m)² / 2 + ‖E‖_F² -
    T² / (m - 1)) / (m (m - 1)). The mean square less the squared mean would lose a narrow cone's digits.
    """
    m, units = at_least(V, 2), V.moments.units
    if m == 2:
        return 0.0
    within = float((units.scatter**2).sum()) - units.total**2 / (m - 1)
    return math.sqrt(max(m / 2 * units.spread + within, 0.0) / (m * (m - 1)))


@_measure(
    range=(-math.inf, 0),
    meaning="higher is more isotropic: 0 in all directions alike; longer rows lower it unless brought to 1",
    source="Mu and Viswanath, ICLR 2018, over the eigenvectors of VᵀV with both signs",
    cost="O(n d²), 2 n d exponentials",
    also={"log_isotropy_unit": {"rows": "unit"}},
    undefined="if eigenvalues repeat, for then the eigenvectors are not determined",
)
def log_isotropy(
    V: Rows, *, rows: Literal["raw", "unit"] = "raw", sign: Literal["both", "sum>=0"] = "both"
) -> float:
    """Return ln I(V) = min ln Z(w) - max ln Z(w), Z(w) = Σᵢ exp(⟨w, vᵢ⟩), over the eigenvectors w of VᵀV.

    An eigenvector's sign is arbitrary and Z(w) ≠ Z(-w): both are taken, or the one by which the coordinates
    add up to at least 0. `rows="unit"` brings the rows to length 1 first.
    """
    axes, moments = V.axes, V.moments
    values = axes.raw_values if rows == "raw" else axes.unit_values
    live = values[values > _NULL * values[0]]
    if not len(live) or (len(live) > 1 and (live[:-1] - live[1:]).min() < _REPEATED * values[0]):
        raise Undefined("I(V) is not determined where singular values repeat, or all are 0")
    log_z = V.projected.sums.log_z if rows == "raw" else V.projected.sums.unit_log_z
    if sign == "sum>=0":
        sums = moments.mean @ axes.raw if rows == "raw" else moments.unit_sum @ axes.unit
        log_z = np.where(sums >= 0, log_z[0], log_z[1])
    return float(log_z.min() - log_z.max())


@_measure(
    range=(0, 1),
    meaning="higher is more isotropic: 1 in all directions alike; longer rows lower it unless brought to 1",
    source="Mu and Viswanath, ICLR 2018",
    cost="O(n d²), 2 n d exponentials",
    also={"isotropy_unit": {"rows": "unit"}},
)
def isotropy(
    V: Rows, *, rows: Literal["raw", "unit"] = "raw", sign: Literal["both", "sum>=0"] = "both"
) -> float:
    """Return I(V) = min Z(w) / max Z(w); see `log_isotropy`, which keeps its digits where this one is
    1e-300.
    """
    return math.exp(log_isotropy(V, rows=rows, sign=sign))


@_measure(
    range=(-1, 1),
    meaning="higher is more isotropic: 1 in all directions alike; I(V) to second order, of rows at length 1",
    source="Mu and Viswanath, ICLR 2018, second-order form",
    undefined="if every row is zero",
)
def isotropy_second_order(V: Rows) -> float:
    """Return (m - ‖S‖ + σ_d²/2) / (m + ‖S‖ + σ₁²/2), σ of the rows at length 1."""
    m, length = at_least(V, 1), float(np.linalg.norm(V.moments.unit_sum))
    units, largest = V.moments.units, V.axes.unit_values[0]
    short = m * units.total / (m + length)  # m - ‖S‖, because ‖S‖² = m² - m Σ ‖e‖²
    return float((short + _smallest_unit_value(units) ** 2 / 2) / (m + length + largest**2 / 2))


def _smallest_unit_value(units: UnitMoments) -> float:
    """Return the smallest singular value of the rows at length 1, exact also where the first is far larger.

    The sum of squares of the rows is E + m mean meanᵀ. A root of it has the root of E above the mean.
    """
    values, vectors = np.linalg.eigh(units.scatter)
    root = np.vstack([np.sqrt(values.clip(0))[:, None] * vectors.T, math.sqrt(units.m) * units.mean])
    return float(np.linalg.svd(root, compute_uv=False)[-1])


@_measure(
    range=(0, 1),
    meaning="higher is more isotropic; blind to a common direction, low where n is not far above d",
    source="Rudman et al., Findings of ACL 2022; its seven steps cancel to this",
    undefined="in one dimension, or where all rows are equal",
)
def isoscore(V: Rows) -> float:
    """Return ((tr C)² / ‖C‖_F² - 1) / (d - 1), C the covariance: how many dimensions are used, rescaled."""
    largest = abs(V.moments.scatter).max()
    if V.d < 2 or largest == 0:
        raise Undefined("IsoScore needs two dimensions and rows that differ")
    scaled = V.moments.scatter / largest
    return float((np.trace(scaled) ** 2 / (scaled**2).sum() - 1) / (V.d - 1))


def at_least(V: Rows, count: int) -> int:
    """Return m, how many rows are not zero; `Undefined` if there are fewer than `count`."""
    m = V.moments.alive
    if m < count:
        raise Undefined(f"at least {count} rows that are not zero are needed, the matrix has {m}")
    return m
