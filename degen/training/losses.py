"""The losses of a training step as configured: pure functions that every step engine calls.

    contrastive      ℓ_Reg of Eq. 15   the variant's contrast of its views (Eq. 14)
    recommendation   ℓ_Rec of Eq. 15   Eq. 11, a sampled loss in its place, or the variant's own
    item_losses                        the variant's loss of item embeddings alone, if it has one

An engine adds the results up by Eq. 15 (`degen.model.losses.objective`) and moves the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from degen.config.objective import ObjectiveConfig
from degen.data.sampling.negatives import (
    BatchNegatives,
    HistoryNegatives,
    NegativeSampler,
    TargetNegatives,
    UniformNegatives,
)
from degen.data.sequences import Samples, Sequences
from degen.model.declaration import Variant
from degen.model.losses.recommendation import bce_loss, bpr_loss, gbce_loss, recommendation_loss
from degen.model.losses.sampled_softmax import sampled_softmax_loss
from degen.model.scores import scored_rows
from degen.model.views import contrast

Softmax = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A form of Eq. 11: from h `[B, d]`, V `[n, d]` and targets int64 `[B]`, rows of V, to a scalar."""


@dataclass(frozen=True)
class LossSettings:
    """Everything that decides the losses of a run besides its weights and draws.

    `target_rates` `[classes]` is how often each class is a target per step, on average over a whole epoch;
    empty for a variant without a recommendation loss of its own. `biased` is whether h and V that the losses
    are given have an item bias at their ends (`Encoder.query`).
    """

    variant: Variant
    objective: ObjectiveConfig
    n_items: int
    target_rates: Tensor
    biased: bool = False

    @property
    def classes(self) -> slice:
        """Rows of the item table that the full softmax is over."""
        return slice(0 if self.objective.padding_class else 1, self.n_items + 1)

    @property
    def item_weight(self) -> float:
        """γ, the weight of the variant's loss of item embeddings; 0 for a variant without one."""
        return self.objective.gamma or 0.0

    @property
    def n_losses(self) -> int:
        """Number of losses: recommendation, contrastive, and that of items where the variant has one."""
        return 2 if self.variant.item_regularizer is None else 3

    @property
    def is_eq_11(self) -> bool:
        """Return whether ℓ_Rec is the full softmax of dot products, to which Eq. 4 belongs."""
        variant = self.variant
        full = self.objective.rec_loss == "ce" and variant.recommendation is None
        return full and variant.scores == "dot" and not self.biased


def target_rates(samples: Samples, n_items: int, steps: int) -> Tensor:
    """Count how often each item is a target per step, float64 `[n_items + 1]`; infinite for padding.

    Yu et al. (2022) count over the last K steps, an epoch. With the `steps` of a whole epoch, even where it
    is cut short, this is their number at its end, and nothing has to be kept from step to step.
    """
    rates = np.bincount(samples.targets, minlength=n_items + 1) / steps
    rates[0] = np.inf  # the padding row is no item
    return torch.from_numpy(rates)


def build_negatives(
    settings: ObjectiveConfig, sequences: Sequences, samples: Samples
) -> NegativeSampler | None:
    """Make the sampler of negatives that a configuration describes; None for the full softmax."""
    if settings.rec_loss == "ce":
        return None
    if settings.rec_loss == "sampled":
        if settings.sampling == "uniform":
            return UniformNegatives(sequences.n_items, settings.negatives)
        return BatchNegatives(samples, sequences.n_items)
    if settings.negatives_exclude == "history":
        return HistoryNegatives(sequences, samples, settings.negatives)
    return TargetNegatives(samples, sequences.n_items, settings.negatives)


def contrastive(
    settings: LossSettings, views: dict[str, Tensor], targets: Tensor, temperature: float | Tensor
) -> Tensor:
    """Compute ℓ_Reg of Eq. 15 from the views `[B, d]` and their targets int64 `[B]`; a scalar.

    `temperature` stands beside `settings` because each run of a stack has its own.
    """
    objective, variant = settings.objective, settings.variant
    return contrast(
        variant,
        views,
        targets,
        temperature=temperature,
        similarity=objective.similarity,
        same_target_negatives=objective.same_target_negatives or variant.same_target_negatives,
        reduction=objective.reduction,
    )


def recommendation(
    settings: LossSettings,
    h: Tensor,
    table: Tensor,
    targets: Tensor,
    negatives: Tensor | None = None,
    log_expected: Tensor | None = None,
    *,
    softmax: Softmax = recommendation_loss,
) -> Tensor:
    """Compute ℓ_Rec of Eq. 15, the mean over representations `[B, d]`, at least one; a scalar.

    Parameters
    ----------
    table
        `[n, d]`, the item embeddings with their padding row; for a sampled loss, the rows that are indexed.
    targets
        int64 `[B]`, rows of `table`.
    negatives
        int64 `[B, k]`, or `[k]` for the sampled softmax, rows of `table`; None for a loss over all classes.
    log_expected
        float64 `[k]`, log q of the sampled softmax's negatives.
    softmax
        the form of Eq. 11 that the engine can differentiate.
    """
    objective, variant = settings.objective, settings.variant
    if negatives is None:
        V, targets = table[settings.classes], targets - settings.classes.start
        if variant.recommendation is not None:
            return variant.recommendation(
                h,
                V,
                targets,
                gamma=objective.gamma,
                epsilon=objective.epsilon,
                rare_rate=objective.rare_rate,
                per_step=settings.target_rates,
            )
        return softmax(_scaled(settings, h), scored_rows(V, variant.scores), targets)
    h, V = _scaled(settings, h), scored_rows(table, variant.scores)
    if log_expected is not None:
        correction = log_expected if objective.log_q else torch.zeros_like(log_expected)
        return sampled_softmax_loss(h, V, targets, negatives, correction.to(h.dtype))
    if objective.rec_loss == "gbce":
        return gbce_loss(h, V, targets, negatives, objective.gbce_t, settings.n_items)
    pairwise = variant.of_negatives or (bce_loss if objective.rec_loss == "bce" else bpr_loss)
    return pairwise(h, V, targets, negatives)


def _scaled(settings: LossSettings, h: Tensor) -> Tensor:
    """Return representations as they enter the product with `scored_rows` of V: cosines are scaled."""
    rows = scored_rows(h, settings.variant.scores)
    return rows if settings.variant.scores == "dot" else settings.objective.scale * rows


def item_losses(settings: LossSettings, V: Tensor, drawn: Tensor | None) -> list[Tensor]:
    """Compute the variant's loss of item embeddings, a scalar in a list that is empty where it has none.

    V `[n_items, d]` has the real items only; `drawn`, int64 `[k]`, are the rows that count, None for all.
    """
    regularizer = settings.variant.item_regularizer
    if regularizer is None:
        return []
    return [regularizer.loss(V if drawn is None else V[drawn])]
