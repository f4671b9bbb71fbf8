"""The first pass over a matrix: means, scatter and sums. Most measures need nothing else.

    V [n, d], û = v / ‖v‖ over the m rows that are not zero

    mean, scatter    μ and Σ (v - μ)(v - μ)ᵀ, merged block by block (Chan, Golub, LeVeque 1983)
    gram             VᵀV = scatter + n μ μᵀ, a sum of two positive parts, so that no digit is lost
    unit_gram        ÛᵀÛ, likewise from the central moments of the û, `units`
    unit_sums        Σ û of each group of rows, and of all

Moments of parts of a matrix add up to those of the whole, in any order: blocks, processes, or chunks of an
array that fits no machine. All are float64, whatever the type of the numbers.

Squares of numbers beyond 2^±300 could overflow or vanish. Such rows are first divided by a power of two,
which loses no digit. `Moments.exponent` keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from degen.analysis.passes.arrays import (
    Array,
    Float,
    largest_entry,
    namespace,
    scaled_by,
    to_numpy,
    unit_rows,
)
from degen.errors import UserError

_PLAIN = 300
"""Rows whose largest entry lies within 2^±300 need no division."""

_LARGEST = 1000
"""Sums of lengths of rows whose largest entry is below 2^1000 do not overflow."""


class TooLarge(UserError):
    """The numbers of a matrix are finite, and so large that lengths of its rows are not."""


@dataclass(frozen=True)
class UnitMoments:
    """Central sums over rows at length 1, which lose no digits however narrow the cone is that they lie in.

    Here û is v / ‖v‖ of a row that is not zero, e = û - mean, and s = ‖e‖². Products of the û are of size 1,
    and their differences lose the spread of a narrow cone; products of the e are of the size of the spread.
    Because ‖û‖ = 1, even the part of e along the mean, (mean of s - s) / (2 ‖mean‖), needs no difference.

    Attributes
    ----------
    m
        rows.
    mean
        float64 [d]: the mean of û; zeros where there are no rows.
    scatter
        float64 [d, d]: Σ e eᵀ.
    skew
        float64 [d]: Σ s e.
    spread
        Σ (s - mean of s)².
    """

    m: int
    mean: Float
    scatter: Float
    skew: Float
    spread: float

    @classmethod
    def of(cls, units: Array) -> UnitMoments:
        """Return the moments of a block of rows at length 1, float64 [m, d], none of them zero."""
        m, d = units.shape
        if not m:
            return cls(0, np.zeros(d), np.zeros((d, d)), np.zeros(d), 0.0)
        mean = units.mean(axis=0)
        rest = units - mean
        squares = namespace(rest).einsum("ij,ij->i", rest, rest)
        return cls(
            int(m),
            to_numpy(mean),
            to_numpy(rest.T @ rest),
            to_numpy(rest.T @ squares),
            float(((squares - squares.mean()) ** 2).sum()),
        )

    @property
    def total(self) -> float:
        """Σ s."""
        return float(np.trace(self.scatter))

    def __add__(self, other: UnitMoments) -> UnitMoments:
        """Return the moments of both parts together."""
        if not self.m or not other.m:
            return self if self.m else other
        m, delta = self.m + other.m, other.mean - self.mean
        mean = self.mean + delta * (other.m / m)
        a, b = self._about(delta * (other.m / m), mean), other._about(delta * (-self.m / m), mean)
        between = (b.total / b.m - a.total / a.m) ** 2 * (a.m * b.m / m)
        return UnitMoments(m, mean, a.scatter + b.scatter, a.skew + b.skew, a.spread + b.spread + between)

    def _about(self, shift: Float, mean: Float) -> UnitMoments:
        """Return the same sums with e less `shift` in place of e: about `mean`, which need not be theirs."""
        along, square = self.scatter @ shift, float(shift @ shift)
        return UnitMoments(
            self.m,
            mean,
            self.scatter + self.m * np.outer(shift, shift),
            self.skew - (self.total + self.m * square) * shift - 2 * along,
            max(self.spread - 4 * float(self.skew @ shift) + 4 * float(along @ shift), 0.0),
        )


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of a matrix, or of a part of it.

    Attributes
    ----------
    n
        rows.
    exponent
        `mean` and `scatter` are of the rows divided by 2^exponent: 0 but for huge or tiny numbers, whose
        squares would overflow or vanish.
    mean
        float64 [d].
    scatter
        float64 [d, d]: Σ (v - μ)(v - μ)ᵀ.
    group_sizes
        int64 [G]: rows that are not zero in each group.
    unit_sums
        float64 [G, d]: Σ û of each group.
    units
        central moments of the û, for measures of narrow cones.
    """

    n: int
    exponent: int
    mean: Float
    scatter: Float
    group_sizes: Any
    unit_sums: Float
    units: UnitMoments

    @property
    def gram(self) -> Float:
        """float64 [d, d]: VᵀV / 4^exponent."""
        return self.scatter + self.n * np.outer(self.mean, self.mean)

    @property
    def unit_gram(self) -> Float:
        """float64 [d, d]: Σ û ûᵀ."""
        return self.units.scatter + self.units.m * np.outer(self.units.mean, self.units.mean)

    @property
    def alive(self) -> int:
        """Rows that are not zero, m."""
        return int(self.group_sizes.sum())

    @property
    def unit_sum(self) -> Float:
        """float64 [d]: S = Σ û over all rows."""
        return np.asarray(self.unit_sums.sum(axis=0))

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both parts together."""
        exponent = max(self.exponent, other.exponent)
        (a, a_scatter), (b, b_scatter) = self._at(exponent), other._at(exponent)
        n = self.n + other.n
        delta = b - a
        return Moments(
            n,
            exponent,
            a + delta * (other.n / n),
            a_scatter + b_scatter + np.outer(delta, delta) * (self.n * other.n / n),
            self.group_sizes + other.group_sizes,
            self.unit_sums + other.unit_sums,
            self.units + other.units,
        )

    def _at(self, exponent: int) -> tuple[Float, Float]:
        """Mean and scatter of the rows divided by 2^exponent instead."""
        shift = self.exponent - exponent
        return np.ldexp(self.mean, shift), np.ldexp(self.scatter, 2 * shift)


def block_moments(block: Array, groups: Any = None, n_groups: int = 1) -> tuple[Moments, Float]:
    """Return the moments of a block of finite rows, float64 [b, d], and the norms of its rows, float64 [b].

    `groups`, NumPy int [b], has the group of each row, from 0 to n_groups - 1; by default all are in one.
    """
    xp = namespace(block)
    exponent = scale_exponent(largest_entry(block))
    scaled = scaled_by(block, -exponent)
    mean = scaled.mean(axis=0)
    centered = scaled - mean
    units, alive, norms = unit_rows(block)
    if groups is None:
        sums, sizes = units.sum(axis=0)[None], np.array([int(alive.sum())])
    else:
        member = np.zeros((n_groups, len(groups)))
        member[groups, np.arange(len(groups))] = 1.0
        sums = (xp.asarray(member, device=units.device) if xp is not np else member) @ units
        sizes = np.bincount(groups[np.asarray(to_numpy(alive))], minlength=n_groups)
    moments = Moments(
        len(block),
        exponent,
        to_numpy(mean),
        to_numpy(centered.T @ centered),
        sizes,
        to_numpy(sums),
        UnitMoments.of(units if alive.all() else units[alive]),
    )
    return moments, to_numpy(norms)


def total(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all parts together; at least one is needed."""
    return reduce(Moments.__add__, parts)


def scale_exponent(largest: float) -> int:
    """Return the power of two by which rows with this largest entry are divided before they are squared."""
    if not np.isfinite(largest):
        raise UserError("the matrix holds NaN or infinity; remove what is not finite")
    exponent = int(np.frexp(largest)[1])
    if exponent > _LARGEST:
        raise TooLarge(
            f"the matrix holds numbers as large as {largest:.2g}, so that lengths of rows overflow; divide "
            "it by a power of two, which changes no measure of directions or of the shape of the spectrum"
        )
    return exponent if abs(exponent) > _PLAIN and largest > 0 else 0
