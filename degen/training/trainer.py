"""One training step of any variant (Eq. 15): draw the views, encode them in one pass, add the losses, move
the weights.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degen.build import build_encoder
from degen.config.schema import Config, ObjectiveConfig
from degen.data.load import Dataset
from degen.data.sampling.augment import Augmentations
from degen.data.sampling.partners import Int
from degen.data.sampling.source import Source, epoch_batches
from degen.data.sequences import training_samples
from degen.errors import UserError
from degen.model.encoders.dropout import RandomDropout
from degen.model.losses.equations import objective
from degen.model.precision import pick_precision
from degen.model.variants import Variant, get_variant
from degen.model.views import contrast
from degen.training.batch_by import BATCHINGS, Batching, EncodedBatch
from degen.training.distributed import World
from degen.training.losses import Recommendation
from degen.training.optimizer import build_optimizer, item_block
from degen.training.rules import refuse_variant


def settle_names(config: Config) -> Config:
    """Put the variant's canonical name into a configuration (`us_x` is duorec), and its γ where none is
    given.

    Raises
    ------
    UserError
        for a variant that is unknown.
    """
    variant, settings = get_variant(config.objective.variant), config.objective
    weight = variant.gamma if settings.cure_weight is None else settings.cure_weight
    objective = settings.model_copy(update={"variant": variant.name, "cure_weight": weight})
    return config.model_copy(update={"objective": objective})


class Trainer:
    """The encoder, its optimiser and what they are trained on.

    Every draw of an epoch (order, partners, augmentations, negatives, dropout) depends on the seed and the
    epoch's number alone, so a resumed run needs no generator's state.

    Parameters
    ----------
    config, dataset, device, world
        what is trained, on which log, where, and with which other processes.
    source
        the samples of another trainer on the same log, where there is one whose settings agree.

    Raises
    ------
    UserError
        for a log with too few samples or items, or settings that do not go together.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        device: torch.device,
        world: World | None = None,
        source: Source | None = None,
    ):
        self.config = config = settle_names(config)
        self.world = world or World()
        self.variant = get_variant(config.objective.variant)
        self.device = device
        self.precision = pick_precision(config.training.precision, device)
        self.n_items = dataset.sequences.n_items
        if self.n_items < 2:
            raise UserError(f"{dataset.name} has a single item: there is nothing to rank")
        self.encoder = build_encoder(config.model, self.n_items, config.training.seed).to(device)
        self.source = source or self._source(dataset)
        samples = self.source.samples
        self.batching: Batching = BATCHINGS[config.training.batch_by](self.source, self.variant)
        rows = config.training.batch_size * len(samples) // len(self.batching)  # of a batch, on average
        rows = -(-rows // self.world.size)  # scored at once by this process
        block = item_block(config.training, self.n_items, rows, device)
        refuse_variant(self.variant, config, block, self.world)
        self.recommendation = Recommendation(
            self.encoder, self.variant, config, samples, self._whole_epoch, block
        )
        self.optimizer = build_optimizer(self.encoder, config, block, self.recommendation.softmax)
        if config.training.trace_gradients:
            self._check_traceable()

    def _source(self, dataset: Dataset) -> Source:
        samples = training_samples(dataset.sequences, self.config.model.max_length)
        if len(samples) < 2:
            raise UserError(
                f"{dataset.name} has {len(samples)} training samples, and 2 are needed; "
                "a user gives one for each action beyond the third"
            )
        rates = self.config.objective
        mask_token = self.encoder.mask_token
        augmentations = Augmentations(rates.crop_rate, rates.mask_rate, rates.reorder_rate, mask_token)
        return Source.build(samples, augmentations)

    def _check_traceable(self) -> None:
        """Refuse traces where several processes train, or the gradient of V exists by blocks only."""
        if self.world.size > 1:
            raise UserError("--trace-gradients is for one process; train without torchrun, or leave it out")
        if self.recommendation.softmax is not None:
            raise UserError(
                "--trace-gradients needs the gradient of all item embeddings at once, and here they are "
                "trained by blocks of items; add --set training.item_block=0, or leave it out"
            )

    @property
    def gamma(self) -> float:
        """γ, the weight of the variant's loss of item embeddings; 0 for a variant that has none."""
        return self.config.objective.cure_weight or 0.0

    @property
    def n_losses(self) -> int:
        """Losses that are added up over an epoch: recommendation, contrastive, and that of items, if any."""
        return 2 if self.variant.item_regularizer is None else 3

    @property
    def steps_per_epoch(self) -> int:
        """Steps of a whole epoch, or fewer where the configuration cuts it short."""
        return min(self._whole_epoch, self.config.training.steps_per_epoch or self._whole_epoch)

    @property
    def _whole_epoch(self) -> int:
        return -(-len(self.batching) // self.config.training.batch_size)

    def sum_gradients(self, loss: Tensor) -> Tensor:
        """Add up the gradients over the processes, in place, and `loss`, a scalar, which is returned."""
        if self.world.size == 1:
            return loss
        if self.recommendation.softmax is not None:
            self.recommendation.softmax.exchange(self.world.gather_any)
        sparse = self.encoder.item_embeddings if self.encoder.sparse_items else None
        return self.world.sum_gradients(self.encoder.parameters(), loss, sparse)

    def epoch(self, number: int) -> Epoch:
        """Begin epoch `number`, from 1."""
        return Epoch(self, np.random.SeedSequence([self.config.training.seed, number]))


def configured_contrast(
    variant: Variant,
    settings: ObjectiveConfig,
    views: dict[str, Tensor],
    targets: Tensor,
    temperature: float | Tensor,
) -> Tensor:
    """ℓ_Reg of Eq. 15, a scalar: the variant's contrast of its views `[B, d]` under a configuration.

    `temperature` is given beside `settings` because the runs of a stack have each their own.
    """
    return contrast(
        variant,
        views,
        targets,
        temperature=temperature,
        similarity=settings.similarity,
        same_target_negatives=settings.same_target_negatives or variant.same_target_negatives,
        reduction=settings.reduction,
    )


class Epoch:
    """The steps of one epoch, one a call of `step`, and the means of their losses.

    All its draws are decided by `seeds`.
    """

    def __init__(self, trainer: Trainer, seeds: np.random.SeedSequence):
        draws, dropout, items = seeds.spawn(3)
        self.trainer, world = trainer, trainer.world
        self.rng, self.item_rng = np.random.default_rng(draws), np.random.default_rng(items)
        self.dropout = RandomDropout(int(dropout.generate_state(world.size)[world.rank]), trainer.device)
        self.batches = epoch_batches(len(trainer.batching), trainer.config.training.batch_size, self.rng)
        self.samples, self.pairs = 0, 0
        self.sums = torch.zeros(trainer.n_losses, device=trainer.device, dtype=torch.float64)

    def step(self) -> None:
        """Train on the next batch."""
        rows = next(self.batches)
        recommendation, contrastive = self.losses(rows)
        self.trainer.optimizer.zero_grad(set_to_none=True)
        loss = objective(recommendation, contrastive, self.trainer.config.objective.contrast_weight)
        of_items = self.item_losses()
        for term in of_items:  # the same in every process, whose gradients add up
            loss = loss + self.trainer.gamma * term / self.trainer.world.size
        torch.autograd.backward(loss)
        recommendation = self.trainer.sum_gradients(recommendation.detach())
        self.trainer.optimizer.step()
        samples = self.trainer.batching.n_samples(rows)
        self.samples, self.pairs = self.samples + samples, self.pairs + len(rows)
        weighted = [recommendation.double() * samples]
        weighted += [term.detach().double() * len(rows) for term in (contrastive, *of_items)]
        self.sums += torch.stack(weighted)

    def mean_losses(self) -> dict[str, float]:
        """Means over the epoch's samples, and pairs of views, so far: `loss` (Eq. 15), `recommendation_loss`,
        `contrastive_loss`, and `item_loss` of a variant that has one, whose γ-fold is part of the loss.

        Raises
        ------
        UserError
            if they are not finite: training diverged.
        """
        sums = self.sums.tolist()
        recommendation = sums[0] / max(self.samples, 1)
        contrastive, *of_items = (total / max(self.pairs, 1) for total in sums[1:])
        if not np.isfinite([recommendation, contrastive, *of_items]).all():
            raise UserError(
                "training diverged: the loss is not finite; try a lower --learning-rate or --lambda"
            )
        loss = recommendation + self.trainer.config.objective.contrast_weight * contrastive
        means = {"loss": loss, "recommendation_loss": recommendation, "contrastive_loss": contrastive}
        for mean in of_items:
            means |= {"loss": loss + self.trainer.gamma * mean, "item_loss": mean}
        return means

    def item_losses(self) -> list[Tensor]:
        """The variant's loss of item embeddings alone, a scalar; none where it has none."""
        regularizer = self.trainer.variant.item_regularizer
        if regularizer is None:
            return []
        V = self.trainer.encoder.real_item_embeddings()
        return [regularizer.loss(V[self.draw_items().to(V.device)] if regularizer.drawn else V)]

    def draw_items(self) -> Tensor:
        """Rows of V out of all, each at most once, int64 `[k]`: from a stream apart from all else."""
        n_items = self.trainer.n_items
        wanted = min(self.trainer.config.objective.items_drawn, n_items)
        return torch.from_numpy(self.item_rng.choice(n_items, wanted, replace=False))

    def losses(self, rows: Int) -> tuple[Tensor, Tensor]:
        """The process's share of a batch's recommendation loss, and the whole contrastive loss; scalars."""
        return self.losses_of(rows, self.encode(rows))

    def encode(self, rows: Int) -> EncodedBatch:
        """Draw the views of a batch and encode the process's part of it."""
        trainer = self.trainer
        part = trainer.world.part(len(rows))
        return trainer.batching.encode(trainer.encoder, rows, self.rng, self.dropout, part)

    def losses_of(self, rows: Int, batch: EncodedBatch) -> tuple[Tensor, Tensor]:
        """The losses of a batch that is encoded."""
        trainer, settings = self.trainer, self.trainer.config.objective
        views = self._gathered(batch.views, len(rows))
        contrastive = configured_contrast(
            trainer.variant, settings, views, batch.view_targets, settings.temperature
        )
        share = len(batch.h) / len(batch.batch_targets)
        recommendation = trainer.recommendation(batch.h, batch.batch_targets, self.rng, batch.own)
        return recommendation * share, contrastive

    def _gathered(self, views: dict[str, Tensor], n: int) -> dict[str, Tensor]:
        """The views that the variant contrasts, of all processes: `[n, d]` each."""
        names = [name for name in views if any(name in pair for pair in self.trainer.variant.pairs)]
        if not names or self.trainer.world.size == 1:
            return views
        side_by_side = torch.cat([views[name] for name in names], dim=1)
        whole = self.trainer.world.gather(side_by_side, n).chunk(len(names), dim=1)
        return dict(zip(names, whole, strict=True))
