"""The recommendation loss of a batch as configured: Eq. 11, or its stand-ins with sampled negatives."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degen.model.encoder import SequenceEncoder
from degen.model.objectives import bce_loss, bpr_loss, recommendation_loss
from degen.schema import Config


class Recommendation:
    """ℓ_Rec of Eq. 15: over the real items (and the padding class of the official recipe), or sampled."""

    def __init__(self, encoder: SequenceEncoder, config: Config):
        self.encoder, self.config = encoder, config

    def __call__(self, h: Tensor, targets: Tensor, rng: np.random.Generator) -> Tensor:
        """The loss of representations `[B, d]` and target items int64 `[B]`, a scalar.

        `rng` draws the negatives, where the loss has some.
        """
        settings = self.config.objective
        first = 0 if settings.padding_class else 1
        if settings.rec_loss == "ce":
            V = self.encoder.item_embeddings[first : self.encoder.n_items + 1]
            return recommendation_loss(h, V, targets - first)
        loss = bce_loss if settings.rec_loss == "bce" else bpr_loss
        return loss(h, self.encoder.item_embeddings, targets, self.draw_negatives(targets, rng))

    def draw_negatives(self, targets: Tensor, rng: np.random.Generator) -> Tensor:
        """Items other than the target, uniformly, int64 `[B, k]`."""
        shape = (len(targets), self.config.objective.negatives)
        drawn = torch.from_numpy(rng.integers(1, self.encoder.n_items, size=shape)).to(targets.device)
        return drawn + (drawn >= targets[:, None])
