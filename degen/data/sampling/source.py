"""The source of a variant's views: the training samples, their partners and their augmentations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from degen.data.long_arrays import blocks
from degen.data.sampling.augment import Augmentations, two_augmentations
from degen.data.sampling.histories import Histories
from degen.data.sampling.partners import Int, PartnerIndex
from degen.data.sequences import Samples


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


def epoch_batches(n_samples: int, batch_size: int, rng: np.random.Generator) -> Iterator[Int]:
    """Yield a random permutation of 0 … n_samples - 1 in batches of `batch_size`; the last may be smaller."""
    order = rng.permutation(n_samples)
    yield from (order[part] for part in blocks(n_samples, batch_size))
