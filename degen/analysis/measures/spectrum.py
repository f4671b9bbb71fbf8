"""The spectrum of an embedding matrix: singular values, and coordinates along the first two axes.

A degenerated matrix has one large singular value; its rare items lie in a cone along the first axis
(paper §2).

    V [n, d] = U S Wᵀ            thin SVD, not centred by default, because centring hides the cone
    σ, λ = σ²                    singular values and eigenvalues, descending

    project                      coordinates, σ and variance shares        Fig. 1, 3, 4
    normalized_singular_values   σᵢ / σ₁, descending, [d]; zeros for a zero matrix
    effective_rank … explained_variance     one number each, in the registry of measures

σ comes from two passes over blocks of rows (`Rows`). It is as exact as LAPACK's and needs the memory of one
block. Rank and condition number count σ as 0 below the rounding noise of the numbers as they were stored
(`Rows.rank_tolerance`).

Arrays in (NumPy or torch), new NumPy arrays out. No input is changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure
from degen.analysis.values import Undefined
from degen.errors import UserError

_measure = partial(measure, "spectrum", range=(1, math.inf), cost="O(n d²)", jackknife=True)


@dataclass(frozen=True)
class Projection:
    """The numbers behind Fig. 1 for one matrix [n, d], n ≥ d ≥ 2.

    Attributes
    ----------
    coordinates
        float64 [n, 2]: the first two columns of U S, each with a sum ≥ 0.
    singular_values
        float64 [d], descending, ≥ 0.
    variance_share
        float64 [d]: σᵢ² / Σσ², the share of each axis in the squared length of all rows; zeros for a zero
        matrix.
    """

    coordinates: Float
    singular_values: Float
    variance_share: Float

    @property
    def normalized_singular_values(self) -> Float:
        """float64 [d] in [0, 1]: σᵢ / σ₁; zeros for a zero matrix."""
        return _share(self.singular_values, self.singular_values[0])


def project(V: Rows | Array) -> Projection:
    """Return the projection of the rows of `V` [n, d] on its first two axes, with its singular values.

    Raises
    ------
    UserError
        if `V` has not two dimensions, holds NaN or infinity, or not n ≥ d ≥ 2.
    """
    rows = Rows.of(V)
    n, d = len(rows), rows.d
    if d < 2:
        raise UserError(f"the matrix has {n} rows of {d} numbers; a projection needs at least two dimensions")
    if n < d:
        raise UserError(
            f"the matrix has {n} rows of {d} numbers, fewer items than dimensions; are its columns the "
            "items? Then transpose it"
        )
    s = rows.singular_values
    return Projection(rows.projected.coordinates, s, variance_share(s))


def singular_values(V: Rows | Array, *, center: bool = False) -> Float:
    """Return float64 [min(n, d)]: σ of `V` [n, d], descending; with `center`, of `V` less its mean row."""
    rows = Rows.of(V)
    return rows.centered_singular_values if center else rows.singular_values


def normalized_singular_values(V: Rows | Array, *, center: bool = False) -> Float:
    """Return float64 [d] in [0, 1]: σᵢ / σ₁, descending; zeros after the n-th and for a zero matrix."""
    rows = Rows.of(V)
    s = np.zeros(rows.d)
    values = singular_values(rows, center=center)
    s[: len(values)] = values
    return _share(s, s[0])


@_measure(
    range=(0, 1),
    meaning="higher is more isotropic; near 0 one direction dominates",
    source="Qiu et al., WSDM 2022, Fig. 1",
    each_epoch=True,
    also={"sigma2_ratio_centered": {"center": True}},
)
def sigma2_ratio(V: Rows, *, center: bool = False) -> float:
    """Return σ₂ / σ₁ in [0, 1]; 0 if there is no σ₂ or V is zero."""
    s = singular_values(V, center=center)
    return float(_share(s, s[0])[1]) if len(s) > 1 else 0.0


@_measure(
    meaning="higher is more isotropic; how many directions carry the matrix, at most its rank",
    source="Roy and Vetterli, EUSIPCO 2007",
    each_epoch=True,
    also={
        "effective_rank_centered": {"center": True},
        "effective_rank_lambda": {"p": "lambda"},
    },
)
def effective_rank(V: Rows, *, center: bool = False, p: Literal["sigma", "lambda"] = "sigma") -> float:
    """Return exp(-Σ pᵢ ln pᵢ), p = σ / Σσ, in [1, rank]; 0 for a zero matrix.

    `p="lambda"` takes shares of λ = σ² instead, as much code does under the same name: lower on a cone.
    """
    s = singular_values(V, center=center)
    return effective_rank_of(s if p == "sigma" else _share(s, s[0]) ** 2)


@_measure(
    meaning="higher is more isotropic; how many directions carry the matrix; compare runs of one method",
    source="Garrido et al., ICML 2023, Eq. 1-2",
    also={"rankme_centered": {"center": True}},
)
def rankme(V: Rows, *, center: bool = False, eps: float = 1e-7) -> float:
    """Return exp(-Σ pₖ ln pₖ), pₖ = σₖ / ‖σ‖₁ + ε: the effective rank but for ε, which may lift it over d."""
    s = singular_values(V, center=center)
    p = _share(s, s.sum()) + eps
    return float(np.exp(-(p * np.log(p)).sum()))


@_measure(
    meaning="higher is more isotropic; how many directions as strong as the first would hold all the energy",
    source="Rudelson and Vershynin, J. ACM 2007",
    also={"stable_rank_centered": {"center": True}},
)
def stable_rank(V: Rows, *, center: bool = False) -> float:
    """Return ‖V‖_F² / σ₁² = Σλ / λ₁; 0 for a zero matrix."""
    s = singular_values(V, center=center)
    return float((_share(s, s[0]) ** 2).sum())


@_measure(
    meaning="higher is more isotropic; how many times the first singular value all of them add up to",
    source="Guo et al., ICML 2024",
    also={"information_abundance_centered": {"center": True}},
)
def information_abundance(V: Rows, *, center: bool = False) -> float:
    """Return Σσ / σ₁; 0 for a zero matrix."""
    s = singular_values(V, center=center)
    return float(_share(s, s[0]).sum())


@_measure(
    meaning="higher is more isotropic; over how many directions the energy is spread",
    source="Gao et al., bioRxiv 214262, 2017",
    also={"participation_ratio_centered": {"center": True}},
)
def participation_ratio(V: Rows, *, center: bool = False) -> float:
    """Return (Σλ)² / Σλ², λ = σ²; 0 for a zero matrix."""
    s = singular_values(V, center=center)
    squared = _share(s, s[0]) ** 2
    return float(squared.sum() ** 2 / (squared**2).sum()) if s[0] > 0 else 0.0


@_measure(
    range=(0, math.inf),
    meaning="how many directions are above the rounding noise of the numbers as stored",
    source="tolerance 10 ε(type of the numbers) σ₁",
    also={"numerical_rank_centered": {"center": True}},
    jackknife=False,
)
def numerical_rank(V: Rows, *, center: bool = False) -> float:
    """Return how many singular values exceed `Rows.rank_tolerance` σ₁, σ₁ that of V, also with `center`."""
    return float(len(above_noise(V, center)))


@_measure(
    meaning="lower is more isotropic; first singular value over the last: 1 in all directions alike",
    source="σ₁ / σ_d",
    also={
        "condition_number_centered": {"center": True},
        "condition_number_nonzero": {"over": "nonzero"},
    },
    undefined="for a zero matrix",
)
def condition_number(V: Rows, *, center: bool = False, over: Literal["all", "nonzero"] = "all") -> float:
    """Return σ₁ / σ_d, ∞ where σ_d is rounding noise; `over="nonzero"`: σ₁ / the last σ above the noise."""
    kept = above_noise(V, center)
    if not len(kept):
        raise Undefined("a matrix of zeros has no condition number")
    if over == "all" and len(kept) < V.d:
        return math.inf
    return float(kept[0] / kept[-1])


@_measure(
    range=(0, 1),
    meaning="lower is more isotropic; k/d in all directions alike, near 1 where k directions hold it all",
    source="share of λ in the first k directions",
    name="explained_variance_1",
    also={
        **{f"explained_variance_{k}": {"k": k} for k in (2, 3, 5)},
        **{f"explained_variance_{k}_centered": {"k": k, "center": True} for k in (1, 2, 3, 5)},
    },
)
def explained_variance(V: Rows, k: int = 1, *, center: bool = False) -> float:
    """Return Σ_{i≤k} σᵢ² / Σσ² in [0, 1]; 0 for a zero matrix; 1 where `k` exceeds the directions.

    Raises
    ------
    ValueError
        if `k` is less than 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    return float(variance_share(singular_values(V, center=center))[:k].sum())


def effective_rank_of(s: Float) -> float:
    """Return the effective rank of singular values that are already known."""
    p = _share(s, s.sum())
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0


def above_noise(V: Rows, center: bool) -> Float:
    """Return the singular values above rounding noise, which is that of the numbers before centring."""
    s = singular_values(V, center=center)
    above: Float = s[s > V.rank_tolerance * V.singular_values[0]]
    return above


def variance_share(s: Float) -> Float:
    """Return the share of each singular value in the sum of squares of all, float64 [d]; zeros for zeros."""
    squared = _share(s, s[0]) ** 2
    return _share(squared, squared.sum())


def _share(values: Float, whole: float) -> Float:
    """Return values / whole, or zeros where the whole is zero."""
    shares: Float = values / whole if whole > 0 else np.zeros_like(values)
    return shares
