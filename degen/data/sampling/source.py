"""The source of a variant's views: the training samples, their partners and their augmentations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.data.long_arrays import blocks, lookup
from degen.data.sampling.augment import Augmentations, two_augmentations
from degen.data.sampling.histories import Histories, Int, join
from degen.data.sequences import Samples

Positions = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class PartnerIndex:
    """The samples sorted by target, in 8 bytes per sample and 8 per item.

    `order`, int32 `[n_samples]` (int64 from 2³¹ samples on), holds sample numbers, sorted by target, stable,
    and `place`, likewise, the position of each sample in it. The samples of target t are `order[starts[t] :
    starts[t + 1]]`, with `starts` int64 `[maximum target + 2]`.
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


class SampleHistories(Histories):
    """The histories of samples, gathered from the log only when their items are asked for.

    A device that holds the log needs to be sent no more than `rows`, int64 `[S]`.
    """

    samples: Samples
    rows: Int

    def __init__(self, samples: Samples, rows: Int):
        self.__dict__.update(samples=samples, rows=rows)  # the dataclass is frozen

    @cached_property
    def items(self) -> Int:
        """int64 `[N]`, as in `Histories`."""
        return self.samples.histories(self.rows)[0]

    @cached_property
    def length(self) -> Int:
        """int64 `[S]`, as in `Histories`."""
        return self.samples.length[self.rows].astype(np.int64)

    @cached_property
    def users(self) -> Int:
        """int64 `[S]`, as in `Histories`; found only when they are asked for."""
        return self.samples.users(self.rows)

    def __getitem__(self, part: slice) -> SampleHistories:
        """Return a contiguous part of the sequences."""
        return SampleHistories(self.samples, self.rows[part])


@dataclass(frozen=True)
class Source:
    """The training samples and everything that a variant's views may draw from.

    The methods that a variant's declaration names take the rows of a batch, int64 `[B]`, and a generator, and
    return histories.
    """

    samples: Samples
    partners: PartnerIndex
    augmentations: Augmentations

    @classmethod
    def build(cls, samples: Samples, augmentations: Augmentations) -> Source:
        """Index `samples` by target."""
        return cls(samples, PartnerIndex.build(samples.targets), augmentations)

    def history(self, rows: Int, _rng: np.random.Generator | None = None) -> Histories:
        """Return the histories of the samples themselves."""
        return SampleHistories(self.samples, rows)

    def partner(self, rows: Int, rng: np.random.Generator) -> Histories:
        """Draw samples with the same targets (Eq. 13) and return their histories."""
        return self.history(self.partners.draw(rows, rng))

    def two_augmentations(self, rows: Int, rng: np.random.Generator) -> tuple[Histories, Histories]:
        """Return two different augmentations of each history (CL4SRec)."""
        return two_augmentations(self.history(rows), self.augmentations, rng)


def join_histories(views: Sequence[Histories]) -> Histories:
    """Concatenate batches of sequences, as `join` does; those of samples keep their users."""
    samples = [view for view in views if isinstance(view, SampleHistories)]
    if len(samples) == len(views) and all(view.samples is samples[0].samples for view in samples):
        return SampleHistories(samples[0].samples, np.concatenate([view.rows for view in samples]))
    return join(*views)


def epoch_batches(n_samples: int, batch_size: int, rng: np.random.Generator) -> Iterator[Int]:
    """Yield a random permutation of 0 … n_samples - 1 in batches of `batch_size`; the last may be smaller."""
    order = rng.permutation(n_samples)
    yield from (order[part] for part in blocks(n_samples, batch_size))
