"""Training targets of a run, and the epoch at which methods have had equally many.

An epoch of most methods has a target per training sample. One of bpr-mf also has the first action of each
user, and one of bert4rec has only the hidden items. So methods are compared where they have had as many
targets as others in the common epoch, not at the same epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

from degen.config.schema import Config


@dataclass(frozen=True)
class Targets:
    """Numbers of training targets of a configuration on its log; drawn ones count as expected.

    Attributes
    ----------
    epoch
        of an epoch.
    samples
        of an epoch of training samples, the measure of the common epoch.
    pretraining
        of all epochs of pre-training together; 0 without any.
    """

    epoch: int
    samples: int
    pretraining: int = 0

    def by(self, epoch: int) -> int:
        """Return the number of targets until the end of an epoch, pre-training included."""
        return self.pretraining + epoch * self.epoch

    def epoch_of(self, common: int, every: int | None) -> int:
        """Return the epoch with about as many targets as `common` epochs of training samples.

        It is the nearest of those whose item embeddings are kept, a multiple of `every`. Pre-training does
        not count: its targets alone may be more.

        >>> Targets(epoch=34_400, samples=131_400).epoch_of(20, every=None)
        76
        >>> Targets(epoch=34_400, samples=131_400).epoch_of(20, every=20)
        80
        """
        kept = every or 1
        return max(round(common * self.samples / self.epoch / kept), 1) * kept


def count_targets(config: Config) -> Targets:
    """Count the targets of a resolved configuration, by its own batches of its log.

    Raises
    ------
    UserError
        if the log cannot be read, or has changed.
    """
    from degen.build import load_data
    from degen.data.sampling.augment import Augmentations
    from degen.data.sampling.source import Source
    from degen.data.sequences import training_samples
    from degen.model.variants import get_variant
    from degen.training.batching.ways import build_batching

    samples = training_samples(load_data(config.data).sequences, config.model.max_length)
    source = Source.build(samples, Augmentations(0.0, 0.0, 0.0, mask_token=0))
    variant = get_variant(config.objective.variant)
    own = build_batching(source, variant, config).n_targets
    stage = variant.stages.get(config.objective.recipe)
    if stage is None:
        return Targets(own, len(samples))
    first = build_batching(source, stage, config).n_targets
    return Targets(own, len(samples), config.baseline.pretrain_epochs * first)
