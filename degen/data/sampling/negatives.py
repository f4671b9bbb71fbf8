"""Draw the negatives of sampled losses, items that stand for the whole catalogue.

Those of `UniformNegatives` and `BatchNegatives` are shared by all samples of a batch and come with the
expected number of occurrences of each item (q in `degen.model.losses.sampled_softmax`). Negatives are drawn
for the whole batch, so processes that each take a part of a batch draw alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from degen.data.sampling.histories import Int
from degen.data.sequences import HELD_OUT, Samples, Sequences, ragged_positions
from degen.errors import UserError


@dataclass(frozen=True)
class Negatives:
    """Negatives of a batch: int64 `[B, k]`, those of each sample; or `[k]`, with repetitions, shared by all.

    `expected`, float64 `[k]`, is the expected number of occurrences of each shared negative; None if none is.
    """

    items: Int
    expected: npt.NDArray[np.float64] | None = None

    def part(self, samples: slice) -> Int:
        """Return the negatives of some samples of the batch."""
        return self.items if self.expected is not None else self.items[samples]


class TargetNegatives:
    """Items other than the sample's target, uniformly."""

    def __init__(self, samples: Samples, n_items: int, k: int):
        self.samples, self.n_items, self.k = samples, n_items, k

    def draw(self, rows: Int, rng: np.random.Generator) -> Negatives:
        """Draw `[B, k]` items."""
        drawn = rng.integers(1, self.n_items, size=(len(rows), self.k))
        return Negatives(drawn + (drawn >= _targets(self.samples, rows)[:, None]))


class HistoryNegatives:
    """Items that the sample's user never has in training, uniformly, as the original SASRec samples them.

    A user who has every item raises a `UserError`.
    """

    def __init__(self, sequences: Sequences, samples: Samples, k: int):
        self.samples, self.offsets, self.k = samples, sequences.offsets, k
        self.n_items = n_items = sequences.n_items
        lengths = np.maximum(sequences.lengths - HELD_OUT, 0)
        items = sequences.items[ragged_positions(self.offsets[:-1], lengths)]
        users, items = np.divmod(
            np.unique(np.repeat(np.arange(len(lengths)), lengths) * n_items + items - 1), n_items
        )
        self.counts = np.bincount(users, minlength=len(lengths))
        self.starts = np.cumsum(self.counts) - self.counts
        if (self.counts >= n_items).any():
            user = sequences.user_ids[int(self.counts.argmax())]
            raise UserError(
                f"user '{user}' has every item in training, so that no negative is left; train with "
                "`negatives_exclude='target'`"
            )
        # The number of allowed items before each excluded one never decreases within a user. With the user in
        # front, the keys never decrease at all, so that one binary search serves all users.
        before = items - (np.arange(len(items)) - self.starts[users])
        self.keys = users * n_items + before

    def draw(self, rows: Int, rng: np.random.Generator) -> Negatives:
        """Draw `[B, k]` items."""
        users = np.searchsorted(self.offsets, self.samples.end[rows], side="right")[:, None] - 1
        ranks = rng.integers(self.n_items - self.counts[users], size=(len(rows), self.k))
        keys = users * self.n_items + ranks
        skipped = np.searchsorted(self.keys, keys, side="right") - self.starts[users]
        return Negatives(1 + ranks + skipped)


class UniformNegatives:
    """All real items, uniformly and with replacement; each is expected k / n_items times."""

    def __init__(self, n_items: int, k: int):
        self.n_items, self.k = n_items, k

    def draw(self, _rows: Int, rng: np.random.Generator) -> Negatives:
        """Draw `[k]` items."""
        drawn = rng.integers(1, self.n_items + 1, size=self.k)
        return Negatives(drawn, np.full(self.k, self.k / self.n_items))


class BatchNegatives:
    """The targets of the batch.

    The B - 1 other samples of a batch are drawn from N - 1 samples, of which `count` have a given item as
    their target, so that item is expected (B - 1) · count / (N - 1) times. That is exact for batches of
    samples, and an approximation for batches of users.
    """

    def __init__(self, samples: Samples, n_items: int):
        self.samples, self.counts = samples, np.bincount(samples.targets, minlength=n_items + 1)

    def draw(self, rows: Int, _rng: np.random.Generator) -> Negatives:
        """Return the targets, `[B]`; nothing is drawn."""
        targets = _targets(self.samples, rows)
        others = self.counts[targets].astype(np.float64) * (len(rows) - 1)
        return Negatives(targets, others / (len(self.samples) - 1))


NegativeSampler = TargetNegatives | HistoryNegatives | UniformNegatives | BatchNegatives


def _targets(samples: Samples, rows: Int) -> Int:
    # Not `samples.targets[rows]`, which would gather the targets of the whole log at every step.
    return samples.items[samples.end[rows]].astype(np.int64)
