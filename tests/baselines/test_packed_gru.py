"""The written-out GRU layer against PyTorch's own, values and gradients, and against finite differences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from degen.model.baselines.packed_gru import packed_gru

D, H = 3, 4


@pytest.mark.parametrize("steps", [[1], [5], [5, 4, 4, 1], [2, 2, 2], [1] * 9], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_pytorchs_layer(steps, bias):
    generator = torch.Generator().manual_seed(4)
    gru = torch.nn.GRU(D, H, bias=bias).double()
    with torch.no_grad():
        for weight in gru.parameters():
            weight.normal_(0, 0.8, generator=generator)
    x = torch.randn(sum(steps), D, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(sum(steps), H, generator=generator, dtype=torch.float64)
    expected = gru(PackedSequence(x, torch.tensor(steps)))[0].data
    (expected * weights).sum().backward()
    wanted = [x.grad.clone(), *(weight.grad.clone() for weight in gru.parameters())]
    x.grad = None
    gru.zero_grad()
    gates = functional.linear(x, gru.weight_ih_l0, gru.bias_ih_l0 if bias else None)
    found = packed_gru(gates, gru.weight_hh_l0, gru.bias_hh_l0 if bias else None, steps)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    (found * weights).sum().backward()
    for got, want in zip([x.grad, *(weight.grad for weight in gru.parameters())], wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_its_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(5)
    shapes = [(6, 3 * H), (3 * H, H), (3 * H,)]
    arguments = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    for argument in arguments:
        argument.requires_grad_()
    assert torch.autograd.gradcheck(lambda g, U, c: packed_gru(g, U, c, [3, 2, 1]), arguments)
