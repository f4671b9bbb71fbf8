"""Batches of rows with hidden items, of BERT4Rec and of S3Rec's pre-training.

    class            recipe    rows                               hidden
    Cloze            fixed     whole training parts               ρ of the items, at least one; in some rows
                                                                  the last item alone
                     recbole   histories of the training samples  ρ of the items
    MaskedPrefixes   fixed     all prefixes of training parts     ρ of the items, and always the last
                     recbole   histories of the training samples  ρ of the items

Each epoch draws its masks anew. All hidden items are predicted, so that a batch has as many targets as masks.
In `Cloze` of recipe `recbole`, as in the library, the first item of a row is never predicted and of the
others the last ⌊ρ · max_length⌋ at most. A row there is the history of a sample: the last training action of
a user is never part of a row, and the first ones are in many.
"""

from __future__ import annotations

import numpy as np

from degen.config.schema import Config
from degen.data.sampling.histories import Histories, Int
from degen.data.sampling.masking import MaskRule, mask_rows, prefix_rows, whole_rows
from degen.data.sampling.source import Source
from degen.data.sequences import Samples
from degen.model.declaration import Variant
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder
from degen.model.encoders.ragged_layout import on
from degen.model.views import encode
from degen.training.batching.batch_by import BySamples, EncodedBatch


class Masked(BySamples):
    """A batch holds rows, each encoded once; h at every predicted place enters the recommendation loss."""

    rows: Samples
    rule: MaskRule

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def targets(self) -> Samples:
        """The rows, by which users and their items are found; the targets are drawn with the masks."""
        return self.rows

    @property
    def n_targets(self) -> int:
        """Expected number of targets of an epoch, at least 1."""
        return max(round(self.rule.expected(self.rows.length.astype(np.int64))), 1)

    def encode(
        self, encoder: Encoder, batch: Int, rng: np.random.Generator, dropout: Dropout, part: slice
    ) -> EncodedBatch:
        """Hide items of rows, int64 `[B]`, and encode `part` of them."""
        masked = mask_rows(Histories(*self.rows.histories(batch)), self.rule, encoder.mask_token, rng)
        mine, places = masked.part(part)
        h = encode(encoder, mine.histories, dropout, (mine.sequence, mine.position))
        return EncodedBatch(
            h,
            on(h.device, mine.targets),
            batch[masked.sequence],
            places,
            {"h": h},
            on(h.device, mine.targets),
        )


class Cloze(Masked):
    """Rows of BERT4Rec."""

    def __init__(self, source: Source, variant: Variant, config: Config):
        super().__init__(source, variant, config)
        rate, length = config.baseline.mask_fraction, config.model.max_length
        if config.objective.recipe == "recbole":
            self.rows = source.samples
            self.rule = MaskRule(rate, first_counts=False, most=max(int(rate * length), 1))
        else:
            self.rows = whole_rows(*_log(source), length)
            self.rule = MaskRule(rate, at_least_one=True, last_only=config.baseline.last_only)


class MaskedPrefixes(Masked):
    """Rows of S3Rec's pre-training."""

    def __init__(self, source: Source, variant: Variant, config: Config):
        super().__init__(source, variant, config)
        rate = config.baseline.mask_fraction
        if config.objective.recipe == "recbole":
            self.rows, self.rule = source.samples, MaskRule(rate)
        else:
            self.rows = prefix_rows(*_log(source), config.model.max_length)
            self.rule = MaskRule(rate, always_last=True)


def _log(source: Source) -> tuple[Int, Int]:
    """Return items and offsets of the log that the samples are from."""
    assert source.samples.offsets is not None, "training samples know their users"
    return source.samples.items, source.samples.offsets
