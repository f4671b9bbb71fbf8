"""Softmax cross-entropy over the target and sampled negatives, in place of Eq. 11.

    -log( exp(s_t) / (exp(s_t) + Σ_{j drawn, j ≠ t} exp(s_j - log q_j)) ),    s = V h,    q_j = k Q_j

Each of the k draws is item j with probability Q_j, so that q_j is the expected number of draws of j (log-Q
correction: Bengio & Senécal 2008; Jean et al., ACL 2015). The sum over draws has the mean Σ_{j ≠ t} exp(s_j).
So the normaliser is unbiased, and with k → ∞ the loss becomes Eq. 11. The target's score is not corrected,
because the target is always present, not drawn (Khrylchenko et al., RecSys 2025, on the excess correction of
Yi et al., RecSys 2019). A draw that equals the row's target is left out.

`objective.log_q = false` leaves the correction out, log q_j = 0. With uniform draws that is the loss of
Klenitskiy and Vasilev (RecSys 2023), whose SASRec with 3,000 negatives is close to the full softmax:

    degen train --rec-loss sampled --sampling uniform --negatives 3000 --set objective.log_q=false

Two things differ. They draw 3,000 distinct items that the user has not had, for each user of a batch; here
they are drawn with replacement and shared by the whole batch, and only the target itself is left out.

**Effect on degeneration.** By Eq. 4 the full softmax pushes each item j that is not the target along -h with
weight p_j = softmax(V h)[j]. It does so for every item at every step, and a rare item gets hardly any other
gradient, which makes the cone. Here only drawn items are pushed, with weight p̂_j = exp(s_j - log q_j) / Ẑ:

- The mean push is p_j h again, up to a bias of order 1/k (Ẑ is unbiased, 1/Ẑ is not). But it comes as a few
  large pushes, p_j / q_j each, in place of many small ones.
- Uniform negatives push all items alike, each at a share k/n of the steps. In-batch negatives push an item as
  often as it is a target. An item that is never a target is never pushed and moves only as an input.
- Adam divides by the root of the mean square. Hence a push at a share q of the steps moves a row by about √q
  of what the same mean push at every step would, as long as the second moment remembers the last push
  (q > 1 - β₂), and by about q with lazy updates, whose moments see touched steps only. So rare items drift
  along the common direction more slowly than under Eq. 11. The cone is delayed, not prevented, and a spectrum
  under this loss must not be read as one of the full softmax.

One run each on the embedded dataset (sasrec, 800 users, 1,500 items, d 32, five epochs, seed 0): σ₂/σ₁ of V
is 0.16 under Eq. 11, 0.51 with 64 uniform negatives, 0.60 with in-batch ones, and 0.65 and 0.69 with lazy
updates.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def sampled_softmax_loss(
    h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor, log_expected: Tensor
) -> Tensor:
    """The loss above, mean over the batch, a scalar, for h `[B, d]` and V `[n, d]`.

    Targets, int64 `[B]`, and negatives, int64 `[k]` as drawn and shared by the batch, are rows of V;
    `log_expected`, `[k]`, is log q of each negative.
    """
    positive = (h * functional.embedding(targets, V)).sum(1, keepdim=True)
    corrected = h @ functional.embedding(negatives, V).T - log_expected
    others = corrected.masked_fill(negatives == targets[:, None], -math.inf)
    return (torch.cat([positive, others], dim=1).logsumexp(1) - positive.squeeze(1)).mean()


def needed_rows(V: Tensor, *indices: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Gather the indexed rows of V `[n, d]`, once each, with a sparse gradient; renumber the indices."""
    rows, renumbered = torch.unique(torch.cat([index.flatten() for index in indices]), return_inverse=True)
    pieces = renumbered.split([index.numel() for index in indices])
    return functional.embedding(rows, V, sparse=True), [
        piece.view(index.shape) for piece, index in zip(pieces, indices, strict=True)
    ]
