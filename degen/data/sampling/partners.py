"""Draw samples with the same target (Eq. 13) from an index of linear size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.data.long_arrays import blocks, lookup

Int = npt.NDArray[np.int64]
Positions = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class PartnerIndex:
    """The samples sorted by target, in 8 bytes per sample and 8 per item.

    Attributes
    ----------
    order
        int32 `[n_samples]` (int64 from 2³¹ samples on): sample numbers, sorted by target, stable.
    place
        likewise: the position of each sample in `order`.
    starts
        int64 `[maximum target + 2]`: the samples of target t are `order[starts[t] : starts[t + 1]]`.
    """

    order: Positions
    place: Positions
    starts: Int

    @classmethod
    def build(cls, targets: Int) -> PartnerIndex:
        """Index samples by their targets, int64 `[n_samples]`, in O(n log n) time and O(n) memory."""
        order: Positions = np.argsort(targets, kind="stable")
        if len(order) < 2**31:
            order = order.astype(np.int32)
        place = np.empty_like(order)
        for part in blocks(len(order)):
            place[order[part]] = np.arange(part.start, part.stop)
        return cls(order, place, np.concatenate([[0], np.cumsum(np.bincount(targets))]))

    def draw(self, rows: Int, rng: np.random.Generator) -> Int:
        """Draw for each sample another with the same target, uniformly; itself if there is no other."""
        place = self.place[rows].astype(np.int64)
        target = np.searchsorted(self.starts, place, side="right") - 1
        start = self.starts[target]
        others = self.starts[target + 1] - start - 1
        drawn = rng.integers(0, np.maximum(others, 1))
        # A number is drawn among the others; from the sample's own position on, it is moved up by one.
        drawn += drawn >= place - start
        return self.order[start + np.where(others > 0, drawn, 0)].astype(np.int64)

    @property
    def has_partner(self) -> npt.NDArray[np.bool_]:
        """True for each sample that shares its target with another, bool `[n_samples]`."""
        group = np.diff(self.starts)
        return lookup(np.repeat(group > 1, group), self.place)
