"""A run's encoder, optimiser and source of samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from degen.build import build_encoder, settle_names
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.data.sampling.augment import Augmentations
from degen.data.sampling.source import Source
from degen.data.sequences import Samples, training_samples
from degen.errors import UserError
from degen.model.declaration import Variant
from degen.model.encoders.interface import Encoder
from degen.model.losses.blocked_softmax import BlockedSoftmax
from degen.model.own_functions import with_own_checked
from degen.model.precision import pick_precision
from degen.model.variants import get_variant
from degen.training.batching.ways import build_batching
from degen.training.distributed import World
from degen.training.epoch import Epoch
from degen.training.losses import LossSettings, build_negatives, target_rates
from degen.training.optimizer import build_optimizer, item_block
from degen.training.rules import refuse_variant


class Trainer:
    """The encoder, its optimiser and what they are trained on.

    Every draw of an epoch (order, partners, augmentations, negatives, dropout) depends on the seed and the
    epoch's number alone, so a resumed run needs no generator's state.

    Parameters
    ----------
    config, dataset, device
        resolved configuration, log, and the device of the weights.
    world
        the processes that train the run together; by default this one alone.
    source
        samples of another trainer on the same log whose settings agree; by default they are made.
    variant, encoder
        declaration of a stage of training, and the model that it shares with the next one; by default the
        variant that the configuration names, and a new model.

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
        variant: Variant | None = None,
        encoder: Encoder | None = None,
    ):
        self.config = config = settle_names(config)
        self.world = world or World()
        self.variant = with_own_checked(variant or get_variant(config.objective.variant))
        self.device = device
        self.precision = pick_precision(config.training.precision, device)
        self.n_items = dataset.sequences.n_items
        if self.n_items < 2:
            raise UserError(f"{dataset.name} has a single item: there is nothing to rank")
        n_users = dataset.sequences.n_users
        self.encoder = encoder or build_encoder(config, self.n_items, n_users).to(device)
        self.source = source or self._source(dataset)
        samples = self.source.samples
        self.batching = build_batching(self.source, self.variant, config)
        rows = (
            config.training.batch_size * self.batching.n_targets // len(self.batching)
        )  # of a batch, on average
        rows = -(-rows // self.world.size)  # scored at once by this process
        block = item_block(config.training, self.n_items, rows, device)
        refuse_variant(self.variant, config, block, self.world, self.encoder)
        self.losses = self._loss_settings(samples)
        self.negatives = build_negatives(config.objective, dataset.sequences, self.batching.targets)
        self.softmax: BlockedSoftmax | None = None  # its gradient of V is formed by the optimiser
        if block is not None and config.objective.rec_loss == "ce":
            classes = self.losses.classes
            self.softmax = BlockedSoftmax(self.encoder.item_embeddings, classes.start, classes.stop, block)
        self.optimizer = build_optimizer(self.encoder, config, block, self.softmax)
        if config.training.trace_gradients:
            self._check_traceable()

    def _loss_settings(self, samples: Samples) -> LossSettings:
        objective, V = self.config.objective, self.encoder.item_embeddings
        settings = LossSettings(
            self.variant, objective, self.n_items, torch.empty(0), self.encoder.item_bias is not None
        )
        if self.variant.recommendation is None:
            return settings
        rates = target_rates(samples, self.n_items, self._whole_epoch)[settings.classes].to(V)
        return replace(settings, target_rates=rates)

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
            raise UserError(
                "`trace_gradients=True` is for one process; train without torchrun, or leave it out"
            )
        if self.softmax is not None:
            raise UserError(
                "`trace_gradients=True` needs the gradient of all item embeddings at once, and here they are "
                "trained by blocks of items; add `training.item_block=0`, or leave it out"
            )

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
        if self.softmax is not None:
            self.softmax.exchange(self.world.gather_any)
        sparse = self.encoder.item_embeddings if self.encoder.sparse_items else None
        return self.world.sum_gradients(self.encoder.parameters(), loss, sparse)

    def epoch(self, number: int) -> Epoch:
        """Begin epoch `number`, from 1."""
        return Epoch(self, np.random.SeedSequence([self.config.training.seed, number]))
