"""Two matrices over the same items, and the sums that comparisons of them share.

    first, second = matched(ids_a, ids_b)                       rows of the items that both have
    linear_cka(A[first], B[second])

`degen.analysis.registry.comparison` registers a function of `Pair`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from degen.analysis.passes.arrays import Array, Float, scaled_by, to_numpy
from degen.analysis.passes.rows import Int, Rows
from degen.errors import UserError


@dataclass(frozen=True, eq=False)
class Pair:
    """Two matrices, [n, d_a] and [n, d_b], row i of both belonging to one item.

    Raises
    ------
    UserError
        if the numbers of rows differ.
    """

    a: Rows
    b: Rows

    def __post_init__(self) -> None:
        if len(self.a) != len(self.b):
            raise UserError(
                f"{len(self.a)} rows and {len(self.b)} rows are not of the same items; match them by id first"
            )

    @cached_property
    def lengths(self) -> tuple[float, float]:
        """‖A‖_F and ‖B‖_F, centred and of rows divided by 2^exponent (`Moments.exponent`); 1 for 0."""
        a, b = (math.sqrt(np.trace(side.moments.scatter)) or 1.0 for side in (self.a, self.b))
        return a, b

    @cached_property
    def _products(self) -> tuple[Float, Float]:
        cross, squares = np.zeros((self.a.d, self.b.d)), np.zeros((2, 2))
        for (_, left), (_, right) in zip(self.a.blocks(), self.b.blocks(), strict=True):
            first = _centered(self.a, left) / self.lengths[0]
            second = _centered(self.b, right) / self.lengths[1]
            cross += first.T @ second
            squared = np.stack([(first**2).sum(axis=1), (second**2).sum(axis=1)])
            squares += squared @ squared.T
        return cross, squares

    @property
    def centered_cross(self) -> Float:
        """float64 [d_a, d_b]: AᵀB of the centred matrices at Frobenius norm 1."""
        return self._products[0]

    @property
    def squares(self) -> Float:
        """float64 [2, 2]: Σ ‖x‖² ‖y‖² over the rows of these two, for x and y each of A and B."""
        return self._products[1]


def _centered(side: Rows, block: Array) -> Float:
    return np.asarray(scaled_by(to_numpy(block), -side.moments.exponent) - side.moments.mean)


def matched(ids_a: Sequence[str], ids_b: Sequence[str]) -> tuple[Int, Int]:
    """Return the rows of items that both lists hold, int64 [m]: in the first, ascending, and in the second.

    Raises
    ------
    UserError
        if they have no item in common, or an id stands twice in one of them.
    """
    row_in_b = {name: row for row, name in enumerate(ids_b)}
    for ids in (ids_a, ids_b):
        if len(set(ids)) < len(ids):
            twice = Counter(ids).most_common(1)[0][0]
            raise UserError(
                f"item {twice!r} stands twice in a list of items; each row needs an id of its own"
            )
    common = [(row, row_in_b[name]) for row, name in enumerate(ids_a) if name in row_in_b]
    if not common:
        raise UserError(
            f"the two lists of items, from {ids_a[0]!r} and from {ids_b[0]!r} on, have no id in common; "
            "compare matrices over the same items"
        )
    first, second = np.array(common, dtype=np.int64).T
    return first, second
