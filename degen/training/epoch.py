"""The steps of an epoch of one run, each batch in the shapes that it has: the eager step engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from degen.config.schema import Config
from degen.data.sampling.histories import Int
from degen.data.sampling.negatives import Negatives
from degen.data.sampling.source import epoch_batches
from degen.errors import UserError
from degen.model.encoders.dropout import RandomDropout
from degen.model.encoders.ragged_layout import on
from degen.model.losses.objective import objective
from degen.model.losses.sampled_softmax import needed_rows
from degen.model.precision import pick_precision
from degen.training import losses
from degen.training.batching.batch_by import EncodedBatch

if TYPE_CHECKING:
    from degen.training.trainer import Trainer


class Eager:
    """The step engine of a single run, alone or by several processes."""

    stacked: ClassVar[bool] = False

    def __init__(self, trainers: Sequence[Trainer]):
        (self.trainer,) = trainers

    @staticmethod
    def refuse(configs: Sequence[Config], _n_items: int, device: torch.device) -> None:
        """Raise for bfloat16 products, which need padded steps."""
        if pick_precision(configs[0].training.precision, device) == "bf16":
            others = "`precision='fp32'`" + (" or `precision='tf32'`" if device.type == "cuda" else "")
            raise UserError(
                f"`precision='bf16'` is for padded steps, on CUDA or with `stack=True`; use {others}"
            )

    def epoch(self, number: int, _steps: int) -> Epoch:
        """Begin epoch `number`, from 1."""
        return self.trainer.epoch(number)


class Epoch:
    """The steps of one epoch, one per call of `step`, and the means of their losses.

    `seeds` decides all its draws. The padded engine uses only its draws and its sums.
    """

    def __init__(self, trainer: Trainer, seeds: np.random.SeedSequence):
        draws, dropout, items = seeds.spawn(3)
        self.trainer, world = trainer, trainer.world
        self.rng, self.item_rng = np.random.default_rng(draws), np.random.default_rng(items)
        # Each of several processes draws its masks from another stream.
        self.dropout = RandomDropout(int(dropout.generate_state(world.size)[world.rank]), trainer.device)
        self.batches = epoch_batches(len(trainer.batching), trainer.config.training.batch_size, self.rng)
        self.samples, self.pairs = 0, 0
        self.penalty: Tensor | None = None  # the model's own, of the last batch
        self.targets = 0  # of the last batch: its terms in the recommendation loss
        self.sums = torch.zeros(trainer.losses.n_losses, device=trainer.device, dtype=torch.float64)

    @property
    def epochs(self) -> list[Epoch]:
        """The epochs of the engine's runs: this one."""
        return [self]

    def step(self) -> None:
        """Train on the next batch."""
        rows = next(self.batches)
        recommendation, contrastive = self.losses(rows)
        self.trainer.optimizer.zero_grad(set_to_none=True)
        item_losses, settings = self.item_losses(), self.trainer.losses
        weight, size = settings.objective.lam, self.trainer.world.size
        loss = objective(recommendation, contrastive, weight, item_losses, settings.item_weight, size)
        loss = loss if self.penalty is None else loss + self.penalty
        torch.autograd.backward(loss)
        recommendation = self.trainer.sum_gradients(recommendation.detach())
        self.trainer.optimizer.step()
        samples = self.targets
        self.samples, self.pairs = self.samples + samples, self.pairs + len(rows)
        weighted = [recommendation.double() * samples]
        weighted += [term.detach().double() * len(rows) for term in (contrastive, *item_losses)]
        self.sums += torch.stack(weighted)

    def mean_losses(self) -> dict[str, float]:
        """Return the means so far over the epoch's samples and pairs of views; raise if they are not finite.

        γ times `item_loss`, for a variant that has one, is part of `loss` (Eq. 15).
        """
        sums, settings = self.sums.tolist(), self.trainer.losses
        recommendation = sums[0] / max(self.samples, 1)
        contrastive, *item_losses = (total / max(self.pairs, 1) for total in sums[1:])
        if not np.isfinite([recommendation, contrastive, *item_losses]).all():
            raise UserError("training diverged: the loss is not finite; try a lower `learning_rate` or `lam`")
        loss = recommendation + settings.objective.lam * contrastive
        means = {"loss": loss, "recommendation_loss": recommendation, "contrastive_loss": contrastive}
        for mean in item_losses:
            means |= {"loss": loss + settings.item_weight * mean, "item_loss": mean}
        return means

    def item_losses(self) -> list[Tensor]:
        """Compute the variant's loss of item embeddings, a scalar in a list; empty where it has none."""
        V, drawn = self.trainer.encoder.real_item_embeddings(), self.draw_items()
        rows = None if drawn is None else drawn.to(V.device, non_blocking=True)
        return losses.item_losses(self.trainer.losses, V, rows)

    def draw_items(self) -> Tensor | None:
        """Draw rows of V without repetition, int64 `[k]`; None where no loss uses drawn items."""
        regularizer, n_items = self.trainer.variant.item_regularizer, self.trainer.n_items
        if regularizer is None or not regularizer.drawn:
            return None
        k = min(self.trainer.config.objective.items_drawn, n_items)
        return torch.from_numpy(self.item_rng.choice(n_items, k, replace=False))

    def draw_negatives(self, rows: Int) -> Negatives | None:
        """Draw the negatives of the samples `rows` of a whole batch; None for the full softmax."""
        return None if self.trainer.negatives is None else self.trainer.negatives.draw(rows, self.rng)

    def losses(self, rows: Int) -> tuple[Tensor, Tensor]:
        """Compute the process's share of a batch's recommendation loss, and the whole contrastive loss."""
        return self.losses_of(rows, self.encode(rows))

    def encode(self, rows: Int) -> EncodedBatch:
        """Draw the views of a batch and encode the process's part of it."""
        trainer = self.trainer
        part = trainer.world.part(len(rows))
        return trainer.batching.encode(trainer.encoder, rows, self.rng, self.dropout, part)

    def losses_of(self, rows: Int, batch: EncodedBatch) -> tuple[Tensor, Tensor]:
        """Compute the losses of a batch that is encoded, as `losses` does."""
        settings = self.trainer.losses
        views, world = batch.views, self.trainer.world
        names = [name for name in views if any(name in pair for pair in self.trainer.variant.pairs)]
        if names and world.size > 1:
            side_by_side = torch.cat([views[name] for name in names], dim=1)
            gathered = world.gather(side_by_side, len(rows)).chunk(len(names), dim=1)
            views = dict(zip(names, gathered, strict=True))
        temperature = settings.objective.temperature
        contrastive = losses.contrastive(settings, views, batch.view_targets, temperature)
        self.targets = len(batch.samples)
        share = len(batch.h) / max(self.targets, 1)  # masks may leave a batch without targets
        return self._recommendation(batch) * share, contrastive

    def _recommendation(self, batch: EncodedBatch) -> Tensor:
        """Compute the mean recommendation loss of the process's part of a batch; 0 for an empty part."""
        trainer, negatives = self.trainer, self.draw_negatives(batch.samples)
        if len(batch.h) == 0:  # fewer rows than processes: an empty sum keeps h in the autograd graph
            return batch.h.sum()
        if trainer.softmax is not None:
            return trainer.softmax.loss(batch.h, batch.targets)
        V: Tensor = trainer.encoder.item_embeddings
        h, targets = trainer.encoder.query(batch.h), batch.targets
        drawn = None if negatives is None else on(V.device, negatives.part(batch.own))
        self.penalty = trainer.encoder.penalty(batch.h, targets, drawn)
        if negatives is None or drawn is None:
            return losses.recommendation(trainer.losses, h, trainer.encoder.scored_table(), targets)
        expected = negatives.expected
        log_expected = None if expected is None else on(V.device, expected).log()
        if trainer.encoder.sparse_items:
            V, (targets, drawn) = needed_rows(V, targets, drawn)
        elif trainer.encoder.item_bias is not None:
            rows, places = torch.unique(torch.cat([targets, drawn.flatten()]), return_inverse=True)
            V = trainer.encoder.scored_rows(rows)
            targets, drawn = places[: len(targets)], places[len(targets) :].view(drawn.shape)
        return losses.recommendation(trainer.losses, h, V, targets, drawn, log_expected)
