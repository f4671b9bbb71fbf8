"""Which ways of training do not go together, or not with a variant that has scores or losses of its own."""

from __future__ import annotations

from degen.config.schema import Config
from degen.errors import UserError
from degen.model.variants import Variant
from degen.training.distributed import World


def refuse_variant(variant: Variant, config: Config, block: int | None, world: World) -> None:
    """Raise where a variant cannot be trained as configured, or a setting would do nothing.

    Parameters
    ----------
    variant, config
        what is trained, and how.
    block
        items scored and moved at once; None for all.
    world
        the processes of the run.

    Raises
    ------
    UserError
        naming the option that does not go with the variant.
    """
    rec_loss, lazy = config.objective.rec_loss, config.training.item_updates == "lazy"
    if lazy and rec_loss != "ce" and config.training.item_block:
        raise UserError(
            "training.item_block parts the full softmax or Adam's step of all items, and --rec-loss "
            f"{rec_loss} with --item-updates lazy has neither; leave it out"
        )
    if variant.recommendation is not None and rec_loss != "ce":
        raise UserError(
            f"--rec-loss {rec_loss}: {variant.name} has a recommendation loss of its own; leave "
            "--rec-loss out"
        )
    if variant.item_regularizer is not None and lazy:
        raise UserError(
            f"--item-updates lazy moves the items that a batch touches, and {variant.name} has a loss of "
            "others too; leave --item-updates out"
        )
    of_all_items = variant.item_regularizer is not None or (
        rec_loss == "ce" and (variant.recommendation is not None or variant.scores != "dot")
    )
    if block is not None and of_all_items:
        raise UserError(
            f"{variant.name} needs the scores or the gradient of all items at once, and this run takes them "
            "by blocks; add --set training.item_block=0"
        )
    if variant.of_whole_batch and world.size > 1:
        raise UserError(
            f"the loss of {variant.name} is of a batch as a whole, which several processes would part; train "
            "it without torchrun"
        )
