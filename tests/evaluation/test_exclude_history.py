"""Ranks among the items that a user has not had before, against a loop over users and items."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from degen.data.sequences import Sequences, leave_one_out
from degen.evaluation.evaluate import rank_targets
from degen.model.losses.blocked_softmax import MOST_SCORES

N_ITEMS = 12


@pytest.fixture
def sequences(rng) -> Sequences:
    lengths = np.array([3, 12, 5, 4, 30, 3, 8])  # the longer ones repeat items, the target among them
    items = rng.integers(1, N_ITEMS + 1, size=lengths.sum())
    ids = [str(i) for i in range(N_ITEMS)]
    return Sequences(items, np.concatenate([[0], np.cumsum(lengths)]), ids, ids[: len(lengths)])


@pytest.mark.parametrize("most_scores", [2**25, 10], ids=["whole", "blocks of items"])
@pytest.mark.parametrize(("split", "held_out"), [("valid", 2), ("test", 1)])
def test_ranks_are_those_of_a_loop(sequences, rng, split, held_out, most_scores, monkeypatch):
    monkeypatch.setitem(MOST_SCORES, "cpu", most_scores)
    monkeypatch.setattr("degen.evaluation.evaluate.ITEM_BLOCK", 5)
    n_users, d = len(sequences.lengths), 3
    # Whole numbers, so that many scores tie and no sum is rounded.
    h, V = (torch.from_numpy(rng.integers(-1, 2, size=(n, d)).astype(np.float32)) for n in (n_users, N_ITEMS))
    expected = []
    for user, (start, end) in enumerate(zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)):
        *history, target = sequences.items[start : end - held_out + 1].tolist()
        scores = (V @ h[user]).tolist()
        own = scores[target - 1]
        others = [
            scores[item - 1] for item in range(1, N_ITEMS + 1) if item != target and item not in history
        ]
        expected.append(1 + sum(score > own for score in others) + sum(score == own for score in others) / 2)
    samples = leave_one_out(sequences, split, max_length=2)  # the whole history counts, however short h's is
    found = rank_targets(h, V, samples, 4, exclude_history=True)
    assert found.mean.tolist() == expected
    whole = rank_targets(h, V, samples, 4).mean
    assert (found.mean <= whole).all()
    assert (found.mean < whole).any()


def test_an_item_that_comes_again_keeps_its_place_in_the_ranking():
    again = Sequences(np.array([1, 2, 1]), np.array([0, 3]), ["a", "b", "c"], ["u"])
    V = torch.tensor([[1.0], [3.0], [2.0]])
    samples = leave_one_out(again, "test")
    assert rank_targets(torch.ones(1, 1), V, samples, exclude_history=True).mean.tolist() == [2.0]
    assert rank_targets(torch.ones(1, 1), V, samples).mean.tolist() == [3.0]
