"""The full softmax by blocks of items: the loss and both gradients are those of Eq. 11 taken at once."""

from __future__ import annotations

import numpy as np
import pytest
import reference
import torch

from degen.model.losses.blocked_softmax import BlockedSoftmax
from degen.model.losses.recommendation import recommendation_loss

N = 37
BLOCKS = [1, 2, 5, 36, 37, 1000]


def drawn(batch=6, n=N, d=4, scale=1.0, dtype=torch.float64, seed=0):
    rng = np.random.default_rng(seed)
    h, V = (torch.tensor(rng.normal(size=size) * scale, dtype=dtype) for size in ((batch, d), (n, d)))
    return h.requires_grad_(), V, torch.from_numpy(rng.integers(0, n, size=batch))


def gradient_of_items(softmax, V, piece):
    """The gradient of all rows, asked for in pieces that need not be the blocks of pass one."""
    whole = torch.zeros_like(V)
    for start in range(0, len(V), piece):
        softmax.add_gradient(start, whole[start : start + piece])
    return whole


def unblocked(h, V, targets, first=0, last=None):
    """The loss and gradients of h and of the whole table, by automatic differentiation of Eq. 11."""
    h, table = (value.detach().double().requires_grad_() for value in (h, V))
    scores = h @ table[first:last].T
    loss = torch.nn.functional.cross_entropy(scores, targets - first)
    return loss, *torch.autograd.grad(loss, (h, table))


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("batch", [1, 2, 255, 256])
def test_loss_and_gradients_are_those_of_the_loss_taken_at_once(block, batch):
    h, V, targets = drawn(batch)
    softmax = BlockedSoftmax(V, 0, N, block)
    loss = softmax.loss(h, targets)
    expected = reference.recommendation_loss(h.tolist(), V.tolist(), targets.tolist())
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    _, grad_h, grad_V = unblocked(h, V, targets)
    loss.backward()
    torch.testing.assert_close(h.grad, grad_h, rtol=0, atol=1e-12)
    for piece in (1, 5, block):
        torch.testing.assert_close(gradient_of_items(softmax, V, piece), grad_V, rtol=0, atol=1e-12)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(("first", "last"), [(0, N - 1), (1, N - 1), (3, 20)])
def test_rows_that_are_no_classes_stay_out(block, first, last):
    h, V, targets = drawn()
    targets = targets.clamp(first, last - 1)
    softmax = BlockedSoftmax(V, first, last, block)
    loss = softmax.loss(h, targets)
    expected, grad_h, grad_V = unblocked(h, V, targets, first, last)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    loss.backward()
    torch.testing.assert_close(h.grad, grad_h, rtol=0, atol=1e-12)
    found = gradient_of_items(softmax, V, block)
    torch.testing.assert_close(found, grad_V, rtol=0, atol=1e-12)
    assert not found[:first].any()
    assert not found[last:].any()


@pytest.mark.parametrize("block", [64, 1000, 2999])
def test_single_precision_is_single_precision_of_the_same(block):
    h, V, targets = drawn(64, 3000, 32, scale=0.5, dtype=torch.float32)
    softmax = BlockedSoftmax(V, 1, 3000, block)
    targets = targets.clamp(min=1)
    loss = softmax.loss(h, targets)
    expected, grad_h, grad_V = unblocked(h, V, targets, 1)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    for found, exact in ((h.grad, grad_h), (gradient_of_items(softmax, V, block), grad_V)):
        assert found.dtype == torch.float32
        assert (found - exact).abs().max() <= 1e-4 * exact.abs().max()


def test_it_agrees_with_the_unblocked_path_of_the_project():
    h, V, targets = drawn(9)
    softmax = BlockedSoftmax(V, 0, N, 8)
    assert softmax.loss(h, targets).item() == pytest.approx(
        recommendation_loss(h, V, targets).item(), rel=1e-12
    )


@pytest.mark.parametrize("order", ["rising", "falling"])
def test_huge_scores_neither_overflow_nor_vanish(order):
    # Scores from -3e5 to 3e5: the highest so far grows by thousands with each block, or falls away from it.
    V = torch.linspace(-300, 300, 40, dtype=torch.float64)[:, None]
    V = V if order == "rising" else V.flip(0)
    h, targets = (
        torch.tensor([[1000.0], [-1000.0]], dtype=torch.float64, requires_grad=True),
        torch.tensor([3, 30]),
    )
    softmax = BlockedSoftmax(V, 0, 40, 3)
    loss = softmax.loss(h, targets)
    expected, grad_h, grad_V = unblocked(h, V, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    loss.backward()
    torch.testing.assert_close(h.grad, grad_h, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient_of_items(softmax, V, 7), grad_V, rtol=1e-12, atol=1e-12)


def test_gradients_scale_with_what_comes_after_and_add_up_over_losses():
    (h, V, targets), (other, _, more) = drawn(6), drawn(3, seed=5)
    softmax = BlockedSoftmax(V, 0, N, 5)
    (softmax.loss(h, targets) * -2.5 + 0.5 * softmax.loss(other, more)).backward()
    _, of_h, of_V = unblocked(h, V, targets)
    _, of_other, more_of_V = unblocked(other, V, more)
    torch.testing.assert_close(h.grad, -2.5 * of_h, rtol=0, atol=1e-12)
    torch.testing.assert_close(other.grad, 0.5 * of_other, rtol=0, atol=1e-12)
    whole = -2.5 * of_V + 0.5 * more_of_V
    torch.testing.assert_close(gradient_of_items(softmax, V, 5), whole, rtol=0, atol=1e-12)
    softmax.clear()
    assert not gradient_of_items(softmax, V, 5).any()


def test_gradients_of_a_block_do_not_ask_how_others_have_moved_since():
    h, V, targets = drawn()
    _, _, grad_V = unblocked(h, V, targets)
    softmax = BlockedSoftmax(V, 0, N, 10)
    softmax.loss(h, targets).backward()
    for start in range(0, N, 10):
        found = torch.zeros_like(V[start : start + 10])
        softmax.add_gradient(start, found)
        torch.testing.assert_close(found, grad_V[start : start + 10], rtol=0, atol=1e-12)
        V[start : start + 10] += 100


def test_nothing_of_the_size_of_all_scores_is_ever_made(monkeypatch):
    sizes = []
    product = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor, "__matmul__", lambda a, b: (out := product(a, b), sizes.append(out.shape))[0]
    )
    h, V, targets = drawn(6)
    softmax = BlockedSoftmax(V, 0, N, 5)
    softmax.loss(h, targets).backward()
    gradient_of_items(softmax, V, 5)
    assert max(sizes) == (6, 5)
