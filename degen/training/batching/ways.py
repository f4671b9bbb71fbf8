"""The ways to batch, by name: those that `training.batch_by` chooses, and those that a variant declares."""

from __future__ import annotations

from degen.config.schema import Config
from degen.data.sampling.source import Source
from degen.model.declaration import Variant
from degen.training.batching.batch_by import BySamples, ByUsers
from degen.training.batching.interactions import Interactions
from degen.training.batching.masked import Cloze, MaskedPrefixes

BATCHINGS: dict[str, type[BySamples]] = {
    "samples": BySamples,
    "users": ByUsers,
    "interactions": Interactions,
    "cloze": Cloze,
    "masked prefixes": MaskedPrefixes,
}
"""The classes by name."""


def build_batching(source: Source, variant: Variant, config: Config) -> BySamples:
    """Make the batches that the variant declares, else those that the configuration chooses."""
    return BATCHINGS[variant.batching or config.training.batch_by](source, variant, config)
