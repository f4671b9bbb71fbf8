"""The second pass over a matrix: V W, where W are directions that the first pass found.

    gram             (V W)ᵀ V W, from which small singular values come as exact as from an SVD
    coordinates      first two columns of U S, [n, 2]
    log_z            log Σ exp(± ⟨w, v⟩) for every direction w, of rows as they are and at length 1, for I(V)
    unit_angles      degrees between each row and the mean direction of unit rows

Sums of blocks of rows are joined into those of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from degen.analysis.passes.arrays import (
    Array,
    Float,
    as_kind,
    largest_entry,
    namespace,
    scaled_by,
    to_numpy,
    unit_rows,
)
from degen.analysis.passes.first_pass import Moments

_SAFE = 700.0
"""exp of larger numbers overflows in float64."""

_NEAR = 0.9
"""The arc cosine of larger numbers loses digits of the angle."""


@dataclass(frozen=True, eq=False)
class Axes:
    """Directions found by pass 1, in columns, with the singular values that belong to them, descending.

    All were computed from the rows divided by 2^exponent.

    Attributes
    ----------
    raw, raw_values
        float64 [d, d] and [d]: of the rows as they are.
    centered, centered_values
        of the rows minus their mean.
    unit, unit_values
        of the rows at length 1.
    mean
        float64 [d]: the mean row.
    unit_mean_direction, mean_direction
        float64 [d]: the direction of the sum of the rows at length 1, and of the rows; zeros where there is
        none.
    exponent
        as in `Moments`.
    """

    raw: Float
    raw_values: Float
    centered: Float
    centered_values: Float
    unit: Float
    unit_values: Float
    mean: Float
    unit_mean_direction: Float
    mean_direction: Float
    exponent: int

    @classmethod
    def of(cls, moments: Moments) -> Axes:
        """Decompose the d × d sums of pass 1."""
        return cls(
            *_decomposed(moments.gram),
            *_decomposed(moments.scatter),
            *_decomposed(moments.unit_gram),
            moments.mean,
            unit_rows(moments.unit_sum[None])[0][0],
            unit_rows(moments.mean[None])[0][0],
            moments.exponent,
        )


def _decomposed(gram: Float) -> tuple[Float, Float]:
    values, vectors = np.linalg.eigh(gram)
    return vectors[:, ::-1].copy(), np.sqrt(values[::-1].clip(0))


@dataclass(frozen=True, eq=False)
class Shadow:
    """Sums over the rows of a matrix, or of a part of it, along its axes.

    Attributes
    ----------
    gram, centered_gram
        float64 [d, d]: PᵀP of P = V W and of the rows minus their mean, divided by 4^exponent.
    log_z, unit_log_z
        float64 [2, d]: log Σᵢ exp(⟨w, vᵢ⟩) and log Σᵢ exp(-⟨w, vᵢ⟩) for each axis w, of rows as they are and
        of rows at length 1.
    """

    gram: Float
    centered_gram: Float
    log_z: Float
    unit_log_z: Float

    @classmethod
    def joined(cls, parts: Sequence[Shadow]) -> Shadow:
        """Join the sums of parts, in any order."""
        return cls(
            np.sum([part.gram for part in parts], axis=0),
            np.sum([part.centered_gram for part in parts], axis=0),
            np.logaddexp.reduce([part.log_z for part in parts]),
            np.logaddexp.reduce([part.unit_log_z for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Projected:
    """Sums and columns of a matrix along its axes.

    Attributes
    ----------
    sums
        over all rows.
    coordinates
        float64 [n, min(d, 2)]: the first columns of U S, each with a sum of at least 0.
    unit_angles
        float64 [n]: degrees between each row and the mean direction of unit rows; NaN where one of them is
        zero.
    """

    sums: Shadow
    coordinates: Float
    unit_angles: Float


def visit_projected(block: Array, start: int, *, axes: Axes) -> tuple[Shadow, tuple[Float, Float]]:
    """Return sums and columns of a block of rows in float64, [b, d], along `axes`.

    The columns are the first coordinates, [b, min(d, 2)], of either sign, and the angles to the mean
    direction of unit rows, [b].
    """
    scaled = scaled_by(block, -axes.exponent)
    along = scaled @ as_kind(axes.raw, block)
    centered = (scaled - as_kind(axes.mean, block)) @ as_kind(axes.centered, block)
    units, alive, _ = unit_rows(block)
    unit_along = units @ as_kind(axes.unit, block)
    sums = Shadow(
        to_numpy(along.T @ along),
        to_numpy(centered.T @ centered),
        _log_z(scaled_by(along, axes.exponent)),
        _log_z(unit_along if alive.all() else unit_along[alive]),
    )
    angles = unit_angles(units, alive, axes.unit_mean_direction)
    return sums, (np.ldexp(to_numpy(along[:, :2]), axes.exponent), angles)


def _log_z(along: Array) -> Float:
    """Return the log of Σ exp(p) and Σ exp(-p) of every column of `along` [b, d], as [2, d]."""
    xp, (b, d) = namespace(along), along.shape
    if not b:
        return np.full((2, d), -np.inf)
    if largest_entry(along) < _SAFE:  # one exp and one reciprocal give both signs
        once = xp.exp(along)
        up = to_numpy(once.sum(axis=0))
        return np.asarray(np.log([up, to_numpy(xp.reciprocal(once, out=once).sum(axis=0))]))
    both = xp.stack([along, -along])
    largest = xp.amax(both, axis=1)
    return to_numpy(largest + xp.log(xp.exp(both - largest[:, None]).sum(axis=1)))


def unit_angles(units: Array, alive: Array, direction: Float) -> Float:
    """Return degrees between rows at length 1 and a direction, float64 [b]; NaN where one of them is zero.

    An arc cosine is not exact near 0 and 180: there the angle is taken from the chord.
    """
    if not direction.any():
        return np.full(len(units), np.nan)
    xp, axis = namespace(units), as_kind(direction, units)
    cosine = units @ axis
    angles = xp.arccos(xp.clip(cosine, -1.0, 1.0))
    for side in (1.0, -1.0):
        near = side * cosine > _NEAR
        if near.any():
            chord = units[near] - side * axis
            half = 2 * xp.arcsin(xp.sqrt((chord * chord).sum(axis=1)) / 2)
            angles[near] = half if side > 0 else np.pi - half
    return to_numpy(xp.where(alive, xp.rad2deg(angles), np.nan))


def refined(gram: Float) -> Float:
    """Return singular values, descending, [d], from the Gram matrix of V W, [d, d].

    Columns of V W that W found are nearly orthogonal: brought to length 1 their Gram matrix is nearly the
    identity, so that its root loses no digits, and small singular values stay as exact as large ones.
    """
    length = np.sqrt(np.diag(gram))
    scale = np.where(length > 0, length, 1.0)
    inner, turn = np.linalg.eigh(gram / np.outer(scale, scale))
    root = np.sqrt(inner.clip(0))[:, None] * turn.T
    return np.asarray(np.linalg.svd(root * length, compute_uv=False))
