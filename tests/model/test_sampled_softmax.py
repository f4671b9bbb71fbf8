"""Sampled softmax with log-Q correction: by hand, against the full softmax, and in the mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from degen.model.losses.recommendation import recommendation_loss
from degen.model.losses.sampled_softmax import needed_rows, sampled_softmax_loss


def drawn(batch=5, n=9, d=3, seed=0):
    rng = np.random.default_rng(seed)
    h, V = (torch.from_numpy(rng.normal(size=size)) for size in ((batch, d), (n, d)))
    return h.requires_grad_(), V.requires_grad_(), torch.from_numpy(rng.integers(0, n, size=batch))


def by_hand(h, V, targets, negatives, q) -> float:
    """The loss as loops over rows and draws."""
    total = 0.0
    for row, target in zip(h.tolist(), targets, strict=True):
        score = {j: sum(a * b for a, b in zip(row, v, strict=True)) for j, v in enumerate(V.tolist())}
        others = sum(math.exp(score[j]) / qj for j, qj in zip(negatives, q, strict=True) if j != target)
        total += math.log(math.exp(score[target]) + others) - score[target]
    return total / len(targets)


def test_two_items_by_hand():
    # Scores 1 and 2, the second drawn with q = 1/4: Z = e + 4 e², so the loss is log(1 + 4 e).
    h, V = torch.tensor([[1.0]]).double(), torch.tensor([[1.0], [2.0]]).double()
    loss = sampled_softmax_loss(
        h, V, torch.tensor([0]), torch.tensor([1]), torch.tensor([0.25]).double().log()
    )
    assert loss.item() == pytest.approx(math.log(1 + 4 * math.e), abs=1e-14)


@pytest.mark.parametrize("k", [1, 4, 30])
def test_agrees_with_loops_repetitions_and_hits_included(k):
    h, V, targets = drawn()
    rng = np.random.default_rng(3)
    negatives, q = rng.integers(0, 9, size=k), rng.uniform(0.1, 3, size=k)
    rows = (targets, torch.from_numpy(negatives), torch.from_numpy(np.log(q)))
    loss = sampled_softmax_loss(h, V, *rows)
    assert loss.item() == pytest.approx(
        by_hand(h, V, targets.tolist(), negatives.tolist(), q.tolist()), rel=1e-12
    )
    assert gradcheck(lambda h, V: sampled_softmax_loss(h, V, *rows), (h, V))


def test_all_items_as_negatives_are_the_full_softmax():
    h, V, targets = drawn()
    sampled = sampled_softmax_loss(h, V, targets, torch.arange(9), torch.zeros(9).double())
    full = recommendation_loss(h, V, targets)
    assert sampled.item() == pytest.approx(full.item(), rel=1e-12)
    for found, expected in zip(
        torch.autograd.grad(sampled, (h, V)), torch.autograd.grad(full, (h, V)), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_only_hits_leave_nothing_to_learn():
    h, V, _ = drawn(2)
    targets = torch.tensor([4, 4])
    loss = sampled_softmax_loss(h, V, targets, targets, torch.full((2,), -math.inf).double())
    loss.backward()
    assert loss.item() == 0
    assert not h.grad.any()
    assert not V.grad.any()


def test_the_normaliser_has_the_mean_of_the_full_one():
    # Every pair of draws from Q, weighed by its probability: the mean of Z over draws is Z, exactly.
    h, V, targets = drawn(1, n=5)
    Q = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    scores = (V @ h[0]).tolist()
    target = int(targets[0])
    mean = 0.0
    for i in range(5):
        for j in range(5):
            draws = torch.tensor([i, j])
            loss = sampled_softmax_loss(h, V, targets, draws, torch.from_numpy(np.log(2 * Q[[i, j]])))
            mean += Q[i] * Q[j] * math.exp(loss.item() + scores[target])
    assert mean == pytest.approx(sum(math.exp(score) for score in scores), rel=1e-12)


@pytest.mark.parametrize("Q", [np.full(9, 1 / 9), np.arange(1, 10) / 45], ids=["uniform", "skewed"])
def test_with_many_draws_it_becomes_the_full_softmax(Q):
    h, V, targets = drawn()
    k = 400_000
    draws = np.random.default_rng(1).choice(9, size=k, p=Q)
    sampled = sampled_softmax_loss(
        h, V, targets, torch.from_numpy(draws), torch.from_numpy(np.log(k * Q[draws]))
    )
    full = recommendation_loss(h, V, targets)
    # The relative deviation of a mean of k draws whose ratios exp(s)/Q are of the order of Z: about 1/√k.
    assert sampled.item() == pytest.approx(full.item(), abs=10 / math.sqrt(k))
    for found, expected in zip(
        torch.autograd.grad(sampled, (h, V)), torch.autograd.grad(full, (h, V)), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=10 / math.sqrt(k))


def test_the_push_on_a_negative_goes_along_h_with_its_corrected_probability():
    # Eq. 4 with p replaced: the gradient of v_j is (draws of j) · exp(s_j) / q_j / Z · h.
    h, V, _ = drawn(1)
    q = np.array([0.5, 0.5, 2.0])
    negatives = [3, 3, 7]
    loss = sampled_softmax_loss(h, V, torch.tensor([1]), torch.tensor(negatives), torch.from_numpy(np.log(q)))
    (gradient,) = torch.autograd.grad(loss, V)
    weight = {j: math.exp((V[j] @ h[0]).item()) for j in (1, 3, 7)}
    weight[3], weight[7] = 2 * weight[3] / 0.5, weight[7] / 2.0
    Z = sum(weight.values())
    for item in range(9):
        p = weight.get(item, 0.0) / Z - (item == 1)
        torch.testing.assert_close(gradient[item], p * h[0].detach(), rtol=0, atol=1e-13)


def test_needed_rows_are_each_gathered_once_and_get_a_sparse_gradient():
    _, V, _ = drawn()
    rows, (first, second) = needed_rows(V, torch.tensor([7, 2, 7]), torch.tensor([[2, 0], [7, 7]]))
    assert len(rows) == 3
    assert torch.equal(rows[first], V[[7, 2, 7]])
    assert torch.equal(rows[second], V[torch.tensor([[2, 0], [7, 7]])])
    (rows[first].sum() + 2 * rows[second].sum()).backward()
    assert V.grad.is_sparse
    assert V.grad.coalesce().indices()[0].tolist() == [0, 2, 7]
    assert V.grad.to_dense()[:, 0].tolist() == [2, 0, 3, 0, 0, 0, 0, 6, 0]
