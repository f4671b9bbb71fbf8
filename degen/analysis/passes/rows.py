"""A matrix of embeddings with the sums that its measures share, each computed once and on demand.

    rows = Rows(V, frequency=counts)
    stable_rank(rows), average_cosine(rows), …      two passes over V for all of them together

Pass 1 (`moments`) takes means, scatter and sums. Their eigenvectors W are the singular directions of V, and
pass 2 (`projected`) goes over V W. One block of rows is in float64 at a time. So `V` may be an array, a
tensor, which is measured on its device, or anything that gives rows by slices, such as a file of ten million
rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import (
    Array,
    Float,
    checked_block,
    is_tensor,
    namespace,
    refuse_no_matrix,
    source_epsilon,
    unit_rows,
)
from degen.analysis.passes.buckets import DECILES, HEAD_MID_TAIL, Buckets, Codes, renumbered
from degen.analysis.passes.first_pass import Moments, TooLarge, block_moments, total
from degen.analysis.passes.second_pass import Axes, Projected, Shadow, refined, unit_angles, visit_projected
from degen.analysis.passes.sweep import Column, Join, Visit, sweep
from degen.errors import UserError

Int = npt.NDArray[np.int64]

BLOCK = 8192
"""Rows in float64 at once."""

_WIDE = 1e-2
"""σ_d/σ₁ below which the roots of eigenvalues of VᵀV have lost more than four of sixteen digits."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A matrix [n, d], one row per item, with what is known about the items.

    Attributes
    ----------
    values
        array, tensor, or anything with `shape`, `dtype`, `len` and slices of rows; integers and float16 are
        widened.
    frequency
        int [n]: how often each item occurs in training, or None.
    representations
        [q, d]: sequence representations h, whose dot products with the rows are scores, or None.
    exact_rows
        number of rows up to which measures of pairs visit all pairs; above it they return an `Estimate`.
    seed
        of all sampling.
    name
        of the matrix in errors.

    Raises
    ------
    UserError
        if `values` holds no numbers, has not two dimensions, or no row or column, or the others do not fit.
        All that reads rows names the first with NaN or infinity.
    """

    values: Array
    frequency: Int | None = None
    representations: Array | None = None
    exact_rows: int = 25_000
    seed: int = 0
    name: str = "the matrix"

    def __post_init__(self) -> None:
        refuse_no_matrix(self.values, self.name)
        shape = self.values.shape
        if self.frequency is not None and len(self.frequency) != shape[0]:
            raise UserError(f"{len(self.frequency)} frequencies for {shape[0]} rows; give one for each row")
        if self.representations is not None and self.representations.shape[1] != shape[1]:
            raise UserError(
                f"representations of {self.representations.shape[1]} numbers for items of {shape[1]}; "
                "both must come from one model"
            )

    @classmethod
    def of(cls, V: Rows | Array) -> Rows:
        """Return `V` if it is `Rows`, else those of an array, a tensor, or what `numpy.asarray` takes."""
        if isinstance(V, cls):
            return V
        values: Any = V
        if is_tensor(values):
            return cls(values.detach())
        if hasattr(values, "shape"):
            return cls(values)
        try:
            return cls(np.asarray(values))
        except ValueError as error:
            raise UserError("the rows differ in length; each item needs as many numbers, [n, d]") from error

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def d(self) -> int:
        """Columns."""
        return int(self.values.shape[1])

    def take(self, rows: Int) -> Rows:
        """Return some of the rows, ascending, with their frequencies, as `Rows`."""
        frequency = None if self.frequency is None else self.frequency[rows]
        return replace(self, values=self.values[rows], frequency=frequency)

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Yield slices of rows in order, each with its rows in float64 [≤ 8192, d], on their device."""
        for start in range(0, len(self), BLOCK):
            rows = slice(start, min(start + BLOCK, len(self)))
            yield rows, checked_block(self.values[rows], start, self.name)

    def picked(self, rows: Int) -> Iterator[tuple[Int, Array]]:
        """Yield some of the rows, ascending, about a block at a time: their numbers, and they in float64."""
        held: list[Array] = []
        given = 0
        for read, block in self.blocks():
            first, last = np.searchsorted(rows, [read.start, read.stop])
            if last > first:
                held.append(block[rows[first:last] - read.start])
            if last - given >= BLOCK // 2 or (held and read.stop == len(self)):
                yield rows[given:last], namespace(block).concatenate(held)
                held, given = [], last

    @cached_property
    def shared(self) -> dict[Any, Any]:
        """Results that other modules compute once for these rows, by key."""
        return {}

    @cached_property
    def rank_tolerance(self) -> float:
        """Largest σᵢ/σ₁ of a singular value that may be rounding noise of the numbers as they were stored."""
        return 10 * source_epsilon(self.values)

    @cached_property
    def head_mid_tail(self) -> Buckets | None:
        """Head, middle and tail of the items, or None without frequencies."""
        return None if self.frequency is None else Buckets.cut(self.frequency, HEAD_MID_TAIL)

    @cached_property
    def deciles(self) -> Buckets | None:
        """Deciles of the items, or None without frequencies."""
        return None if self.frequency is None else Buckets.cut(self.frequency, DECILES)

    @cached_property
    def groups(self) -> tuple[Codes, int] | None:
        """Group of each row, [n], and their number: cuts of `head_mid_tail` and `deciles` together."""
        if self.head_mid_tail is None or self.deciles is None:
            return None
        codes, kept = renumbered(self.head_mid_tail.codes * len(self.deciles.names) + self.deciles.codes)
        return codes, len(kept)

    def sweep(self, visit: Visit, join: Join, given: Sequence[Column] = ()) -> tuple[Any, list[Column]]:
        """Visit all rows once, as `degen.analysis.passes.sweep.sweep` does: sums and columns."""
        return sweep(self.values, visit, join, given)

    @cached_property
    def _first_pass(self) -> tuple[Moments, Float]:
        groups, n_groups = self.groups or (None, 1)
        given = () if groups is None else (groups,)
        moments, [norms] = self.sweep(
            partial(_visit_moments, n_groups=n_groups, name=self.name), total, given
        )
        return moments, norms

    @property
    def moments(self) -> Moments:
        """Sums over all rows (pass 1), by `groups` where there are frequencies."""
        return self._first_pass[0]

    @cached_property
    def finite(self) -> bool:
        """True if no row holds NaN or infinity: the first pass finds out."""
        try:
            return self.moments.n == len(self)
        except TooLarge:
            raise
        except UserError:
            return False

    def unit_sums(self, buckets: Buckets) -> tuple[Int, Float]:
        """Return the number of rows that are not zero in each bucket, int [b], and their Σ û, float64 [b, d].

        Pass 1 has them for `head_mid_tail` and `deciles`. For other buckets the rows are read again.
        """
        n_buckets = len(buckets.names)
        if self.groups is not None:
            groups, n_groups = self.groups
            owner = np.zeros(n_groups, dtype=np.int64)
            owner[groups] = buckets.codes
            if (owner[groups] == buckets.codes).all():
                member = (owner == np.arange(n_buckets)[:, None]).astype(np.float64)
                sizes = np.bincount(owner, weights=self.moments.group_sizes, minlength=n_buckets)
                return sizes.astype(np.int64), member @ self.moments.unit_sums
        moments, _ = self.sweep(partial(_visit_moments, n_groups=n_buckets), total, (buckets.codes,))
        return moments.group_sizes, moments.unit_sums

    @property
    def norms(self) -> Float:
        """float64 [n]: the length of each row."""
        return self._first_pass[1]

    @cached_property
    def axes(self) -> Axes:
        """The singular directions, from the eigenvectors of the sums of pass 1."""
        return Axes.of(self.moments)

    @cached_property
    def projected(self) -> Projected:
        """Everything that needs V W (pass 2)."""
        sums, [coordinates, angles] = self.sweep(partial(visit_projected, axes=self.axes), Shadow.joined)
        coordinates *= np.where(coordinates.sum(axis=0) < 0, -1.0, 1.0)
        return Projected(sums, coordinates, angles)

    @cached_property
    def mean_angles(self) -> Float:
        """float64 [n]: degrees between each row and the mean row; NaN where one of them is zero."""
        _, [angles] = self.sweep(partial(_visit_angles, direction=self.axes.mean_direction), list)
        return angles

    @cached_property
    def singular_values(self) -> Float:
        """float64 [min(n, d)]: σ, descending, as exact as an SVD of the matrix."""
        return self._refined(self.axes.raw_values, lambda: self.projected.sums.gram)

    @cached_property
    def centered_singular_values(self) -> Float:
        """float64 [min(n, d)]: those of the matrix minus its mean row."""
        return self._refined(self.axes.centered_values, lambda: self.projected.sums.centered_gram)

    def _refined(self, values: Float, gram: Any) -> Float:
        kept = values[: min(len(self), self.d)]
        # Every eigenvalue has the error of the largest one. That is good enough unless the spectrum is wide;
        # only then does pass 2 pay for exact small values.
        wide = kept[-1] < _WIDE * kept[0]
        exact = refined(gram())[: len(kept)] if wide else kept
        return np.ldexp(exact, self.moments.exponent)


def _visit_moments(
    block: Array, start: int, groups: Codes | None = None, *, n_groups: int, name: str = "the matrix"
) -> tuple[Moments, tuple[Float]]:
    try:
        moments, norms = block_moments(block, groups, n_groups)
    except UserError:
        checked_block(block, start, name)  # names the row
        raise
    return moments, (norms,)


def _visit_angles(block: Array, start: int, *, direction: Float) -> tuple[None, tuple[Float]]:
    units, alive, _ = unit_rows(block)
    return None, (unit_angles(units, alive, direction),)
