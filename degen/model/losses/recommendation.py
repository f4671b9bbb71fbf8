"""The recommendation loss of a batch, one function per form.

    recommendation_loss     Eq. 11   mean over the batch of -log softmax(V h)[target]
    softmax_cross_entropy   Eq. 11   the same by automatic differentiation, for `torch.func.vmap`
    bce_loss, bpr_loss               in its place, with sampled negatives (SASRec; Rendle et al. 2009)

Tensors keep the precision that they are given. Losses are scalars. Eq. 11 by blocks of items is in
`blocked_softmax.py`, the softmax over sampled negatives in `sampled_softmax.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


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
    """Eq. 11 with its gradients computed in the forward pass, so that no `[B, n]` probabilities are stored.

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
"""A score whose exponential float32 can hold, even summed over any catalogue."""


def _highest(scores: Tensor, h: Tensor, V: Tensor) -> Tensor | None:
    """Return the largest score of each row, `[B, 1]`, to subtract before exponentials.

    None where no exponential can overflow: no score exceeds ‖h‖ ‖v‖, and the norms cost less than two passes
    over all scores. On a GPU the host would have to wait for the norms, so that scores are always returned.
    """
    if scores.device.type == "cpu" and h.norm(dim=1).max() * V.norm(dim=1).max() < SAFE_SCORE:
        return None
    return scores.amax(1, keepdim=True)


def softmax_cross_entropy(h: Tensor, V: Tensor, targets: Tensor) -> Tensor:
    """Eq. 11 as `recommendation_loss` has it, in operations that `torch.func.vmap` can batch over runs.

    The two agree to rounding only, because they add up the gradients in another order.
    """
    return functional.cross_entropy(h @ V.T, targets)


def bce_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Binary cross-entropy of the original SASRec, with k negatives for each target.

    The mean over the batch of -log σ(h·v) - mean over the negatives of log(1 - σ(h·v⁻)). `negatives` is
    int64 `[B, k]`, rows of V.
    """
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(-positive).mean() + functional.softplus(negative).mean()


def bpr_loss(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Bayesian personalised ranking: the mean over batch and negatives of -log σ(h·v - h·v⁻)."""
    positive, negative = _sampled_scores(h, V, targets, negatives)
    return functional.softplus(negative - positive[:, None]).mean()


def _sampled_scores(h: Tensor, V: Tensor, targets: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of the targets `[B]` and of the negatives `[B, k]`."""
    positive = (h * functional.embedding(targets, V)).sum(1)
    negative = (h[:, None] * functional.embedding(negatives, V)).sum(2)
    return positive, negative
