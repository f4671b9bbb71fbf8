"""Items by popularity: head, middle and tail, or deciles.

Buckets are cut at values of the frequency, so that items of equal frequency never part; the shares are of
items and are kept as nearly as that allows. Items that never occur in training (frequency 0: only ever
pushed) are a bucket of their own, `cold`, before the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]

THIRDS: Mapping[str, float] = {"tail": 0.5, "mid": 0.3, "head": 0.2}
"""The rarest half of the items, the next 30 %, the most frequent 20 %."""

DECILES: Mapping[str, float] = {str(tenth): 0.1 for tenth in range(1, 11)}
"""Tenths of the items, rarest first."""

COLD = "cold"


@dataclass(frozen=True, eq=False)
class Buckets:
    """Which bucket each item is in.

    Attributes
    ----------
    names
        of the buckets, rarest first; only those that hold an item.
    low, high
        lowest and highest frequency in each, int [len(names)].
    codes
        int [n]: position in `names` of each item's bucket.
    """

    names: tuple[str, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    codes: Int

    @classmethod
    def cut(cls, frequency: Int, shares: Mapping[str, float] = THIRDS) -> Buckets:
        """Cut items with these frequencies, int [n], into buckets that hold about these shares of them.

        Of an empty bucket (ties that swallow it whole) nothing is left.
        """
        seen = np.sort(frequency[frequency > 0])
        ends = np.ceil(np.cumsum(list(shares.values()))[:-1] * len(seen)).astype(int) - 1
        edges = seen[ends.clip(0)] if len(seen) else np.zeros(len(shares) - 1, dtype=np.int64)
        # The frequencies up to an edge lie below it: equal ones on the same side.
        whole = np.where(frequency > 0, 1 + np.searchsorted(edges, frequency, side="left"), 0)
        kept, codes = np.unique(whole, return_inverse=True)
        all_names = (COLD, *shares)
        members = [frequency[codes == code] for code in range(len(kept))]
        return cls(
            tuple(all_names[code] for code in kept),
            tuple(int(values.min()) for values in members),
            tuple(int(values.max()) for values in members),
            codes,
        )

    @property
    def sizes(self) -> Int:
        """Items in each, int [len(names)]."""
        return np.bincount(self.codes, minlength=len(self.names))
