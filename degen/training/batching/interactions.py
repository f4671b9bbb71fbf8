"""Batches of training actions, for models of users and items without histories."""

from __future__ import annotations

import numpy as np

from degen.config.schema import Config
from degen.data.sampling.histories import Int
from degen.data.sampling.source import SampleHistories, Source
from degen.data.sequences import HELD_OUT, Samples, ragged_positions
from degen.errors import UserError
from degen.model.declaration import Variant
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder
from degen.model.encoders.ragged_layout import on
from degen.model.views import encode
from degen.training.batching.batch_by import BySamples, EncodedBatch


class Interactions(BySamples):
    """A batch holds actions of the training part: a user and an item.

    Every action counts, the first of a user too, which has no history and is no training sample. Histories
    are empty here.
    """

    def __init__(self, source: Source, variant: Variant, config: Config):
        super().__init__(source, variant, config)
        samples = source.samples
        if samples.offsets is None:
            raise UserError(f"{variant.name} needs to know the users of samples; make them from a log")
        lengths = np.maximum(np.diff(samples.offsets) - HELD_OUT, 0)
        end = ragged_positions(samples.offsets[:-1].astype(samples.end.dtype), lengths)
        self._actions = Samples(samples.items, end, np.zeros_like(end), samples.offsets)

    def __len__(self) -> int:
        return len(self._actions)

    @property
    def targets(self) -> Samples:
        """The actions."""
        return self._actions

    @property
    def n_targets(self) -> int:
        """Number of actions."""
        return len(self._actions)

    def encode(
        self, encoder: Encoder, batch: Int, rng: np.random.Generator, dropout: Dropout, part: slice
    ) -> EncodedBatch:
        """Look up `part` of the users of a batch, int64 `[B]`."""
        h = encode(encoder, SampleHistories(self._actions, batch[part]), dropout)
        items = on(h.device, self._actions.items[self._actions.end[batch]])
        return EncodedBatch(h, items[part], batch, part, {"h": h}, items)
