"""Caser (Tang & Wang, WSDM 2018): convolutions over the last L items, and the user.

    E = V[last L items]  [L, d] ─┬─ n_v vertical filters L × 1          ─► o_v [n_v · d]
                                 └─ n_h horizontal filters k × d,       ─► o_h [n_h · L]
                                    k = 1 … L, ReLU, maximum over time
    z = ReLU(W₁ dropout[o_v; o_h] + b₁)          h = W₂ [z; p_u] + b₂

Scores are h·v with the table that E is read from (tied), one target a sample, as in the authors' library; the
original has an output table of its own of width 2d, three targets and BCE. With the full softmax Eq. 4 holds.

    recipe    L   padding   its rows              h              penalty
    fixed     5   left      zero, no gradient     linear         L2 of the filters
    recbole   50  right     row 0 of V            ReLU: h ≥ 0    lengths (not squared) of the weights

With padding on the right the vertical filters see the oldest item first, and the last item has no fixed
place. With a final ReLU all contexts lie in one orthant, so that all pushes of Eq. 4 share half-spaces.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from degen.data.sequences import PAD
from degen.model.baselines.initial import xavier_normal
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder


class Caser(Encoder):
    """Convolutional sequence embedding.

    Parameters
    ----------
    n_items, n_users, dim, seed
        numbers of items and users, d, seed of the initial weights.
    max_length
        L, the number of last items that are read, and the largest height of a filter.
    vertical_filters, horizontal_filters
        n_v, and n_h for each height.
    hidden_dropout
        rate after the convolutions.
    padding_side
        `left`, with zeros, or `right`, with the padding row as it is.
    final_relu, output_bias
        whether h is cut at 0, and whether items have a bias.
    l2, norm_penalty
        weights of the squared length of the filters, and of the lengths of all weights but biases.
    """

    causal = False
    needs_users = True
    by_rows = False

    def __init__(
        self,
        n_items: int,
        *,
        n_users: int,
        dim: int = 64,
        max_length: int = 5,
        vertical_filters: int = 4,
        horizontal_filters: int = 16,
        hidden_dropout: float = 0.5,
        padding_side: str = "left",
        final_relu: bool = False,
        output_bias: bool = False,
        l2: float = 0.0,
        norm_penalty: float = 0.0,
        seed: int = 0,
    ):
        super().__init__()
        self.n_items, self.n_users, self.max_length = n_items, n_users, max_length
        self.hidden_dropout, self.padding_side, self.final_relu = hidden_dropout, padding_side, final_relu
        self.l2, self.norm_penalty, self.sparse_items = l2, norm_penalty, False
        self.item_embeddings = nn.Parameter(torch.empty(n_items + 1, dim))
        self.item_bias = nn.Parameter(torch.zeros(n_items + 1)) if output_bias else None
        self.user_embeddings = nn.Parameter(torch.empty(n_users, dim))
        self.vertical = nn.Linear(max_length, vertical_filters)
        heights = range(1, max_length + 1)
        self.horizontal = nn.ModuleList(nn.Conv1d(dim, horizontal_filters, height) for height in heights)
        features = vertical_filters * dim + horizontal_filters * max_length
        self.hidden, self.output = nn.Linear(features, dim), nn.Linear(2 * dim, dim)
        self._initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialize(self, generator: torch.Generator) -> None:
        """Draw the authors' N(0, 1/d) embeddings, Glorot's linear maps, and PyTorch's filters."""
        for table in (self.item_embeddings, self.user_embeddings):
            table.normal_(0, 1 / table.shape[1], generator=generator)
        self.item_embeddings[PAD] *= self.padding_side == "right"
        for linear in (self.hidden, self.output):
            xavier_normal(linear.weight, generator)
            linear.bias.zero_()
        for layer in (self.vertical, *self.horizontal):
            filters, bias = cast(nn.Conv1d, layer).weight, cast(Tensor, layer.bias)
            bound = 1 / math.sqrt(filters[0].numel())
            for weight in (filters, bias):
                weight.uniform_(-bound, bound, generator=generator)

    @property
    def nothing(self) -> Tensor:
        """Representations `[0, d]` of no history, whose gradient is dense and small."""
        return self.output.weight[:0, : self.output.out_features]

    def forward(
        self,
        items: Tensor,
        lengths: Tensor,
        dropout: Dropout | None = None,
        _at: tuple[Tensor, Tensor] | None = None,
        users: Tensor | None = None,
    ) -> Tensor:
        """Encode S histories of `users`, int64 `[S]`, at their last items: `[S, d]`."""
        assert users is not None
        x = self._convolutions(self._window(items, lengths))
        if dropout is not None and self.hidden_dropout > 0:
            mask = dropout.mask("convolutions", tuple(x.shape), self.hidden_dropout, lambda keep: keep, x)
            x = x * mask
        z = self.hidden(x).relu()
        h: Tensor = self.output(torch.cat([z, functional.embedding(users, self.user_embeddings)], dim=1))
        return h.relu() if self.final_relu else h

    def _window(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Return E `[S, L, d]`: the embeddings of the last L items, with padding."""
        L = self.max_length
        ends, kept = lengths.cumsum(0), lengths.clamp(max=L)
        place = torch.arange(L)
        before = L - kept if self.padding_side == "left" else torch.zeros_like(kept)
        offset = place - before[:, None]  # of each place from the first item that is kept
        real = ((offset >= 0) & (offset < kept[:, None])).to(items.device)
        index = ((ends - kept)[:, None] + offset).clamp(0, max(len(items) - 1, 0)).to(items.device)
        padded = items[index].where(real, PAD)
        E = functional.embedding(padded, self.item_embeddings, padding_idx=PAD)
        return E * real[..., None] if self.padding_side == "left" else E

    def _convolutions(self, E: Tensor) -> Tensor:
        """Return o_v and o_h side by side, `[S, n_v · d + n_h · L]`."""
        over_time = E.transpose(1, 2)  # [S, d, L]
        vertical = self.vertical(over_time).transpose(1, 2).flatten(1)  # filter by filter
        horizontal = [layer(over_time).relu().amax(2) for layer in self.horizontal]
        return torch.cat([vertical, *horizontal], dim=1)

    def penalty(self, _h: Tensor, _targets: Tensor, _negatives: Tensor | None) -> Tensor | None:
        """Return the L2 of the filters plus the library's lengths of weights; None where both weigh 0."""
        filters = [cast(nn.Conv1d, layer).weight for layer in (self.vertical, *self.horizontal)]
        terms = []
        if self.l2:
            terms.append(self.l2 * torch.stack([weight.square().sum() for weight in filters]).sum())
        if self.norm_penalty:
            tables = (self.user_embeddings, self.item_embeddings)
            weights = (*tables, self.hidden.weight, self.output.weight, *filters)
            terms.append(self.norm_penalty * torch.stack([weight.norm() for weight in weights]).sum())
        return torch.stack(terms).sum() if terms else None
