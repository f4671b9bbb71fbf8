"""Rules of what does not go together: settings, variants, step engines, and runs in one stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from degen.config.schema import Config
from degen.errors import UserError
from degen.model.declaration import Variant
from degen.model.encoders.interface import Encoder
from degen.model.variants import get_variant
from degen.training.distributed import World
from degen.training.optimizer import item_block


def refuse_variant(
    variant: Variant, config: Config, block: int | None, world: World, encoder: Encoder
) -> None:
    """Raise where a variant cannot be trained as configured, or a setting would do nothing.

    `block` is the number of items scored and moved at once; None for all.
    """
    rec_loss, lazy = config.objective.rec_loss, config.training.item_updates == "lazy"
    if lazy and rec_loss != "ce" and config.training.item_block:
        raise UserError(
            "`training.item_block` divides the full softmax or Adam's step of all items, and "
            f"`rec_loss='{rec_loss}'` with `item_updates='lazy'` has neither; leave it out"
        )
    if variant.recommendation is not None and rec_loss != "ce":
        raise UserError(
            f"`rec_loss='{rec_loss}'`: {variant.name} has a recommendation loss of its own; leave "
            "`rec_loss` out"
        )
    if variant.item_regularizer is not None and lazy:
        raise UserError(
            f"`item_updates='lazy'` moves only the items that a batch touches, and {variant.name} has a "
            "loss of other items too; leave `item_updates` out"
        )
    of_all_items = variant.item_regularizer is not None or (
        rec_loss == "ce" and (variant.recommendation is not None or variant.scores != "dot")
    )
    if block is not None and of_all_items:
        raise UserError(
            f"{variant.name} needs the scores or the gradient of all items at once, and this run takes them "
            "by blocks; add `training.item_block=0`"
        )
    _refuse_baseline(variant, config, block, world, encoder)
    if variant.of_whole_batch and world.size > 1:
        raise UserError(
            f"the loss of {variant.name} needs the whole batch, which several processes would divide; train "
            "it without torchrun"
        )


def _refuse_baseline(
    variant: Variant, config: Config, block: int | None, world: World, encoder: Encoder
) -> None:
    """Raise where a model of another kind, or one with an item bias, cannot be trained as configured."""
    training = config.training
    if training.batch_by == "users" and (variant.batching is not None or not encoder.causal):
        raise UserError(
            f"`batch_by='users'` needs h of every prefix from one pass, which {variant.name} does not give; "
            "leave `batch_by` out"
        )
    if world.size > 1 and variant.is_baseline:
        raise UserError(f"{variant.name} is trained by one process; train it without torchrun")
    if (training.item_updates == "lazy" or block is not None) and not (
        encoder.by_rows and encoder.item_bias is None
    ):
        raise UserError(
            f"the item embeddings of {variant.name} move all at once, and this run updates them lazily or by "
            "blocks; add `item_updates='dense'` and `training.item_block=0`"
        )


FREE_IN_A_STACK = {
    "objective": {"lambda", "temperature"},
    "model": {"embedding_dropout", "hidden_dropout", "attention_dropout"},
    "training": {"seed", "learning_rate"},
}
"""Keys in which the runs of a stack may differ."""


def check_agreement(configs: Sequence[Config]) -> None:
    """Refuse runs that differ in more than `FREE_IN_A_STACK`, naming the first key."""
    first = shared_settings(configs[0])
    for config in configs[1:]:
        for key, value in shared_settings(config).items():
            if value != first[key]:
                raise UserError(
                    f"runs of one stack differ in {key} ({first[key]!r} and {value!r}); only seed, dropout, "
                    "λ, τ and the learning rate may; train them with `stack=False`"
                )


def shared_settings(config: Config) -> dict[str, Any]:
    """Return everything in which the runs of a stack agree, as `group.key`."""
    return {
        f"{group}.{key}": value
        for group, keys in config.model_dump().items()
        for key, value in keys.items()
        if key not in FREE_IN_A_STACK.get(group, ())
    }


def refuse_stack(configs: Sequence[Config], n_items: int, device: torch.device) -> None:
    """Raise where runs cannot train in one stack: they differ, or settings have no padded steps."""
    check_agreement(configs)
    if reason := why_alone(configs[0], n_items, device):
        raise UserError(f"these runs cannot be stacked: {reason}; train them with `stack=False`")


def why_alone(config: Config, n_items: int, device: torch.device) -> str | None:
    """Return why a run cannot train in padded steps, in a stack or alone; None if it can."""
    training, variant = config.training, get_variant(config.objective.variant)
    if variant.is_baseline:
        return f"{variant.name} has no padded steps"
    if training.batch_by != "samples":
        return f"`batch_by='{training.batch_by}'` has batches of no fixed shape"
    if config.objective.rec_loss == "sampled":
        return "`rec_loss='sampled'` shares its negatives among the samples of a batch"
    block = item_block(training, n_items, training.batch_size, device)
    if training.item_updates == "lazy" or block is not None:
        return "item embeddings that are updated lazily or by blocks are too many to stack"
    if training.item_optimizer != "adam":
        return f"`item_optimizer='{training.item_optimizer}'` has no step for several runs"
    if config.model.engine == "plain":
        return "`engine='plain'` has no padded steps"
    return None
