"""Similarity of two matrices over the same items, up to a rotation between them.

    A [n, d_a], B [n, d_b], rows matched by item (`matched`)

    linear_cka, debiased_cka             similarity of all products of rows, led by the large directions
    procrustes_distance, _disparity      remainder after the best rotation
    procrustes_cosines                   the same per item, to see which items moved
    principal_angle                      angle between the spaces of the leading left singular directions

CKA sees large directions only: two runs with a CKA near 1 may share half of their neighbours.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from degen.analysis.passes.arrays import Array, Float, to_numpy, unit_rows
from degen.analysis.passes.pair import Pair
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import comparison
from degen.analysis.values import Undefined

_comparison = partial(comparison, cost="O(n d²)")

_CONSTANT = 1e-24
"""Rows whose variance is below this share of their energy are equal but for rounding."""

_NULL = 1e-5
"""Singular values below this share of the first are left out of angles; their directions are inexact."""


@_comparison(
    range=(0, 1),
    meaning="1 for equal up to rotation and scale",
    source="linear CKA, Kornblith et al., ICML 2019; biased upwards for few rows",
    name="cka",
    also={"cka_uncentered": {"center": False}},
    undefined="if a matrix is zero, or, centred, all of its rows are equal",
)
def linear_cka(pair: Pair, *, center: bool = True) -> float:
    """Return ‖AᵀB‖_F² / (‖AᵀA‖_F ‖BᵀB‖_F), columns centred or not."""
    first, second = (_unit_gram(side, center) for side in (pair.a, pair.b))
    alike = (_unit_cross(pair, center) ** 2).sum()
    return float(alike / (np.linalg.norm(first) * np.linalg.norm(second)))


@_comparison(
    range=(-1, 1),
    meaning="1 for equal up to rotation and scale, 0 on average for unrelated ones however few the rows",
    source="unbiased HSIC of Song et al., JMLR 2012, in CKA as by Nguyen et al., ICLR 2021, Eq. 3",
    name="cka_debiased",
    undefined="for fewer than four rows, or rows that are all equal",
)
def debiased_cka(pair: Pair) -> float:
    """Return linear CKA without the pairs of a row with itself, which lift it for few rows.

    The unbiased HSIC of kernels without their diagonals does not change when rows are centred, and of centred
    rows it is (‖AᵀB‖_F² - Σ ‖a‖²‖b‖² n/(n-2) + Σ‖a‖² Σ‖b‖² / ((n-1)(n-2))) / (n (n-3)).
    """
    n = len(pair.a)
    if n < 4:
        raise Undefined(f"debiased CKA needs at least 4 rows, there are {n}")
    grams = (_unit_gram(pair.a, True), _unit_gram(pair.b, True))
    alike = [(grams[0] ** 2).sum(), (_unit_cross(pair, True) ** 2).sum(), (grams[1] ** 2).sum()]
    pairs = [pair.squares[0, 0], pair.squares[0, 1], pair.squares[1, 1]]
    alike_a, both, alike_b = (
        found - same * n / (n - 2) + 1 / ((n - 1) * (n - 2)) for found, same in zip(alike, pairs, strict=True)
    )
    if min(alike_a, alike_b) <= 0:
        raise Undefined("debiased CKA needs more rows: their own similarity is not above chance")
    return float(both / math.sqrt(alike_a * alike_b))


@_comparison(
    range=(0, 2),
    meaning="0 for equal up to rotation and scale",
    source="orthogonal Procrustes, each matrix at Frobenius norm 1: 2 - 2 ‖AᵀB‖_*",
    also={"procrustes_distance_uncentered": {"center": False}},
    undefined="if a matrix is zero, or, centred, all of its rows are equal",
)
def procrustes_distance(pair: Pair, *, center: bool = True) -> float:
    """Return the least ‖A Q - B‖_F² over rotations and reflections Q, A and B at Frobenius norm 1."""
    return max(2 - 2 * _nuclear_norm(pair, center), 0.0)


@_comparison(
    range=(0, 1),
    meaning="0 for equal up to rotation and scale",
    source="what SciPy calls disparity: 1 - ‖AᵀB‖_*², the best scale taken as well",
    also={"procrustes_disparity_uncentered": {"center": False}},
    undefined="if a matrix is zero, or, centred, all of its rows are equal",
)
def procrustes_disparity(pair: Pair, *, center: bool = True) -> float:
    """Return the least ‖s A Q - B‖_F² over rotations Q and scales s, A and B at Frobenius norm 1."""
    return max(1 - _nuclear_norm(pair, center) ** 2, 0.0)


@_comparison(
    range=(-1, 1),
    meaning="1 where every item points the same way in both after the best rotation",
    source="mean of cos(aᵢ Q, bᵢ), Q of the uncentred Procrustes problem",
    undefined="if there is no such item",
)
def procrustes_cosine(pair: Pair) -> float:
    """Return the mean of `procrustes_cosines` over the items that are zero in neither."""
    cosines = _cosines(pair)
    if np.isnan(cosines).all():
        raise Undefined("no item has a row that is not zero in both matrices")
    return float(np.nanmean(cosines))


def procrustes_cosines(A: Rows | Array, B: Rows | Array) -> Float:
    """Return cos(aᵢ Q, bᵢ) of every item, float64 [n]; Q is the rotation that brings A nearest to B.

    NaN where one of the rows is zero. `Buckets.means` gives them by popularity.
    """
    return _cosines(Pair(Rows.of(A), Rows.of(B)))


@_comparison(
    range=(0, 90),
    meaning="0 where the leading directions span one space, near 90 where they share nothing",
    source="Björck and Golub 1973, over the leading 5 left singular directions; widest angle",
    name="principal_angle_max",
    also={"principal_angle_max_centered": {"center": True}},
)
def principal_angle(pair: Pair, k: int = 5, *, center: bool = False) -> float:
    """Return the widest of `principal_angles`, in degrees."""
    return float(_angles(pair, k, center)[-1])


def principal_angles(A: Rows | Array, B: Rows | Array, k: int = 5, *, center: bool = False) -> Float:
    """Return the angles between the spaces of n dimensions that k left singular directions of each span.

    In degrees, ascending, float64 [≤ k]; exact to 1e-6 degrees. A rotation of the columns does not change
    them. Directions whose singular value is hardly above 0 are left out.

    Raises
    ------
    Undefined
        if a matrix is zero, or, centred, all of its rows are equal.
    ValueError
        if `k` is less than 1.
    """
    return _angles(Pair(Rows.of(A), Rows.of(B)), k, center)


def _energy(side: Rows, center: bool) -> float:
    """Return ‖V‖_F² of the rows divided by 2^exponent, minus their mean where they are centred."""
    uncentered = float(np.trace(side.moments.gram))
    energy = float(np.trace(side.moments.scatter)) if center else uncentered
    if energy <= _CONSTANT * uncentered:
        raise Undefined("a comparison needs rows that are not zero, and that differ where they are centred")
    return energy


def _unit_gram(side: Rows, center: bool) -> Float:
    gram = side.moments.scatter if center else side.moments.gram
    return np.asarray(gram / _energy(side, center))


def _unit_cross(pair: Pair, center: bool) -> Float:
    """Return AᵀB of both at Frobenius norm 1."""
    lengths = [math.sqrt(_energy(side, center)) for side in (pair.a, pair.b)]
    if center:
        return pair.centered_cross
    cross = pair.centered_cross * pair.lengths[0] * pair.lengths[1]
    cross += len(pair.a) * np.outer(pair.a.moments.mean, pair.b.moments.mean)
    return np.asarray(cross / lengths[0] / lengths[1])


def _nuclear_norm(pair: Pair, center: bool) -> float:
    return float(np.linalg.svd(_unit_cross(pair, center), compute_uv=False).sum())


def _cosines(pair: Pair) -> Float:
    left, _, right = np.linalg.svd(_unit_cross(pair, False), full_matrices=False)
    found = np.empty(len(pair.a))
    for (rows, first), (_, second) in zip(pair.a.blocks(), pair.b.blocks(), strict=True):
        (a, alive, _), (b, also_alive, _) = unit_rows(to_numpy(first)), unit_rows(to_numpy(second))
        cosines = ((a @ left) * (b @ right.T)).sum(axis=1)
        found[rows] = np.where(alive & also_alive, cosines, np.nan)
    return found


def _angles(pair: Pair, k: int, center: bool) -> Float:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    first, second = (_inverse_root(side, k, center) for side in (pair.a, pair.b))
    overlap = first.T @ _unit_cross(pair, center) @ second
    cosines = np.linalg.svd(overlap, compute_uv=False)
    return np.asarray(np.degrees(np.arccos(cosines.clip(0, 1))))


def _inverse_root(side: Rows, k: int, center: bool) -> Float:
    """Return W_k S_k⁻¹ of the matrix at Frobenius norm 1, [d, ≤ k]: the matrix times it is U_k."""
    directions = side.axes.centered if center else side.axes.raw
    values = side.axes.centered_values if center else side.axes.raw_values
    values = values[:k] / math.sqrt(_energy(side, center))
    kept = values > _NULL * values[0]
    return np.asarray(directions[:, :k][:, kept] / values[kept])
