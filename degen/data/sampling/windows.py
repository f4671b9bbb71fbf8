"""Samples that share a window: prefixes of one sequence, so that one pass of the encoder holds them all.

    actions    a b c d e f …          samples    a | a b | a b c d          oldest items: a, a, a
    window     a b c d                 position   0   1     3

A history is a stretch of a user's actions. Two that start at the same action are prefixes of one another;
with a causal mask, and positions counted from the oldest item, each is a position of the longer one. Up to
the maximum length a user's histories all start at the first action. Beyond it every history has an oldest
item of its own, and is a window by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degen.data.sampling.histories import Histories, Int
from degen.data.sequences import Samples


@dataclass(frozen=True)
class Windows:
    """The fewest sequences that hold some samples' histories, and where each of these ends.

    Attributes
    ----------
    histories
        the windows, each as long as its longest sample's history, by where they start in the log.
    sequence, position
        int64 `[n]`: the window of each sample, and the position of its history's last item there.
    """

    histories: Histories
    sequence: Int
    position: Int

    @property
    def shared(self) -> bool:
        """Whether any window holds more than one sample."""
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
