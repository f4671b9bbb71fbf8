"""Lemma: a step against Eq. 11's gradient of V cannot move the mean item embedding; one of Adam can.

The gradient of row i is Σ over contexts of (pᵢ - 1[i is the target]) h. The probabilities of a context add up
to one, so the rows' gradients add up to zero, and so do steps in proportion to them.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from degen.model.losses.recommendation import bce_loss, bpr_loss, gbce_loss, recommendation_loss

CONTEXTS, ITEMS, D = 40, 25, 6


@pytest.fixture
def drawn():
    """Representations, item embeddings, targets of uneven frequency, and sampled negatives."""
    rng = torch.Generator().manual_seed(3)
    h = torch.randn(CONTEXTS, D, generator=rng, dtype=torch.float64) + 0.5
    V = torch.randn(ITEMS, D, generator=rng, dtype=torch.float64)
    targets = (torch.rand(CONTEXTS, generator=rng) ** 3 * ITEMS).long()
    negatives = torch.randint(ITEMS, (CONTEXTS, 4), generator=rng)
    return h, V, targets, negatives


def gradient(loss, V: Tensor) -> Tensor:
    V = V.clone().requires_grad_()
    loss(V).backward()
    assert V.grad is not None
    return V.grad


def moved_mean(optimizer, V: Tensor, loss) -> float:
    """Length by which three steps move the mean row, as a share of how far rows move on average."""
    start, V = V, V.clone().requires_grad_()
    steps = optimizer([V])
    for _ in range(3):
        steps.zero_grad()
        loss(V).backward()
        steps.step()
    change = V.detach() - start
    return float(change.mean(0).norm() / change.norm(dim=1).mean())


def test_gradients_of_the_full_softmax_add_up_to_zero_over_the_items(drawn):
    h, V, targets, _ = drawn
    of_rows = gradient(lambda V: recommendation_loss(h, V, targets), V)
    # By the formula, one context after another.
    expected = torch.zeros_like(V)
    for context, target in zip(h, targets, strict=True):
        p = torch.softmax(V @ context, 0)
        p[target] -= 1
        expected += torch.outer(p, context) / CONTEXTS
    assert torch.allclose(of_rows, expected, rtol=1e-10, atol=1e-14)
    assert of_rows.sum(0).abs().max() < 1e-14 < of_rows.abs().max()


def test_sgd_keeps_the_mean_item_where_it_is_and_adam_moves_it(drawn):
    h, V, targets, _ = drawn

    def loss(V: Tensor) -> Tensor:
        return recommendation_loss(h, V, targets)

    assert moved_mean(lambda rows: torch.optim.SGD(rows, 0.3, momentum=0.9), V, loss) < 1e-12
    assert moved_mean(lambda rows: torch.optim.Adam(rows, 0.01), V, loss) > 0.05
    # With a large ε Adam's step is in proportion to the gradient, as SGD's is.
    assert moved_mean(lambda rows: torch.optim.Adam(rows, 0.01, eps=1e6), V, loss) < 1e-6


def test_which_sampled_losses_keep_it(drawn):
    h, V, targets, negatives = drawn
    bpr = gradient(lambda V: bpr_loss(h, V, targets, negatives), V)
    assert bpr.sum(0).abs().max() < 1e-14 < bpr.abs().max()  # a pair moves its two items by opposite steps
    for loss in (
        lambda V: bce_loss(h, V, targets, negatives),
        lambda V: gbce_loss(h, V, targets, negatives, t=0.75, n_items=ITEMS),
    ):
        assert gradient(loss, V).sum(0).abs().max() > 1e-3
