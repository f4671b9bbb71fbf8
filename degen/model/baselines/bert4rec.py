"""BERT4Rec (Sun et al., CIKM 2019): the encoder of Eq. 8-9 without its causal mask, and an output head.

    row with masks ─► bidirectional encoder ─► x ─► h = LayerNorm(GELU(W x + b)) ─► scores V h + output bias

V is the input table too (tied). Training predicts the hidden items of a row from h at their positions, by the
cross-entropy over all items (`degen.training.batching.masked`). To represent a history, a mask is appended
and h is read there. The history keeps its last `max_length - 1` items, so that the mask stands where it does
in a training row whose last item is hidden.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from degen.data.sampling.masking import append_mask
from degen.model.baselines.initial import normal_linear
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.ragged_layout import on


class Head(nn.Module):
    """The output head: h = LayerNorm(GELU(W x + b)), `[…, d]` to `[…, d]`."""

    def __init__(self, dim: int, eps: float):
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Map encoded positions to representations."""
        h: Tensor = self.norm(functional.gelu(self.linear(x)))
        return h


class Bert4Rec(SequenceEncoder):
    """The bidirectional encoder; further settings are those of `EncoderParameters`.

    Parameters
    ----------
    output_head
        whether h passes through the head; RecBole 0.2.1 has none.
    output_bias
        whether items have a bias in the score.
    """

    causal: ClassVar[bool] = False

    def __init__(
        self,
        n_items: int,
        *,
        output_head: bool = True,
        output_bias: bool = True,
        seed: int = 0,
        **settings: Any,
    ):
        super().__init__(n_items, seed=seed, **settings)
        self.bidirectional = True
        self.item_bias = nn.Parameter(torch.zeros(len(self.item_embeddings))) if output_bias else None
        self.head = None
        if output_head:
            self.head = Head(self.item_embeddings.shape[1], self.input_norm.eps)
            normal_linear(self.head.linear, settings.get("initializer_range", 0.02), seed)

    def shown(self, items: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Append a mask to each history, where its representation is read."""
        source, target, length = append_mask(lengths.numpy(), self.max_length)
        masked = items.new_full((int(length.sum()),), self.mask_token)
        masked[on(items.device, target)] = items[on(items.device, source)]
        return masked, torch.from_numpy(length)

    def output(self, x: Tensor) -> Tensor:
        """Map encoded positions by the head, where there is one."""
        return x if self.head is None else self.head(x)
