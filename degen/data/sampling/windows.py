"""Samples that share a window: prefixes of one sequence, which one pass of the encoder holds together.

    actions    a b c d e f …          samples    a | a b | a b c d          oldest items: a, a, a
    window     a b c d                 position   0   1     3

A history is a stretch of a user's actions, and two that start at the same action are prefixes of one another.
With a causal mask, and positions counted from the oldest item, each is a position of the longest one. Up to
the maximum length, all histories of a user start at the user's first action. Beyond it every history has an
oldest item of its own and needs a window of its own.

    Windows    the windows of samples that were drawn one by one
    UserRows   all samples grouped by window, for `batch_by='users'`: a batch is then drawn window by window
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degen.data.sampling.histories import Histories, Int
from degen.data.sequences import Samples, ragged_positions


@dataclass(frozen=True)
class Windows:
    """The fewest sequences that hold the histories of some samples, in order of their start in the log.

    Each of `histories` is as long as the longest history in it. `sequence` and `position`, int64 `[n]`, are
    the window of each sample, and the position of its history's last item in the window.
    """

    histories: Histories
    sequence: Int
    position: Int

    @property
    def shared(self) -> bool:
        """True if any window holds more than one sample."""
        return len(self.histories) < len(self.sequence)


def share_windows(samples: Samples, rows: Int) -> Windows:
    """Find the windows of the samples `rows`, int64 `[n]`, in any order and with repetitions.

    >>> samples = Samples(np.array([7, 8, 9, 7]), end=np.array([1, 2, 3]), length=np.array([1, 2, 2]))
    >>> windows = share_windows(samples, np.array([2, 1, 0]))
    >>> windows.histories.items.tolist(), windows.histories.length.tolist()
    ([7, 8, 8, 9], [2, 2])
    >>> windows.sequence.tolist(), windows.position.tolist()
    ([1, 0, 0], [1, 1, 0])
    """
    length = samples.length[rows].astype(np.int64)
    _, sequence = np.unique(samples.end[rows] - length, return_inverse=True)
    longest = np.lexsort((length, sequence))[np.cumsum(np.bincount(sequence)) - 1]
    return Windows(Histories(*samples.histories(rows[longest])), sequence, length - 1)


@dataclass(frozen=True)
class UserRows:
    """All samples grouped by window: row r holds the samples `order[start[r] : start[r] + count[r]]`.

    `order`, int64 `[n_samples]`, holds sample numbers, row after row, the shortest history first. `start` and
    `count`, int64 `[n_rows]`, are the start of each row in it, and its number of samples, at least 1.
    """

    order: Int
    start: Int
    count: Int

    @classmethod
    def build(cls, samples: Samples) -> UserRows:
        """Group samples, in O(n log n) time and O(n) memory."""
        oldest = samples.end - samples.length
        _, count = np.unique(oldest, return_counts=True)
        return cls(np.lexsort((samples.length, oldest)), np.cumsum(count) - count, count)

    def __len__(self) -> int:
        return len(self.count)

    def members(self, rows: Int) -> Int:
        """Return the samples of `rows`, int64 `[sum(count)]`, row after row."""
        return self.order[ragged_positions(self.start[rows], self.count[rows])]

    def draw(self, rows: Int, rng: np.random.Generator) -> Int:
        """Draw one sample of each row, uniformly; return its index in `members(rows)`, `[len(rows)]`."""
        count = self.count[rows]
        chosen: Int = np.cumsum(count) - count + rng.integers(count)
        return chosen
