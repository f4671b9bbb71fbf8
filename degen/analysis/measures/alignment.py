"""Alignment of two views of a sample, and uniformity of all rows (paper Eq. 6-7, 16-18).

    alignment(x, y)   mean ‖x̂ - ŷ‖² over positive pairs                               [0, 4]
    uniformity(x)     log mean over pairs i < j of exp(-t ‖x̂ᵢ - x̂ⱼ‖²), t = 2         [-4t, 0]

x̂ is x at length 1 (Wang & Isola, ICML 2020). Lower is better for both. The uniform distribution on the
sphere has uniformity -3.875 in 64 dimensions; 0 means that all rows point one way.

`definition="official"` follows the formulas in the released code of DuoRec: rows as they are, and distances
that are not squared, ‖x - y‖ and exp(-t ‖xᵢ - xⱼ‖). Those values depend on the length of the rows and have no
bound. The released code takes them over training batches with dropout on, so absolute levels differ.

NumPy arrays and torch tensors (on their device) are measured alike, in float64 whatever their type.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np

from degen.analysis.measures.isotropy import average_cosine
from degen.analysis.measures.pair_cosines import (
    all_rows,
    estimated_mean,
    means_without,
    random_cosines,
    sampled_pairs,
    upper_blocks,
)
from degen.analysis.passes.arrays import Array, Float, checked_rows, namespace, unit_rows
from degen.analysis.passes.buckets import Codes
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure
from degen.analysis.values import Estimate, Undefined
from degen.errors import UserError

Definition = Literal["paper", "official"]

_NARROW = 1e-6
"""Mean squared distance from the mean row, at length 1, below which all rows count as near each other."""


def alignment(x: Array, y: Array, *, definition: Definition = "paper") -> float:
    """Return the mean distance of the positive pairs (xᵢ, yᵢ); at least one pair is needed.

    Parameters
    ----------
    x, y
        [n, d] each; row i of both belongs to one sample. Both arrays, or both tensors on one device.
    definition
        `paper`: squared, of rows at length 1; a pair with a zero row has no angle and is left out.
        `official`: not squared, of the rows as they are.

    Raises
    ------
    UserError
        if NaN or infinity is met, or every pair has a zero row.
    ValueError
        if the shapes differ, or the definition is unknown.
    """
    _check(definition)
    first, second = checked_rows(x, "the first view"), checked_rows(y, "the second view")
    if first.shape != second.shape:
        raise ValueError(f"the views need one shape, got {tuple(first.shape)} and {tuple(second.shape)}")
    if definition == "official":
        return float(namespace(first).sqrt(_squared_length(first - second)).mean())
    (first, alive, _), (second, also_alive, _) = unit_rows(first), unit_rows(second)
    pairs = alive & also_alive
    if not pairs.any():
        raise UserError("alignment needs at least one pair without a zero row")
    return float(_squared_length((first - second)[pairs]).mean())


def uniformity(
    x: Rows | Array, t: float = 2.0, *, definition: Definition = "paper", block: int = 1024
) -> float:
    """Return the log of the mean over all pairs i < j of exp(-t · distance); at least two rows are needed.

    Every pair is visited once, in blocks, in O(n² d) time and O(block²) memory besides the rows in float64.
    The sum is kept as a logarithm, so that rows far apart (`official`) give a large negative number, not -∞.
    For `Rows` above their `exact_rows`, the paper's uniformity is an `Estimate` from random pairs.

    Parameters
    ----------
    x
        [n, d], a NumPy array or a tensor, all of whose pairs are visited, or `Rows`.
    t
        scale of the exponent.
    definition
        `paper`: squared distances of rows at length 1, zero rows left out. `official`: distances, not
        squared, of the rows as they are.
    block
        rows and columns of one block of pairs.

    Raises
    ------
    Undefined
        if fewer than two rows are left.
    UserError
        if NaN or infinity is met.
    ValueError
        if the definition is unknown.
    """
    _check(definition)
    if isinstance(x, Rows) and definition == "paper" and len(x) > x.exact_rows:
        mean, error = estimated_mean(x, np.exp(2 * t * (random_cosines(x) - 1)))
        mean = max(mean, math.exp(2 * t * (average_cosine(x) - 1)))  # Jensen's inequality
        return Estimate(math.log(mean), error / mean, sampled_pairs(x))
    rows = all_rows(x) if isinstance(x, Rows) else checked_rows(x, "the representations")
    if definition == "paper":
        units, alive, _ = unit_rows(rows)
        rows = units[alive]
    n = len(rows)
    if n < 2:
        kind = "rows that are not zero" if definition == "paper" else "rows"
        raise Undefined(f"uniformity needs at least 2 {kind}, there are {n}")
    if definition == "paper" and float(_squared_length(rest := rows - rows.mean(axis=0)).mean()) < _NARROW:
        return _uniformity_near(rest, t, block)
    exponent = _squared_exponent if definition == "paper" else _distance_exponent
    parts = [
        _log_sum_exp(exponent(rows[a], rows[b], t), upper=a == b)
        for a, b in upper_blocks(n, block)
        if a != b or a.stop - a.start > 1
    ]
    largest = max(parts)
    total = largest + math.log(math.fsum(math.exp(part - largest) for part in parts))
    return total - math.log(n * (n - 1) / 2)


def _uniformity_near(rest: Array, t: float, block: int) -> float:
    """Return the paper's uniformity of a narrow cone, from rows at length 1 minus their mean, [n, d].

    All cosines are nearly 1 there, and the mean of exp nearly 1 too: differences from 1 keep the digits.
    """
    n, total, lengths = len(rest), 0.0, _squared_length(rest)
    for a, b in upper_blocks(n, block):
        near = namespace(rest).expm1(-t * (lengths[a, None] + lengths[b] - 2 * (rest[a] @ rest[b].T)))
        part = float(near.sum())
        total += (part - float(namespace(near).trace(near))) / 2 if a == b else part
    return math.log1p(total / (n * (n - 1) / 2))


def _uniformity_without(V: Rows, group: Codes, groups: int) -> Float:
    """Return the paper's uniformity without each group of rows, float64 [groups]."""
    return np.log(means_without(V, group, groups, lambda cosines: namespace(cosines).exp(4 * cosines - 4)))


measure(
    "sphere",
    range=(-8, 0),
    meaning="lower is more isotropic; 0 is collapsed, the uniform sphere -3.875 in 64 dimensions",
    source="Wang and Isola, ICML 2020, t = 2",
    cost="O(n² d); sampled: 10⁶ pairs",
    jackknife=_uniformity_without,
)(uniformity)


def _check(definition: str) -> None:
    if definition not in get_args(Definition):
        raise ValueError(f"definition must be one of {', '.join(get_args(Definition))}, got {definition!r}")


def _squared_length(rows: Array) -> Any:
    return (rows * rows).sum(axis=1)


def _squared_exponent(a: Array, b: Array, t: float) -> Any:
    """Return -t ‖aᵢ - bⱼ‖² [A, B] of rows at length 1, where it is 2 t (cos - 1)."""
    return 2 * t * (a @ b.T) - 2 * t


def _distance_exponent(a: Array, b: Array, t: float) -> Any:
    """Return -t ‖aᵢ - bⱼ‖ [A, B], from differences.

    The square root of lengths minus products would lose half the digits: equal rows would seem 1e-8 apart.
    """
    xp = namespace(a)
    if xp.__name__ == "torch":
        return -t * xp.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    from scipy.spatial.distance import cdist  # 0.4 s to import, needed for this definition only

    return -t * cdist(a, b)


def _log_sum_exp(exponent: Array, *, upper: bool) -> float:
    """Return the log of the sum of exp over a block; with `upper` over its pairs i < j only."""
    xp = namespace(exponent)
    if upper:
        # A block on the diagonal is symmetric: leave out the diagonal and take half of the rest.
        exponent.reshape(-1)[:: len(exponent) + 1] = -math.inf
    largest = exponent.max()
    total = float(largest + xp.log(xp.exp(exponent - largest).sum()))
    return total - math.log(2) if upper else total
