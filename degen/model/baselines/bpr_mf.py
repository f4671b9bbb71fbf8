"""BPR-MF (Rendle et al., UAI 2009): matrix factorisation, trained to rank a user's items before others.

    h = p_u                                            score = p_u·q_i + b_i
    loss = mean over (u, i, j) of -log σ(score_ui - score_uj)   (`degen.model.losses.recommendation.bpr_loss`)

V is q, and h does not depend on the history. Every training action is a pair (u, i), the first of a user too,
and j is drawn uniformly from the items that u has not in training
(`degen.training.batching.interactions`). Eq. 4 does not hold: the push on j is (1 - σ) p_u, and j is uniform,
so that rare and frequent items are pushed equally often.

The L2 penalty acts on the rows of the batch only. Adam's weight decay would shrink every row at every step,
those of rare items with nothing to hold against it. Biases are not penalised. A user bias would cancel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from degen.model.baselines.initial import xavier_normal
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder


class BprMf(Encoder):
    """Factors of users and items.

    Parameters
    ----------
    n_items, n_users, dim, seed
        numbers of items and users, d, seed of the initial weights (Glorot's normal ones).
    output_bias
        whether items have a bias.
    l2
        λ, the weight of the squared lengths of p_u, q_i and q_j, as a mean over the batch.
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
        output_bias: bool = True,
        l2: float = 0.0025,
        seed: int = 0,
    ):
        super().__init__()
        self.n_items, self.n_users, self.max_length, self.l2 = n_items, n_users, 1, l2
        self.sparse_items = False
        self.item_embeddings = nn.Parameter(torch.empty(n_items + 1, dim))
        self.item_bias = nn.Parameter(torch.zeros(n_items + 1)) if output_bias else None
        self.user_embeddings = nn.Parameter(torch.empty(n_users, dim))
        generator = torch.Generator().manual_seed(seed)
        for table in (self.item_embeddings, self.user_embeddings):
            xavier_normal(table, generator)

    def forward(
        self,
        _items: Tensor,
        _lengths: Tensor,
        _dropout: Dropout | None = None,
        _at: tuple[Tensor, Tensor] | None = None,
        users: Tensor | None = None,
    ) -> Tensor:
        """Return p_u of `users`, int64 `[S]`: `[S, d]`. Histories do not matter."""
        assert users is not None
        return functional.embedding(users, self.user_embeddings)

    def penalty(self, h: Tensor, targets: Tensor, negatives: Tensor | None) -> Tensor | None:
        """λ times the mean over pairs of ‖p_u‖² + ‖q_i‖² + ‖q_j‖², over all j of a pair."""
        if self.l2 == 0:
            return None
        rows = targets[:, None] if negatives is None else torch.cat([targets[:, None], negatives], dim=1)
        items = functional.embedding(rows, self.item_embeddings)
        return self.l2 * (h.square().sum() + items.square().sum()) / len(h)
