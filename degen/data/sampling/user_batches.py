"""The training samples of `--batch-by users`: one row a window, and with it every sample whose history starts
at the same action.

    actions   a b c d e                           sample (history ─► target)
    row       a ─► b,  a b ─► c,  a b c ─► d, …   all that start at a

A user with up to the maximum length of history is one row; beyond it each further sample has an oldest item
of its own and is a row by itself. So every sample is in one row, with the history that it has by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degen.data.sampling.histories import Int
from degen.data.sequences import Samples, ragged_positions


@dataclass(frozen=True)
class UserRows:
    """Samples gathered by where their histories start: row r holds `order[start[r] : start[r] + count[r]]`.

    Attributes
    ----------
    order
        int64 `[n_samples]`, sample numbers, row after row, the shortest history first.
    start, count
        int64 `[n_rows]`: where each row starts in `order`, and its number of samples, at least 1.
    """

    order: Int
    start: Int
    count: Int

    @classmethod
    def build(cls, samples: Samples) -> UserRows:
        """Gather samples in O(n log n) time and O(n) memory."""
        oldest = samples.end - samples.length
        _, count = np.unique(oldest, return_counts=True)
        return cls(np.lexsort((samples.length, oldest)), np.cumsum(count) - count, count)

    def __len__(self) -> int:
        return len(self.count)

    def members(self, rows: Int) -> Int:
        """The samples of `rows`, int64 `[sum(count)]`, row after row."""
        return self.order[ragged_positions(self.start[rows], self.count[rows])]

    def draw(self, rows: Int, rng: np.random.Generator) -> Int:
        """Draw one sample of each row, uniformly: where it is among `members(rows)`, int64 `[len(rows)]`."""
        count = self.count[rows]
        chosen: Int = np.cumsum(count) - count + rng.integers(count)
        return chosen
