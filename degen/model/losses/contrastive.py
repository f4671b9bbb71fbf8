"""The contrastive loss of a batch of pairs of views (Eq. 5 and 14).

    negative_mask      §4.3.3       which of the 2B views of a batch are negatives of which
    contrastive_loss   Eq. 5, 14    InfoNCE over the 2B views; Eq. 5 is one row of it

Tensors keep the precision that they are given. The loss is a scalar.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Similarity = Literal["dot", "cosine"]
Reduction = Literal["sum", "mean"]


def negative_mask(targets: Tensor, *, same_target_negatives: bool = False) -> Tensor:
    """§4.3.3: bool `[2B, 2B]`, True where the column's view is a negative of the row's view.

    Views 0 … B-1 are the first of each pair, B … 2B-1 the second. A view is never its own negative, nor its
    pair's; views of samples with the same target are left out too, unless `same_target_negatives` (the
    authors' released code).

    >>> negative_mask(torch.tensor([7, 7, 9])).int()[0].tolist()
    [0, 0, 1, 0, 0, 1]
    """
    if same_target_negatives:
        mask = ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    else:
        mask = targets[:, None] != targets
    return mask.repeat(2, 2)


def contrastive_loss(
    first: Tensor,
    second: Tensor,
    targets: Tensor,
    temperature: float = 1.0,
    *,
    similarity: Similarity = "dot",
    same_target_negatives: bool = False,
    reduction: Reduction = "sum",
) -> Tensor:
    """Eq. 14: InfoNCE from each view toward its pair, in both directions, each a mean over the batch.

    Parameters
    ----------
    first, second
        `[B, d]`, the two views of each sample; row i of one is the positive of row i of the other.
    targets
        int64 `[B]`, target items, which decide what is a negative (§4.3.3).
    temperature
        τ > 0; similarities are divided by it.
    similarity
        dot product (the paper) or cosine.
    same_target_negatives
        keep views of samples with the same target among the negatives.
    reduction
        `sum` of the two directions (Eq. 14), or their `mean` (the authors' released code, half of it).
    """
    views = torch.cat([first, second])  # [2B, d]
    if similarity == "cosine":
        views = functional.normalize(views, dim=1)
    similarities = views @ views.T / temperature  # [2B, 2B]
    positive = (views[: len(first)] * views[len(first) :]).sum(1).repeat(2) / temperature  # [2B]
    kept = negative_mask(targets, same_target_negatives=same_target_negatives)
    negatives = similarities.masked_fill(~kept, -math.inf)
    candidates = torch.cat([positive[:, None], negatives], dim=1)  # [2B, 1 + 2B]
    both = (candidates.logsumexp(1) - positive).view(2, -1).mean(1)  # one mean a direction
    return both.sum() if reduction == "sum" else both.mean()
