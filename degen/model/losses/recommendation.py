"""The recommendation loss of a batch (Eq. 11), one function per form.

    recommendation_loss     Eq. 11   mean over the batch of -log softmax(V h)[target]
    softmax_cross_entropy   Eq. 11   the same by automatic differentiation, for `torch.func.vmap`
    bce_loss, bpr_loss               in its place, with sampled negatives (SASRec; Rendle et al. 2009)
    gbce_loss                        BCE that makes up for the sampling (gSASRec)
    double_sigmoid_loss              the same with S3Rec's scores, σ(h·v) (Zhou et al. 2020)

Tensors keep the precision that they are given. Losses are scalars. Eq. 11 by blocks of items is in
`blocked_softmax.py`, the softmax over sampled negatives in `sampled_softmax.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

SAFE_SCORE = 60.0
"""A score whose exponential float32 can hold, even summed over any catalogue."""


def recommendation_loss(h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
    """Eq. 11 for representations h `[B, d]`, classes V `[n, d]` and targets int64 `[B]`, rows of V."""
    return _SoftmaxCrossEntropy.apply(h, V, targets)  # type: ignore[no-any-return, no-untyped-call]


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Eq. 11 with its gradients computed in the forward pass, so that no `[B, n]` probabilities are stored.

    With p = softmax(V h) - onehot(target) they are dh = p V / B and dV = pᵀ h / B.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
        scores = h @ V.T
        target_scores = scores.gather(1, targets[:, None])
        # No score exceeds ‖h‖ ‖v‖, and the norms cost less than two passes over all scores. On a GPU the host
        # would have to wait for the norms, so that the highest scores are always subtracted.
        safe = scores.device.type == "cpu" and h.norm(dim=1).max() * V.norm(dim=1).max() < SAFE_SCORE
        highest = None if safe else scores.amax(1, keepdim=True)
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


def softmax_cross_entropy(h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
    """Eq. 11 in operations that `torch.func.vmap` can batch over runs; gradients agree to rounding only."""
    return functional.cross_entropy(h @ V.T, targets)


def bce_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """SASRec's mean of -log σ(h·v) - mean of log(1 - σ(h·v⁻)); `negatives` int64 `[B, k]`, rows of V."""
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(-positive).mean() + functional.softplus(negative).mean()


def gbce_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor, t: float, n_items: int) -> Tensor:
    """Generalised BCE: the batch mean of -(log σ(h·v)^β + Σ log(1 - σ(h·v⁻))) / (k + 1).

    With k of n - 1 possible negatives drawn, the share α = k / (n - 1), plain BCE meets an item as a target
    1/α times too often, and the model is overconfident. The power β = α (t (1 - 1/α) + 1/α) = 1 - t (1 - α)
    weighs the target: for t = 0 it is 1, BCE up to the mean over all k + 1 items; for t = 1 it is α, and the
    best σ(h·v) is the probability that the item follows. h, V, targets and negatives are as in `bce_loss`;
    t in [0, 1], and V may have more rows than `n_items`, the number of items that are drawn from.

    Source: Petrov and Macdonald, gSASRec, RecSys 2023.
    """
    positive, negative = _sampled_scores(h, V, targets, negatives)
    k = negatives.shape[1]
    beta = 1 - t * (1 - k / (n_items - 1))
    # -log σ(s)^β is β softplus(-s), which stays finite where σ(s) underflows.
    each = beta * functional.softplus(-positive) + functional.softplus(negative).sum(1)
    return each.mean() / (k + 1)


def bpr_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Bayesian personalised ranking: the mean over batch and negatives of -log σ(h·v - h·v⁻)."""
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(negative - positive[:, None]).mean()


def double_sigmoid_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """S3Rec's masked item prediction: the mean over batch and negatives of -log σ(σ(h·v) - σ(h·v⁻)).

    It lies between log(1 + 1/e) = 0.313 and log(1 + e) = 1.313.
    """
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(negative.sigmoid() - positive.sigmoid()[:, None]).mean()


def _sampled_scores(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of the targets `[B]` and of the negatives `[B, k]`."""
    positive = (h * functional.embedding(targets, V)).sum(1)
    negative = (h[:, None] * functional.embedding(negatives, V)).sum(2)
    return positive, negative
