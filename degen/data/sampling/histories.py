"""Ragged histories: several item sequences one after another, without padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """S sequences as one flat array.

    Attributes
    ----------
    items
        int64 `[N]`, sequence after sequence, oldest item first.
    length
        int64 `[S]`, each at least 1, with sum N.
    """

    items: Int
    length: Int

    def __len__(self) -> int:
        return len(self.length)

    def __getitem__(self, part: slice) -> Histories:
        """The sequences of a part of them, neighbours."""
        first, end, _ = part.indices(len(self))
        before = int(self.length[:first].sum())
        length = self.length[first:end]
        return Histories(self.items[before : before + int(length.sum())], length)

    @property
    def start(self) -> Int:
        """int64 `[S]`: where each sequence starts in `items`."""
        return np.cumsum(self.length) - self.length

    @property
    def sequence(self) -> Int:
        """int64 `[N]`: the sequence each item belongs to."""
        return np.repeat(np.arange(len(self.length)), self.length)

    @property
    def position(self) -> Int:
        """int64 `[N]`: each item's place in its sequence, 0 for the oldest."""
        return np.arange(len(self.items)) - np.repeat(self.start, self.length)


def join(first: Histories, *others: Histories) -> Histories:
    """Put several batches of sequences one after another."""
    every = (first, *others)
    return Histories(np.concatenate([h.items for h in every]), np.concatenate([h.length for h in every]))
