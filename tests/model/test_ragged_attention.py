"""Attention on groups held to a loop over queries in float64, and its written-out gradient to differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from degen.model.encoders.ragged_attention import attend, mask_size
from degen.model.encoders.ragged_layout import Layout

HEADS, D = 2, 6
LENGTHS = np.array([3, 1, 7, 1, 4, 9, 2, 7])


def drawn(lengths, last, dropout):
    layout = Layout.of(lengths)
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)

    tokens = layout.n_tokens
    size = mask_size(layout, HEADS, last=last)
    mask = 2.0 * torch.randint(2, (size,), generator=generator, dtype=torch.float64) if dropout else None
    return layout, normal(len(lengths) if last else tokens, D), normal(tokens, 2 * D), mask


def attend_slowly(query, key_value, layout, mask, last):
    """Each query by itself, from the text of the module; NaN where a query is padding."""
    query, key_value = query.detach().numpy(), key_value.detach().numpy()
    mixed = np.full(query.shape, np.nan)
    width_of_head, used = D // HEADS, 0
    for group in layout.groups:
        queries = 1 if last else group.width
        shape = (HEADS, group.size, queries, group.width)
        keep = np.ones(shape) if mask is None else mask[used : used + math.prod(shape)].numpy().reshape(shape)
        used += math.prod(shape)
        for s in range(group.size):
            length = layout.length[group.first + s]
            start = group.token + s * group.width
            for j in range(length - 1, length) if last else range(length):
                row = group.first + s if last else start + j
                for head in range(HEADS):
                    part = slice(head * width_of_head, (head + 1) * width_of_head)
                    keys = key_value[start : start + j + 1, :D][:, part]
                    values = key_value[start : start + j + 1, D:][:, part]
                    e = np.exp(keys @ query[row, part] / math.sqrt(width_of_head))
                    weights = e / e.sum() * keep[head, s, 0 if last else j, : j + 1]
                    mixed[row, part] = weights @ values
    return mixed


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_each_query_mixes_what_it_may_see(last, dropout):
    layout, query, key_value, mask = drawn(LENGTHS, last, dropout)
    mixed = attend(query, key_value, layout, HEADS, mask, last=last).detach().numpy()
    expected = attend_slowly(query, key_value, layout, mask, last)
    real = ~np.isnan(expected)
    assert real.all(1).sum() == (len(LENGTHS) if last else LENGTHS.sum())
    assert np.abs(mixed[real] - expected[real]).max() < 1e-14


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_its_gradient_is_that_of_finite_differences(last, dropout):
    layout, query, key_value, mask = drawn(np.array([2, 1, 5, 3, 5]), last, dropout)

    def mixed(query, key_value):
        return attend(query, key_value, layout, HEADS, mask, last=last)

    assert torch.autograd.gradcheck(mixed, (query, key_value))


def test_a_strided_gradient_is_taken_as_it_comes():
    layout, query, key_value, _ = drawn(LENGTHS, False, False)
    weight = torch.arange(float(query.numel()), dtype=torch.float64).view(D, -1).T
    mixed = [attend(query, key_value, layout, HEADS, None, last=False) for _ in range(2)]
    (direct,) = torch.autograd.grad(mixed[0], query, weight)
    (same,) = torch.autograd.grad(mixed[1], query, weight.contiguous())
    assert torch.equal(direct, same)


def test_slack_mixes_to_zero_and_gets_no_gradient():
    layout, query, key_value, _ = drawn(np.full(50, 7), False, False)
    assert layout.n_tokens > layout.used
    mixed = attend(query, key_value, layout, HEADS, None, last=False)
    gradients = torch.autograd.grad(mixed, (query, key_value), torch.full_like(mixed, 3.0))
    for tensor in (mixed, *gradients):
        assert (tensor[layout.used :] == 0).all()
        assert (tensor[: layout.used] != 0).any()
