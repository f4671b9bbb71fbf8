"""The training objective, one small function an equation.

    recommendation_loss   Eq. 11   mean over the batch of -log softmax(V h)[target]
    bce_loss, bpr_loss             in its place, with sampled negatives (original SASRec; Rendle et al. 2009)
    negative_mask         §4.3.3   which of the 2B views of a batch are negatives of which
    contrastive_loss      Eq. 14   InfoNCE over the 2B views (Eq. 5 is one row of it)
    objective             Eq. 15   recommendation + λ · contrastive

All take and return tensors of the precision they are given; losses are scalars.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

Similarity = Literal["dot", "cosine"]
Reduction = Literal["sum", "mean"]


def recommendation_loss(h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
    """Eq. 11: mean over the batch of -log softmax(V h)[target].

    Parameters
    ----------
    h
        `[B, d]`, sequence representations.
    V
        `[n, d]`, one row a class.
    targets
        int64 `[B]`, rows of V.
    """
    return _SoftmaxCrossEntropy.apply(h, V, targets)  # type: ignore[no-any-return, no-untyped-call]


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Eq. 11 with its gradients computed in the forward pass, so that the `[B, n]` probabilities are never
    stored.

    With p = softmax(V h) - onehot(target), both gradients are products with p: dh = p V / B and dV = pᵀ h /
    B.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
        scores = h @ V.T
        target_scores = scores.gather(1, targets[:, None])
        highest = _highest(scores, h, V)
        exponentials = scores.exp_() if highest is None else scores.sub_(highest).exp_()
        total = exponentials.sum(1, keepdim=True)
        if any(ctx.needs_input_grad):
            weight = 1 / (total * len(h))
            share = h / len(h)
            grad_h = (exponentials @ V).mul_(weight).sub_(V[targets] / len(h))
            grad_V = (exponentials.T @ (h * weight)).index_add_(0, targets, share, alpha=-1)
            ctx.save_for_backward(grad_h, grad_V)
        log_total = total.log() if highest is None else total.log() + highest
        return (log_total - target_scores).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_h, grad_V = ctx.saved_tensors
        return grad_h * grad, grad_V * grad, None


SAFE_SCORE = 60.0
"""A score whose exponential, and the sum of those of any catalogue, float32 can hold."""


def _highest(scores: Tensor, h: Tensor, V: Tensor) -> Tensor | None:
    """The largest score of each row, `[B, 1]`, to take off before exponentials; None where none can overflow.

    No score exceeds ‖h‖ ‖v‖, and looking at the norms costs less than two passes over all scores. On a GPU,
    where looking means waiting, the largest is always given.
    """
    if scores.device.type == "cpu" and h.norm(dim=1).max() * V.norm(dim=1).max() < SAFE_SCORE:
        return None
    return scores.amax(1, keepdim=True)


def bce_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Binary cross-entropy of the original SASRec: -log σ(h·v) - mean over the k negatives of log(1 -
    σ(h·v⁻)).

    `negatives` is int64 `[B, k]`, rows of V. Mean over the batch.
    """
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(-positive).mean() + functional.softplus(negative).mean()


def bpr_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Bayesian personalised ranking: mean over batch and negatives of -log σ(h·v - h·v⁻)."""
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(negative - positive[:, None]).mean()


def _sampled_scores(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of the targets `[B]` and of the negatives `[B, k]`."""
    positive = (h * functional.embedding(targets, V)).sum(1)
    negative = (h[:, None] * functional.embedding(negatives, V)).sum(2)
    return positive, negative


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


def objective(recommendation: Tensor, contrastive: Tensor, contrast_weight: float | Tensor) -> Tensor:
    """Eq. 15: ℓ = ℓ_Rec + λ ℓ_Reg."""
    return recommendation + contrast_weight * contrastive
