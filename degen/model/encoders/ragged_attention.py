"""Attention, causal or bidirectional, on a layout's groups, with its gradient written out (inside Eq. 9).

    weights = softmax(q kᵀ / √(d/heads) + bias)          bias: -∞ on what a query may not see
    mixed   = (weights · mask) v                          mask: dropout on the attention weights

A group's queries, keys and values are views of the flat tokens, and each head's product is one batched
matrix product on them. Left to autograd, every view of every group would cost a pass over all tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from degen.model.encoders.ragged_layout import Group, Layout, on


def attend(
    query: Tensor, key_value: Tensor, layout: Layout, heads: int, mask: Tensor | None, *, last: bool
) -> Tensor:
    """Mix the values that each query may see, in the shape of `query`.

    Parameters
    ----------
    query
        `[n_tokens, d]`, or `[S, d]`, those of the last items, where `last`; the heads divide d.
    key_value
        `[n_tokens, 2d]`, keys and then values.
    mask
        scaled keep mask, flat: group after group, each `[heads, size, queries, width]`; None for no dropout.
    """
    return _Attention.apply(query, key_value, layout, heads, mask, last)  # type: ignore[no-any-return, no-untyped-call]


def mask_size(layout: Layout, heads: int, *, last: bool) -> int:
    """Number of attention weights, hence of entries of the mask."""
    return sum(heads * g.size * (1 if last else g.width) * g.width for g in layout.groups)


def cut_mask(mask: Tensor, layout: Layout, *, last: bool) -> Tensor:
    """Cut the flat mask of a layout from one stated in padded layout, `[S, heads, length, length]`."""
    pieces = []
    for group in layout.groups:
        rows = mask[layout.order[group.sequences], :, :, : group.width]  # [size, heads, length, width]
        ends = layout.length[group.sequences] - 1
        queries = rows[torch.arange(group.size), :, ends][:, :, None] if last else rows[:, :, : group.width]
        pieces.append(queries.transpose(0, 1).reshape(-1))
    return torch.cat(pieces)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key_value: Tensor,
        layout: Layout,
        heads: int,
        mask: Tensor | None,
        last: bool,
    ) -> Tensor:
        mixed = _empty(query, layout)
        saved = []
        for group, keep in _groups(layout, heads, mask, last):
            q, out = (_heads(x, group, heads, last) for x in (query, mixed))
            k, v = (_heads(x, group, heads, False) for x in key_value.chunk(2, 1))
            bias = _bias(group, layout, query, last)
            scores = query.new_empty(heads, *q.shape[1:3], group.width)
            for head in range(heads):
                keys = k[head].transpose(1, 2)
                torch.baddbmm(bias, q[head], keys, alpha=1 / math.sqrt(q.shape[-1]), out=scores[head])
            weights = scores.softmax(-1)
            dropped = weights if keep is None else weights * keep
            for head in range(heads):
                out[head].copy_(torch.bmm(dropped[head], v[head]))
            saved.append((weights, dropped))
        ctx.save_for_backward(query, key_value)
        ctx.saved, ctx.given = saved, (layout, heads, mask, last)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key_value = ctx.saved_tensors
        layout, heads, mask, last = ctx.given
        grad_query, grad_key_value = _empty(query, layout), _empty(key_value, layout)
        groups = _groups(layout, heads, mask, last)
        for (group, keep), (weights, dropped) in zip(groups, ctx.saved, strict=True):
            q, grad_q, g = (_heads(x, group, heads, last) for x in (query, grad_query, grad))
            k, v = (_heads(x, group, heads, False) for x in key_value.chunk(2, 1))
            grad_k, grad_v = (_heads(x, group, heads, False) for x in grad_key_value.chunk(2, 1))
            grad_weights = torch.empty_like(weights)
            for head in range(heads):
                torch.bmm(g[head], v[head].transpose(1, 2), out=grad_weights[head])
                grad_v[head].copy_(torch.bmm(dropped[head].transpose(1, 2), g[head]))
            if keep is not None:
                grad_weights.mul_(keep)
            grad_weights.mul_(weights)  # from here on the gradient of the scores, in the same memory
            grad_scores = grad_weights.addcmul_(weights, grad_weights.sum(-1, keepdim=True), value=-1)
            grad_scores.mul_(1 / math.sqrt(q.shape[-1]))
            for head in range(heads):
                grad_q[head].copy_(torch.bmm(grad_scores[head], k[head]))
                grad_k[head].copy_(torch.bmm(grad_scores[head].transpose(1, 2), q[head]))
        return grad_query, grad_key_value, None, None, None, None


def _groups(
    layout: Layout, heads: int, mask: Tensor | None, last: bool
) -> Iterator[tuple[Group, Tensor | None]]:
    """Each group with its part of the mask, `[heads, size, queries, width]`."""
    start = 0
    for group in layout.groups:
        shape = (heads, group.size, 1 if last else group.width, group.width)
        end = start + math.prod(shape)
        yield group, None if mask is None else mask[start:end].view(shape)
        start = end


def _empty(like: Tensor, layout: Layout) -> Tensor:
    """Room for rows that the groups will fill; a layout's slack is zero, so that nothing comes of it."""
    empty = torch.empty_like(like)
    empty[layout.used :] = 0
    return empty


def _heads(x: Tensor, group: Group, heads: int, last: bool) -> Tensor:
    """A group's rows as a view `[heads, size, queries, d/heads]`."""
    rows = x[group.sequences] if last else x[group.tokens]
    return rows.view(group.size, 1 if last else group.width, heads, -1).permute(2, 0, 1, 3)


def _bias(group: Group, layout: Layout, like: Tensor, last: bool) -> Tensor:
    """-∞ on what a query may not see: later positions, or the padding after the last item."""
    if not (last or layout.bidirectional):
        return _causal_bias(group.width, like.dtype, like.device)
    length = on(like.device, layout.length[group.sequences])
    padded = torch.arange(group.width, device=like.device) >= length[:, None, None]
    return like.new_zeros(padded.shape).masked_fill_(padded, -math.inf)


@lru_cache(maxsize=256)
def _causal_bias(width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`[width, width]`: -∞ above the diagonal, 0 elsewhere, so that no position sees a later one."""
    return torch.full((width, width), -math.inf, dtype=dtype, device=device).triu(1)
