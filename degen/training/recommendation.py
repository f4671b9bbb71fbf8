"""The recommendation loss of a batch as configured: Eq. 11, or its stand-ins with sampled negatives."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from degen.data.sequences import Samples
from degen.model.blocked import BlockedSoftmax
from degen.model.encoder import SequenceEncoder
from degen.model.objectives import bce_loss, bpr_loss, recommendation_loss
from degen.model.sampled import needed_rows, sampled_softmax_loss
from degen.schema import Config


class Recommendation:
    """ℓ_Rec of Eq. 15: over the real items (and the padding class of the official recipe), or sampled.

    Parameters
    ----------
    encoder, config
        the model, and what to make of its scores.
    samples
        the training samples; how often an item is their target is Q of in-batch negatives.
    block
        items scored at once by the full softmax; None for all.

    Attributes
    ----------
    softmax
        the full softmax by blocks, which the optimiser asks for its gradient of V; None where there is none.
    """

    def __init__(self, encoder: SequenceEncoder, config: Config, samples: Samples, block: int | None = None):
        self.encoder, self.config = encoder, config
        settings, n_items = config.objective, encoder.n_items
        self.first = 0 if settings.padding_class else 1
        self.softmax = (
            BlockedSoftmax(encoder.item_embeddings, self.first, n_items + 1, block)
            if block is not None and settings.rec_loss == "ce"
            else None
        )
        self._n_samples = len(samples)
        self._target_counts = (
            torch.from_numpy(np.bincount(samples.targets, minlength=n_items + 1))
            if settings.rec_loss == "sampled" and settings.sampling == "in-batch"
            else torch.empty(0)
        ).to(encoder.item_embeddings.device)

    def __call__(self, h: Tensor, targets: Tensor, rng: np.random.Generator) -> Tensor:
        """The loss of representations `[B, d]` and target items int64 `[B]`, a scalar.

        `rng` draws the negatives, where the loss has some.
        """
        if self.config.objective.rec_loss == "ce":
            return self._full_softmax(h, targets)
        if self.config.objective.rec_loss == "sampled":
            negatives, log_expected = self.shared_negatives(targets, rng)
            V, (targets, negatives) = self._rows(targets, negatives)
            return sampled_softmax_loss(h, V, targets, negatives, log_expected.to(h.dtype))
        loss = bce_loss if self.config.objective.rec_loss == "bce" else bpr_loss
        V, (targets, negatives) = self._rows(targets, self.draw_negatives(targets, rng))
        return loss(h, V, targets, negatives)

    def _full_softmax(self, h: Tensor, targets: Tensor) -> Tensor:
        if self.softmax is not None:
            return self.softmax.loss(h, targets)
        V = self.encoder.item_embeddings[self.first : self.encoder.n_items + 1]
        return recommendation_loss(h, V, targets - self.first)

    def _rows(self, *indices: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What a sampled loss indexes: the whole table, or where its gradient is sparse the needed rows."""
        V = self.encoder.item_embeddings
        return needed_rows(V, *indices) if self.encoder.sparse_items else (V, list(indices))

    def draw_negatives(self, targets: Tensor, rng: np.random.Generator) -> Tensor:
        """Items other than the target, uniformly, int64 `[B, k]`."""
        shape = (len(targets), self.config.objective.negatives)
        drawn = torch.from_numpy(rng.integers(1, self.encoder.n_items, size=shape)).to(targets.device)
        return drawn + (drawn >= targets[:, None])

    def shared_negatives(self, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Negatives of the sampled softmax, int64 `[k]`, and log q of each, float64 `[k]`.

        One set for the whole batch, so that scoring is one product and few rows of V are touched; each row's
        own target does not count in it (`sampled_softmax_loss`). Uniform: k items out of all real ones, with
        replacement, q = k / n. In-batch: the batch's targets; of the B - 1 other samples, drawn out of N - 1,
        a share of count / (N - 1) has a given other item as target (exactly, where batches are of samples).
        """
        settings, n_items = self.config.objective, self.encoder.n_items
        if settings.sampling == "uniform":
            drawn = torch.from_numpy(rng.integers(1, n_items + 1, size=settings.negatives)).to(targets.device)
            return drawn, torch.full_like(drawn, math.log(settings.negatives / n_items), dtype=torch.float64)
        expected = self._target_counts[targets].double() * (len(targets) - 1) / (self._n_samples - 1)
        return targets, expected.log()
