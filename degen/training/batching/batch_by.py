"""Batches of samples or of users (`--batch-by`), and their way through the encoder.

    samples   B training samples; h of each enters both losses
    users     B rows of `degen.data.sampling.windows`, each encoded once; h at every target enters the
              recommendation loss, one target a row, drawn uniformly, the contrastive loss

With `users`, h of a drawn target is that of the row's pass; its other views are made as by default: h' the
same history with fresh dropout, hs' the history of a partner, a1 and a2 augmentations. The targets of a row
share their dropout masks, a row's losses weigh as many samples as it has, and a contrastive batch has as many
pairs as rows. The original SASRec trains in this way, except that it leaves out samples whose history is
longer than the window. Here each of them is a separate row with the history that it has by default.
On Beauty the encoder reads 27 % of the default's items (`experiments/bench/batch_by.py tokens`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from degen.config.schema import Config
from degen.data.sampling.histories import Int
from degen.data.sampling.source import Source
from degen.data.sampling.windows import UserRows, share_windows
from degen.data.sequences import Samples
from degen.model.declaration import Variant
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder
from degen.model.encoders.ragged_layout import on
from degen.model.views import encode_views, encode_windows


@dataclass(frozen=True)
class EncodedBatch:
    """A batch through the encoder.

    Attributes
    ----------
    h, targets
        `[P, d]` and int64 `[P]`: the encoded part of the batch, for the recommendation loss.
    samples, own
        sample numbers of the whole batch, int64 `[N]` on the host, and the slice of them that `h` represents.
    views, view_targets
        `[len(part), d]` each, for the contrastive loss, `h` among them; int64 `[B]`, of the whole batch.
    """

    h: Tensor
    targets: Tensor
    samples: Int
    own: slice
    views: dict[str, Tensor]
    view_targets: Tensor


class BySamples:
    """A batch holds training samples. An epoch permutes all of them, and encodes them batch by batch."""

    def __init__(self, source: Source, variant: Variant, config: Config):
        self.source, self.variant, self.config = source, variant, config

    def __len__(self) -> int:
        return len(self.source.samples)

    @property
    def targets(self) -> Samples:
        """Targets of all batches, numbered as `EncodedBatch.samples` numbers them, for drawing negatives."""
        return self.source.samples

    @property
    def n_targets(self) -> int:
        """Number of targets of an epoch, or about as many where they are drawn."""
        return len(self.source.samples)

    def encode(
        self, encoder: Encoder, batch: Int, rng: np.random.Generator, dropout: Dropout, part: slice
    ) -> EncodedBatch:
        """Draw the views of a batch, int64 `[B]`, and encode `part` of them in one pass."""
        drawn = self.variant.draw(self.source, batch, rng)
        encoded = encode_views(encoder, {name: view[part] for name, view in drawn.items()}, dropout)
        targets = _targets(self.source, batch, encoded["h"].device)
        return EncodedBatch(encoded["h"], targets[part], batch, part, encoded, targets)


class ByUsers(BySamples):
    """A batch holds rows: users, or windows of users whose history is longer than one window."""

    def __init__(self, source: Source, variant: Variant, config: Config):
        super().__init__(source, variant, config)
        self.rows = UserRows.build(source.samples)

    def __len__(self) -> int:
        return len(self.rows)

    def n_samples(self, batch: Int) -> int:
        """Return how many training samples the rows of a batch hold."""
        return int(self.rows.count[batch].sum())

    def encode(
        self, encoder: Encoder, batch: Int, rng: np.random.Generator, dropout: Dropout, part: slice
    ) -> EncodedBatch:
        """Encode each row once, and the views besides h of one sample per row."""
        drawn, all_members = self.rows.draw(batch, rng), self.rows.members(batch)
        chosen = all_members[drawn]
        others = {name: view[part] for name, view in self.variant.draw(self.source, chosen, rng).items()}
        del others["h"]
        first, members = self.n_samples(batch[: part.start]), self.rows.members(batch[part])
        h = encode_windows(encoder, share_windows(self.source.samples, members), dropout)
        targets, chosen_targets = (_targets(self.source, rows, h.device) for rows in (members, chosen))
        views = {"h": h[on(h.device, drawn[part] - first)]}
        views |= encode_views(encoder, others, dropout) if others else {}
        own = slice(first, first + len(members))
        return EncodedBatch(h, targets, all_members, own, views, chosen_targets)


def _targets(source: Source, rows: Int, device: torch.device) -> Tensor:
    samples = source.samples
    # Not `samples.targets[rows]`, which would gather the targets of the whole log at every step.
    return on(device, samples.items[samples.end[rows]])
