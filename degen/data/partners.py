"""Sequences with the same target (Eq. 13): an index of linear size, and uniform draws from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PartnerIndex:
    """The samples sorted by target: `order[start[i] : start[i] + count[i]]` have the target of sample i.

    Attributes
    ----------
    order
        int64 `[n_samples]`, sample numbers, sorted by target, stable.
    start, count, rank
        int64 `[n_samples]`: where sample i's group starts in `order`, its size, and sample i's place in it.
    """

    order: Int
    start: Int
    count: Int
    rank: Int

    @classmethod
    def build(cls, targets: Int) -> PartnerIndex:
        """Index samples by their target, O(n log n) time and O(n) memory."""
        order = np.argsort(targets, kind="stable")
        per_item = np.bincount(targets)
        starts = np.cumsum(per_item) - per_item
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return cls(order, starts[targets], per_item[targets], place - starts[targets])

    def draw(self, rows: Int, rng: np.random.Generator) -> Int:
        """Draw for each sample another one with the same target, uniformly; itself only where it is alone."""
        others = self.count[rows] - 1
        drawn = rng.integers(0, np.maximum(others, 1))
        drawn += drawn >= self.rank[rows]
        return self.order[self.start[rows] + np.where(others > 0, drawn, 0)]

    @property
    def has_partner(self) -> npt.NDArray[np.bool_]:
        """bool `[n_samples]`: whether another sample has the same target."""
        return self.count > 1
