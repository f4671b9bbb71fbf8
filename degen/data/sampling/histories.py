"""Ragged histories: several item sequences in one flat array, without padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """S sequences of items, int64 `[N]`, one after another in a flat array, oldest item first.

    `length`, int64 `[S]`, is the number of items of each sequence, at least 1; their sum is N.
    """

    items: Int
    length: Int

    def __len__(self) -> int:
        return len(self.length)

    @property
    def users(self) -> Int:
        """The user of each sequence, int64 `[S]`, from 0; ValueError where they are not known."""
        raise ValueError("these histories do not know their users")

    def __getitem__(self, part: slice) -> Histories:
        """Return a contiguous part of the sequences."""
        first, end, _ = part.indices(len(self))
        before = int(self.length[:first].sum())
        length = self.length[first:end]
        return Histories(self.items[before : before + int(length.sum())], length)

    @property
    def start(self) -> Int:
        """The start of each sequence in `items`, int64 `[S]`."""
        return np.cumsum(self.length) - self.length

    @property
    def sequence(self) -> Int:
        """The number of the sequence that each item belongs to, int64 `[N]`."""
        return np.repeat(np.arange(len(self.length)), self.length)

    @property
    def position(self) -> Int:
        """The position of each item in its sequence, int64 `[N]`, 0 for the oldest."""
        return np.arange(len(self.items)) - np.repeat(self.start, self.length)


def join(*batches: Histories) -> Histories:
    """Concatenate batches of sequences."""
    return Histories(np.concatenate([h.items for h in batches]), np.concatenate([h.length for h in batches]))
