"""The recommendation loss of a batch as configured: Eq. 11, its stand-ins with sampled negatives, or what the
variant has in its place.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from degen.config.schema import Config
from degen.data.sequences import Samples
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.blocked_softmax import BlockedSoftmax
from degen.model.losses.equations import bce_loss, bpr_loss, recommendation_loss
from degen.model.losses.sampled_softmax import needed_rows, sampled_softmax_loss
from degen.model.scores import scored_rows
from degen.model.variants import Variant


class Recommendation:
    """ℓ_Rec of Eq. 15: over the real items (and the padding class of the official recipe), or sampled.

    Parameters
    ----------
    encoder, variant, config
        the model, what its scores are and whether they enter another loss, and what to make of them.
    samples
        the training samples; how often an item is their target is Q of in-batch negatives.
    steps
        of a whole epoch, which meets every sample once.
    block
        items scored at once by the full softmax; None for all.

    Attributes
    ----------
    classes
        which rows of the table the full softmax is over.
    softmax
        the full softmax by blocks, which the optimiser asks for its gradient of V; None where there is none.
    """

    def __init__(
        self,
        encoder: SequenceEncoder,
        variant: Variant,
        config: Config,
        samples: Samples,
        steps: int,
        block: int | None = None,
    ):
        self.encoder, self.variant, self.config = encoder, variant, config
        settings, n_items = config.objective, encoder.n_items
        self.classes = slice(0 if settings.padding_class else 1, n_items + 1)
        self.softmax = (
            BlockedSoftmax(encoder.item_embeddings, self.classes.start, self.classes.stop, block)
            if block is not None and settings.rec_loss == "ce"
            else None
        )
        self._n_samples = len(samples)
        self._per_step = self._targets_per_step(samples, steps) if variant.recommendation else torch.empty(0)
        self._target_counts = (
            torch.from_numpy(np.bincount(samples.targets, minlength=n_items + 1))
            if settings.rec_loss == "sampled" and settings.sampling == "in-batch"
            else torch.empty(0)
        ).to(encoder.item_embeddings.device)

    def __call__(
        self, h: Tensor, targets: Tensor, rng: np.random.Generator, own: slice = slice(None)
    ) -> Tensor:
        """The mean loss of representations `[P, d]`, a scalar; 0 where there are none.

        `targets`, int64 `[B]`, are those of the whole batch, of which `own` are those of `h`. `rng` draws the
        negatives, where the loss has some, for the whole batch: alike in every process that has a part of it.
        """
        kind, negatives, log_expected = self.config.objective.rec_loss, None, torch.empty(0)
        if kind == "sampled":
            negatives, log_expected = self.shared_negatives(targets, rng)
        elif kind != "ce":
            negatives = self.draw_negatives(targets, rng)[own]
        targets = targets[own]
        if len(h) == 0:  # fewer rows than processes; a sum of none keeps the gradient's way
            return h.sum()
        if negatives is None:
            return self._full_softmax(h, targets)
        h, (V, (targets, negatives)) = self.scaled(h), self._rows(targets, negatives)
        if kind == "sampled":
            return sampled_softmax_loss(h, V, targets, negatives, log_expected.to(h.dtype))
        return (bce_loss if kind == "bce" else bpr_loss)(h, V, targets, negatives)

    def _full_softmax(self, h: Tensor, targets: Tensor) -> Tensor:
        if self.softmax is not None:
            return self.softmax.loss(h, targets)
        V, targets = self.encoder.item_embeddings[self.classes], targets - self.classes.start
        if self.variant.recommendation is not None:
            return self.of_the_variant(h, V, targets)
        return recommendation_loss(self.scaled(h), scored_rows(V, self.variant.scores), targets)

    @property
    def is_eq_11(self) -> bool:
        """Whether the loss is the full softmax of dot products, to which Eq. 4 belongs."""
        variant = self.variant
        return (
            self.config.objective.rec_loss == "ce"
            and variant.recommendation is None
            and variant.scores == "dot"
        )

    def scaled(self, h: Tensor) -> Tensor:
        """Representations as they enter the product with `scored_rows` of V: cosines are scaled."""
        rows = scored_rows(h, self.variant.scores)
        return rows if self.variant.scores == "dot" else self.config.objective.scale * rows

    def of_the_variant(self, h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
        """What the variant has in place of Eq. 11, of the classes V and targets int64 `[B]`, rows of V."""
        assert self.variant.recommendation is not None
        settings = self.config.objective
        return self.variant.recommendation(
            h,
            V,
            targets,
            gamma=settings.cure_weight,
            epsilon=settings.epsilon,
            rare_rate=settings.rare_rate,
            per_step=self._per_step,
        )

    def _targets_per_step(self, samples: Samples, steps: int) -> Tensor:
        """How often each class is a target in a step, on average over an epoch, `[classes]`.

        Yu et al. count over the last K steps, an epoch; at the end of each epoch that is this very number,
        so that nothing need be kept from step to step.
        """
        rates = np.bincount(samples.targets, minlength=self.encoder.n_items + 1) / steps
        rates[0] = np.inf  # the padding row is no item
        return torch.from_numpy(rates[self.classes]).to(self.encoder.item_embeddings)

    def _rows(self, *indices: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What a sampled loss indexes: the whole table, or where its gradient is sparse the needed rows."""
        V = self.encoder.item_embeddings
        rows, found = needed_rows(V, *indices) if self.encoder.sparse_items else (V, list(indices))
        return scored_rows(rows, self.variant.scores), found

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
