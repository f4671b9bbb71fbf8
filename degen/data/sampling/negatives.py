"""Negatives of the sampled losses: items drawn in place of the whole catalogue.

    TargetNegatives    k for each sample, uniformly from all items but the sample's target
    HistoryNegatives   k for each sample, uniformly from the items that its user never has in training
    UniformNegatives   k for a batch, uniformly from all items
    BatchNegatives     for a batch, its own targets

The last two are shared by all samples of a batch and come with the number of times that each is expected
(q in `degen.model.losses.sampled_softmax`). Every draw is of a whole batch, so that processes which each take
a part of it draw alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from degen.data.sampling.histories import Int
from degen.data.sequences import HELD_OUT, Samples, Sequences, ragged_positions
from degen.errors import UserError


@dataclass(frozen=True)
class Negatives:
    """Negatives of a batch.

    Attributes
    ----------
    items
        int64 `[B, k]`, those of each sample; `[k]`, repetitions included, where the batch shares them.
    expected
        float64 `[k]`: how often each of the shared ones is expected among the k; None where none are shared.
    """

    items: Int
    expected: npt.NDArray[np.float64] | None = None

    def part(self, samples: slice) -> Int:
        """Return the negatives that some samples of the batch take."""
        return self.items if self.expected is not None else self.items[samples]


class NegativeSampler(Protocol):
    """Draws the negatives of a batch."""

    def draw(self, rows: Int, rng: np.random.Generator) -> Negatives:
        """Draw for the samples `rows`, int64 `[B]`."""
        ...


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

    Raises
    ------
    UserError
        for a user who has every item.
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
        # How many allowed items stand before each excluded one. It never falls within a user, and with the
        # user in front neither does the key, so that one binary search serves all users.
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
    """Items out of all real ones, with replacement; each is expected k / n times."""

    def __init__(self, n_items: int, k: int):
        self.n_items, self.k = n_items, k

    def draw(self, _rows: Int, rng: np.random.Generator) -> Negatives:
        """Draw `[k]` items."""
        drawn = rng.integers(1, self.n_items + 1, size=self.k)
        return Negatives(drawn, np.full(self.k, self.k / self.n_items))


class BatchNegatives:
    """The targets of the batch.

    Its B - 1 other samples are drawn out of N - 1, of which count / (N - 1) have a given other item as their
    target. That is exact for batches of samples, and an approximation for batches of users.
    """

    def __init__(self, samples: Samples, n_items: int):
        self.samples, self.counts = samples, np.bincount(samples.targets, minlength=n_items + 1)

    def draw(self, rows: Int, _rng: np.random.Generator) -> Negatives:
        """Take the targets `[B]`; nothing is drawn."""
        targets = _targets(self.samples, rows)
        others = self.counts[targets].astype(np.float64) * (len(rows) - 1)
        return Negatives(targets, others / (len(self.samples) - 1))


def _targets(samples: Samples, rows: Int) -> Int:
    # Not `samples.targets[rows]`, which would gather the targets of the whole log at every step.
    return samples.items[samples.end[rows]].astype(np.int64)
