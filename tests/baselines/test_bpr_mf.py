"""BPR-MF: the loss and its gradient by hand, the actions of an epoch, and where negatives come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from baseline_runs import baseline_config

from degen.data.sampling.source import SampleHistories
from degen.data.sequences import HELD_OUT, Samples
from degen.errors import UserError
from degen.model.baselines.bpr_mf import BprMf
from degen.model.views import encode
from degen.training.trainer import Trainer


def two_users_three_items(**settings) -> BprMf:
    model = BprMf(3, n_users=2, dim=2, **settings).double()
    with torch.no_grad():
        model.user_embeddings.copy_(torch.tensor([[1.0, 2.0], [-1.0, 0.5]]))
        model.item_embeddings.copy_(torch.tensor([[9.0, 9.0], [0.5, 0.0], [0.0, -1.0], [2.0, 1.0]]))
        if model.item_bias is not None:
            model.item_bias.copy_(torch.tensor([9.0, 0.1, -0.2, 0.3], dtype=torch.float64))
    return model


@pytest.mark.parametrize("l2", [0.0, 0.25])
def test_the_loss_and_its_gradient_by_hand(l2, monkeypatch, log, dataset):
    """The step that training takes, on 2 users x 3 items: (u, i, j) = (0, 1, 3), (1, 3, 2)."""
    trainer = Trainer(baseline_config(log, "bpr-mf", batch_size=2), dataset, torch.device("cpu"))
    model = two_users_three_items(l2=l2)
    trainer.encoder = model
    users, items, negatives = torch.tensor([0, 1]), torch.tensor([1, 3]), torch.tensor([[3], [2]])
    epoch = trainer.epoch(1)
    h = model(torch.empty(0), torch.zeros(2), users=users)
    drawn = type("Drawn", (), {"part": lambda self, own: negatives.numpy(), "expected": None})()
    monkeypatch.setattr(epoch, "draw_negatives", lambda rows: drawn)
    batch = type("Batch", (), {"h": h, "targets": items, "samples": np.arange(2), "own": slice(0, 2)})()
    loss = epoch._recommendation(batch)
    penalty = epoch.penalty if l2 else torch.zeros(())
    (loss + penalty).backward()

    # x = p·(q_i - q_j) + b_i - b_j by hand: user 0: (1, 2)·(-1.5, -1) - 0.2; user 1: (-1, 0.5)·(2, 2) + 0.5
    x = np.array([-3.5 - 0.2, -1.0 + 0.5])
    assert loss.item() == pytest.approx(np.mean(np.log1p(np.exp(-x))), abs=1e-12)
    pull = -1 / (1 + np.exp(x)) / 2  # dloss / dx, of the mean of two pairs
    p, q = np.array([[1, 2], [-1, 0.5]]), np.array([[0.5, 0], [0, -1], [2, 1]])
    grad_p = np.array([pull[0] * (q[0] - q[2]), pull[1] * (q[2] - q[1])])
    grad_q = np.array([pull[0] * p[0], -pull[1] * p[1], -pull[0] * p[0] + pull[1] * p[1]])
    if l2:
        squares = (p**2).sum() + (q[[0, 2]] ** 2).sum() + (q[[2, 1]] ** 2).sum()
        assert penalty.item() == pytest.approx(0.25 * squares / 2, abs=1e-12)
        grad_p += 0.25 * p
        grad_q += 0.25 * q * [[1], [1], [2]]
    np.testing.assert_allclose(model.user_embeddings.grad, grad_p, atol=1e-12)
    np.testing.assert_allclose(model.item_embeddings.grad, [[0, 0], *grad_q], atol=1e-12)
    bias = [0, pull[0], -pull[1], -pull[0] + pull[1]]
    np.testing.assert_allclose(model.item_bias.grad, bias, atol=1e-12)


def test_only_rows_of_the_batch_are_penalised():
    model = two_users_three_items(l2=1.0, output_bias=False)
    h = model(torch.empty(0), torch.zeros(1), users=torch.tensor([1]))
    model.penalty(h, torch.tensor([1]), torch.tensor([[2]])).backward()
    assert model.user_embeddings.grad.abs().sum(1).nonzero().flatten().tolist() == [1]
    assert model.item_embeddings.grad.abs().sum(1).nonzero().flatten().tolist() == [1, 2]


@pytest.fixture
def trainer(log, dataset) -> Trainer:
    return Trainer(baseline_config(log, "bpr-mf"), dataset, torch.device("cpu"))


def test_an_epoch_holds_every_action_of_the_training_part_once(trainer, dataset):
    sequences, batching = dataset.sequences, trainer.batching
    seen = np.concatenate(list(trainer.epoch(1).batches))
    found = [
        (int(batching.targets.users(np.array([row]))[0]), int(sequences.items[batching.targets.end[row]]))
        for row in seen
    ]
    expected = [
        (user, int(item))
        for user, (start, end) in enumerate(zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True))
        for item in sequences.items[start : end - HELD_OUT]
    ]
    assert sorted(found) == sorted(expected)
    assert len(expected) == len(trainer.source.samples) + (sequences.lengths > HELD_OUT).sum()


def test_a_negative_is_no_training_item_of_the_user_and_may_be_a_held_out_one(trainer, dataset):
    sequences, batching = dataset.sequences, trainer.batching
    drawn: dict[int, set[int]] = {}
    for number in range(1, 60):
        epoch = trainer.epoch(number)
        for rows in epoch.batches:
            users, items = batching.targets.users(rows), epoch.draw_negatives(rows).items[:, 0]
            for user, item in zip(users.tolist(), items.tolist(), strict=True):
                drawn.setdefault(user, set()).add(item)
    for user, items in drawn.items():
        own = sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]].tolist()
        training = set(own[:-HELD_OUT])
        assert not items & training
        if len(drawn[user]) > 12 and not set(own[-HELD_OUT:]) <= training:
            assert items & (set(own[-HELD_OUT:]) - training)


def test_negatives_are_new_in_every_epoch(trainer):
    first, second = (trainer.epoch(number).draw_negatives(np.arange(40)).items for number in (1, 2))
    assert (first != second).any()


def test_h_is_the_users_row_whatever_the_history(trainer, dataset):
    sequences, model = dataset.sequences, trainer.encoder
    end = sequences.offsets[1:] - 1
    for length in (np.ones_like(end), np.diff(sequences.offsets) - 1):
        samples = Samples(sequences.items, end, length, sequences.offsets)
        h = encode(model, SampleHistories(samples, np.arange(sequences.n_users)))
        torch.testing.assert_close(h, model.user_embeddings, rtol=0, atol=0)


def test_a_user_that_training_has_not_seen_is_refused():
    samples = Samples(np.array([1, 2, 3]), np.array([2]), np.array([1]), np.array([0, 0, 0, 3]))
    with pytest.raises(UserError, match=r"user number 2 .* 2 users"):
        encode(two_users_three_items(), SampleHistories(samples, np.array([0])))


def test_weight_decay_would_shrink_rows_that_no_batch_touches(log, dataset):
    """Our penalty does not: a rare item keeps its length while others train."""
    trainer = Trainer(baseline_config(log, "bpr-mf", batch_size=1), dataset, torch.device("cpu"))
    before = trainer.encoder.item_embeddings.detach().clone()
    epoch = trainer.epoch(1)
    epoch.step()
    moved = (trainer.encoder.item_embeddings != before).any(1).sum()
    assert moved == 2
