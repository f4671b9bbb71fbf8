"""S3Rec with masked item prediction alone (Zhou et al., CIKM 2020): one encoder in two stages.

    pre-training   bidirectional   row with masks ─► x ─► h = W x + b at the hidden items
    fine-tuning    causal          history ─► h at its last item, as in SASRec

Pre-training tells the hidden item from one item drawn outside the row: loss -log σ(h·v - h·v⁻). Zhou et al.
take the sigmoid of either score first (Eq. 7). Their differences then lie in (-1, 1) and the loss never falls
below log(1 + 1/e) = 0.313, so that recipe `fixed` leaves the inner sigmoids out. The scores of fine-tuning
are V h (Eq. 10). The mask row is trained in the first stage only and is no part of V.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from degen.model.baselines.initial import normal_linear
from degen.model.encoders.encoder import SequenceEncoder


class S3Rec(SequenceEncoder):
    """The encoder of both stages; `bidirectional` tells the first one, and is off at first."""

    def __init__(self, n_items: int, *, seed: int = 0, **settings: Any):
        super().__init__(n_items, seed=seed, **settings)
        dim = self.item_embeddings.shape[1]
        self.masked_item = nn.Linear(dim, dim)
        normal_linear(self.masked_item, settings.get("initializer_range", 0.02), seed)

    def output(self, x: Tensor) -> Tensor:
        """Map bidirectional positions for masked item prediction; causal ones stay."""
        return self.masked_item(x) if self.bidirectional else x
