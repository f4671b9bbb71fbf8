"""Eq. 11 by blocks of items, for a catalogue whose scores `[B, n]` are too many to hold at once.

    pass one, `loss`           over blocks of V: running maximum and sum of exponentials (an online softmax),
                               hence the loss, and Σⱼ pⱼ vⱼ beside them, hence the gradient of h
    pass two, `add_gradient`   after the encoder's backward pass: the probabilities of one block again, from
                               the sums of pass one, and the gradient of its rows, (p - onehot)ᵀ h / B

Pass two is for an optimiser (`degen.training.optimizer`) that moves a block as soon as it has the block's
gradient: neither the scores nor a gradient of V of V's own size ever exist. A third more products than the
unblocked loss is the price. Online softmax: Milakov & Gimelshein, 2018 (arXiv 1805.02867); recomputing
blocks in the backward pass: Dao et al., NeurIPS 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

MOST_SCORES = {"cpu": 2**25, "cuda": 2**27}
"""Scores (rows x items) held at once in training and evaluation: 128 MiB in float32, 512 MiB on a GPU."""


class _Batch(NamedTuple):
    """A batch as pass two needs it: h `[B, d]`; target, log-sum-exp and weight of each row, `[B]`."""

    h: Tensor
    targets: Tensor
    log_total: Tensor
    weight: Tensor


class BlockedSoftmax:
    """Mean over a batch of -log softmax(V h)[target], with the gradient of V `[n, d]` by blocks of rows.

    The classes are rows `first` … `last - 1`. V gets no gradient from automatic differentiation here.
    """

    def __init__(self, V: Tensor, first: int, last: int, block: int):
        self.V, self.first, self.last, self.block = V, first, last, block
        self._batches: list[_Batch] = []

    def loss(self, h: Tensor, targets: Tensor) -> Tensor:
        """Eq. 11 for representations `[B, d]` and targets int64 `[B]`, rows of V; a scalar.

        Its backward pass gives the gradient of h, and notes the batch for `add_gradient`.
        """
        return _OnlineSoftmax.apply(h, targets, self)  # type: ignore[no-any-return, no-untyped-call]

    def clear(self) -> None:
        """Forget the batches whose backward pass is done: the next step begins."""
        self._batches.clear()

    @torch.no_grad()
    def add_gradient(self, start: int, out: Tensor) -> None:
        """Add to `out` the gradient of rows `start` … `start + len(out) - 1` of V, as they are now.

        It is that of all losses whose backward pass is done; other rows may have moved since, these not.
        """
        begin, end = max(start, self.first), min(start + len(out), self.last)
        if begin >= end:
            return
        rows = out[begin - start : end - start]
        for batch in self._batches:
            h = batch.h * batch.weight[:, None]
            p = (batch.h @ self.V[begin:end].T).sub_(batch.log_total[:, None]).exp_()  # [B, block]
            rows.addmm_(p.T, h)
            # Targets in other blocks add nothing: picking those in this one would make a GPU's host wait.
            here = (batch.targets >= begin) & (batch.targets < end)
            place = (batch.targets - begin).where(here, 0)
            rows.index_add_(0, place, h.where(here[:, None], 0), alpha=-1)

    def blocks(self) -> Iterator[Tensor]:
        """The classes' rows of V, block after block."""
        for start in range(self.first, self.last, self.block):
            yield self.V.detach()[start : min(start + self.block, self.last)]

    def note(self, h: Tensor, targets: Tensor, log_total: Tensor, weight: Tensor) -> None:
        """Keep a batch for pass two; each of its rows weighs `weight`, a scalar."""
        self._batches.append(_Batch(h, targets, log_total, weight.expand(len(h))))

    def exchange(self, gather: Callable[[Tensor], Tensor]) -> None:
        """Keep the batches of all processes in place of this one's, which has at most one.

        `gather` puts the rows of all processes together. Every process then forms the whole gradient: that
        takes a step's few rows on the way, where sums of gradients would take all of V.
        """
        no_rows = self.V.detach()[:0]
        none = _Batch(no_rows, no_rows.new_empty(0, dtype=torch.int64), no_rows[:, 0], no_rows[:, 0])
        batch = self._batches.pop() if self._batches else none
        self._batches = [_Batch(*map(gather, batch))]


class _OnlineSoftmax(torch.autograd.Function):
    """Pass one."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, targets: Tensor, softmax: BlockedSoftmax) -> Tensor:
        highest = h.new_full((len(h), 1), -math.inf)
        # Σ exp(s) and Σ exp(s) v, both / exp(highest).
        total, mixed = torch.zeros_like(highest), torch.zeros_like(h)
        for rows in softmax.blocks():
            scores = h @ rows.T
            higher = torch.maximum(highest, scores.amax(1, keepdim=True))
            exponentials, shrink = scores.sub_(higher).exp_(), (highest - higher).exp()
            total.mul_(shrink).add_(exponentials.sum(1, keepdim=True))
            mixed.mul_(shrink).addmm_(exponentials, rows)
            highest = higher
        log_total = (total.log() + highest).squeeze(1)
        of_targets = softmax.V.detach()[targets]
        grad_h = (mixed / total - of_targets) / len(h)
        ctx.softmax = softmax
        ctx.save_for_backward(h.detach(), targets, log_total, grad_h)
        return (log_total - (h * of_targets).sum(1)).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        h, targets, log_total, grad_h = ctx.saved_tensors
        ctx.softmax.note(h, targets, log_total, grad / len(h))
        return grad_h * grad, None, None
