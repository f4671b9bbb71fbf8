"""The geometry in each epoch's line: alignment and uniformity on a fixed probe, and the spectrum of V.

The probe is the same for every method, seed and epoch: up to 4,096 training samples, their partners, views
and dropout masks all come from a separate seed. So values differ between runs only where the models do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from degen.analysis.measures.alignment import Definition, alignment, uniformity
from degen.analysis.result import summarize
from degen.data.sampling.histories import Int
from degen.data.sampling.source import Source
from degen.evaluation.evaluate import representations
from degen.model.declaration import Variant
from degen.model.encoders.dropout import RandomDropout
from degen.model.encoders.interface import Encoder
from degen.model.precision import float32_products
from degen.model.views import encode_views

BLOCK = 512
"""Samples of the probe whose views are encoded at once with dropout, to bound memory."""

AGAIN = "h again"


@dataclass(frozen=True)
class Probe:
    """The rows of the training samples on which every epoch is measured, in ascending order."""

    source: Source
    rows: Int
    seed: int
    definition: Definition

    @classmethod
    def draw(cls, source: Source, n_samples: int, seed: int, definition: Definition) -> Probe:
        """Draw `n_samples` training samples, or take all where there are fewer."""
        available = len(source.samples)
        rows = np.random.default_rng(seed).choice(available, min(n_samples, available), replace=False)
        return cls(source, np.sort(rows), seed, definition)

    @torch.no_grad()
    def measure(self, encoder: Encoder, variant: Variant) -> dict[str, float | None]:
        """Measure uniformity and three alignments, and the spectrum of V: the keys of `metrics.jsonl`."""
        without_dropout = self._without_dropout(encoder)
        with float32_products("fp32", encoder.item_embeddings.device):
            with_dropout = self._with_dropout(encoder, variant)
        return {**without_dropout, **with_dropout, **summarize(encoder.real_item_embeddings())}

    def _without_dropout(self, encoder: Encoder) -> dict[str, float | None]:
        """Uniformity of h, and its alignment with a same-target partner's (samples without one left out)."""
        paired = self.source.partners.has_partner[self.rows]
        partners = self.source.partners.draw(self.rows[paired], np.random.default_rng(self.seed))
        both = representations(encoder, self.source.samples, np.concatenate([self.rows, partners]))
        h, partner_h = both[: len(self.rows)], both[len(self.rows) :]
        with_partner = h[torch.from_numpy(paired).to(h.device)]
        return {
            "uniformity": uniformity(h, definition=self.definition),
            "alignment_same_target": alignment(with_partner, partner_h, definition=self.definition)
            if len(partners)
            else None,
        }

    def _with_dropout(self, encoder: Encoder, variant: Variant) -> dict[str, float | None]:
        """Alignment of the variant's pairs as they are trained (Eq. 16), and of two dropout passes.

        `alignment` is the mean over the variant's kinds of pairs: two for ucl+scl, one for the others. The
        two passes have masks from another stream than the other views, so that they are the same for every
        variant.
        """
        device = encoder.item_embeddings.device
        passes, others = (
            RandomDropout(int(seed), device) for seed in np.random.SeedSequence(self.seed).generate_state(2)
        )
        rng = np.random.default_rng(self.seed)
        blocks = []
        for start in range(0, len(self.rows), BLOCK):
            rows = self.rows[start : start + BLOCK]
            drawn = variant.draw(self.source, rows, rng)
            twice = {"h": drawn.pop("h"), AGAIN: self.source.history(rows)}
            rest = encode_views(encoder, drawn, others) if drawn else {}
            blocks.append(encode_views(encoder, twice, passes) | rest)
        views = {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}
        of_pairs = [alignment(views[a], views[b], definition=self.definition) for a, b in variant.pairs]
        return {
            "alignment": float(np.mean(of_pairs)) if of_pairs else None,
            "alignment_dropout": alignment(views["h"], views[AGAIN], definition=self.definition),
        }
