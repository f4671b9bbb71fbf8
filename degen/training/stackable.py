"""Which runs can share a stack (`degen.training.padded.stack`), and which cannot train in padded steps
at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from degen.config.schema import Config
from degen.errors import UserError
from degen.training.optimizer import item_block

OWN = {
    "objective": {"contrast_weight", "temperature"},
    "model": {"embedding_dropout", "hidden_dropout", "attention_dropout"},
    "training": {"seed", "learning_rate"},
}
"""Keys in which the runs of a stack may differ."""


def check_agreement(configs: Sequence[Config]) -> None:
    """Refuse runs that differ in more than `OWN`.

    Raises
    ------
    UserError
        naming the first key.
    """
    first = shared_settings(configs[0])
    for config in configs[1:]:
        for key, value in shared_settings(config).items():
            if value != first[key]:
                raise UserError(
                    f"runs of one stack differ in {key} ({first[key]!r} and {value!r}); only seed, dropout, "
                    "λ, τ and the learning rate may; train them with --no-stack"
                )


def shared_settings(config: Config) -> dict[str, Any]:
    """Everything in which the runs of a stack agree, as `group.key`."""
    return {
        f"{group}.{key}": value
        for group, keys in config.model_dump().items()
        for key, value in keys.items()
        if key not in OWN.get(group, ())
    }


def why_alone(config: Config, n_items: int, device: torch.device) -> str | None:
    """Why a run cannot train in a stack, nor in padded steps at all; None if it can."""
    training = config.training
    if training.batch_by != "samples":
        return f"--batch-by {training.batch_by} has batches of no fixed shape"
    if config.objective.rec_loss == "sampled":
        return "--rec-loss sampled shares its negatives in a way of its own"
    block = item_block(training, n_items, training.batch_size, device)
    if training.item_updates == "lazy" or block is not None:
        return "item embeddings that are updated lazily or by blocks are too many to stack"
    if training.item_optimizer == "sgd":
        return "--item-optimizer sgd has no step for several runs"
    if config.model.engine == "plain":
        return "--engine plain trains in the plainest way"
    return None
