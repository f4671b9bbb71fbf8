"""Lemma: a step against Eq. 11's gradient of V cannot move the mean row of all classes; one of Adam can.

The gradient of row i is Σ over contexts of (pᵢ - 1[i is the target]) h. The probabilities of a context add up
to one, so the rows' gradients add up to zero, and so do steps in proportion to them. Where the padding row is
a class too (`objective.padding_class`), the items' mean can move against it.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from degen.model.losses.recommendation import bce_loss, bpr_loss, gbce_loss, recommendation_loss
from degen.model.losses.sampled_softmax import sampled_softmax_loss
from degen.training.optimizer import CoupledAdam

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


def moved_mean(optimizer, V: Tensor, loss, rows: slice = slice(None)) -> float:
    """Length by which three steps move the mean of some rows, as a share of how far these move on average."""
    start, V = V, torch.nn.Parameter(V.clone())
    steps = optimizer([V])
    for _ in range(3):
        steps.zero_grad()
        loss(V).backward()
        steps.step()
    change = (V.detach() - start)[rows]
    return float(change.mean(0).norm() / change.norm(dim=1).mean())


def sgd(rows):
    return torch.optim.SGD(rows, 0.3, momentum=0.9)


def adam(rows):
    return torch.optim.Adam(rows, 0.01)


def coupled_adam(rows):
    """Coupled Adam on a table of items whose first row is padding."""
    table = torch.nn.Module()
    [table.item_embeddings] = rows
    table.n_items = len(table.item_embeddings) - 1
    return CoupledAdam(table, lr=0.01)


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

    assert moved_mean(sgd, V, loss) < 1e-12
    assert moved_mean(adam, V, loss) > 0.05
    # With a large ε Adam's step is in proportion to the gradient, as SGD's is.
    assert moved_mean(lambda rows: torch.optim.Adam(rows, 0.01, eps=1e6), V, loss) < 1e-6


ITEM_ROWS = slice(1, None)


def table_loss(h: Tensor, targets: Tensor, classes: slice):
    """Eq. 11 over some rows of a table whose row 0 is padding."""
    shift = 1 - (classes.start or 0)
    return lambda table: recommendation_loss(h, table[classes], targets + shift)


@pytest.mark.parametrize("optimizer", [sgd, coupled_adam])
def test_coupled_adam_keeps_the_mean_item_as_sgd_does(drawn, optimizer):
    h, V, targets, _ = drawn
    table = torch.cat([torch.zeros(1, D, dtype=V.dtype), V])
    loss = table_loss(h, targets, ITEM_ROWS)
    assert moved_mean(optimizer, table, loss, ITEM_ROWS) < 1e-12
    assert moved_mean(adam, table, loss, ITEM_ROWS) > 0.05


@pytest.mark.parametrize("optimizer", [sgd, coupled_adam])
def test_with_a_padding_class_only_the_mean_of_all_rows_stays(drawn, optimizer):
    """Recipe `official`: the items' gradients add up to minus the padding row's, Σ over contexts of p h."""
    h, V, targets, _ = drawn
    table = torch.cat([torch.zeros(1, D, dtype=V.dtype), V])
    loss = table_loss(h, targets, slice(None))
    of_rows = gradient(loss, table)
    padding = torch.softmax(h @ table.T, 1)[:, 0] @ h / CONTEXTS
    assert torch.allclose(of_rows[ITEM_ROWS].sum(0), -padding, rtol=1e-10, atol=1e-14)
    assert moved_mean(optimizer, table, loss) < 1e-12 < 1e-3 < moved_mean(optimizer, table, loss, ITEM_ROWS)
    assert moved_mean(adam, table, loss) > 0.05


def test_which_sampled_losses_keep_it(drawn):
    h, V, targets, negatives = drawn
    bpr = gradient(lambda V: bpr_loss(h, V, targets, negatives), V)
    assert bpr.sum(0).abs().max() < 1e-14 < bpr.abs().max()  # a pair moves its two items by opposite steps
    # Target and draws share a softmax, whatever their weights are.
    log_q = torch.linspace(-3, 1, CONTEXTS, dtype=V.dtype)
    sampled = gradient(lambda V: sampled_softmax_loss(h, V, targets, negatives.flatten()[::4], log_q), V)
    assert sampled.sum(0).abs().max() < 1e-14 < 0.1 < sampled.abs().max()
    for loss in (
        lambda V: bce_loss(h, V, targets, negatives),
        lambda V: gbce_loss(h, V, targets, negatives, t=0.75, n_items=ITEMS),
    ):
        assert gradient(loss, V).sum(0).abs().max() > 1e-3
