"""Negatives against loops that know nothing of the sampler's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from degen.data.sampling.negatives import (
    BatchNegatives,
    HistoryNegatives,
    Negatives,
    TargetNegatives,
    UniformNegatives,
)
from degen.data.sequences import Sequences, training_samples
from degen.errors import UserError

N_ITEMS = 11
USERS = [
    [3, 3, 7, 1, 9, 3, 2, 8],  # the last two are held out
    [11, 1, 2, 5, 6],
    [4, 5],  # too short for a sample
    [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, 10],
]


@pytest.fixture
def sequences() -> Sequences:
    lengths = [len(user) for user in USERS]
    return Sequences(
        items=np.concatenate(USERS),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        item_ids=[f"i{item}" for item in range(1, N_ITEMS + 1)],
        user_ids=[f"u{user}" for user in range(len(USERS))],
    )


def samples_of_users() -> list[tuple[int, int]]:
    """User and target of every training sample, in order."""
    return [
        (user, items[position]) for user, items in enumerate(USERS) for position in range(1, len(items) - 2)
    ]


def test_negatives_besides_the_history_are_the_users_other_items(sequences):
    samples = training_samples(sequences)
    assert len(samples) == len(samples_of_users())
    rows = np.random.default_rng(1).integers(len(samples), size=200)
    drawn = HistoryNegatives(sequences, samples, 5).draw(rows, np.random.default_rng(7)).items
    allowed = [
        [item for item in range(1, N_ITEMS + 1) if item not in USERS[user][:-2]]
        for user, _ in (samples_of_users()[row] for row in rows)
    ]
    ranks = np.random.default_rng(7).integers([[len(items)] for items in allowed], size=(200, 5))
    assert drawn.tolist() == [
        [items[rank] for rank in row] for items, row in zip(allowed, ranks, strict=True)
    ]


def test_a_user_who_has_every_item_leaves_no_negative(sequences):
    items = [*range(1, N_ITEMS + 1), 1, 2]
    full = Sequences(np.array(items), np.array([0, len(items)]), sequences.item_ids, ["u0"])
    with pytest.raises(UserError, match=r"'u0' has every item.*`negatives_exclude='target'`"):
        HistoryNegatives(full, training_samples(full), 1)


def test_negatives_besides_the_target_are_all_other_items(sequences):
    samples = training_samples(sequences)
    rows = np.arange(len(samples))
    drawn = TargetNegatives(samples, N_ITEMS, 500).draw(rows, np.random.default_rng(0)).items
    for (_, target), negatives in zip(samples_of_users(), drawn, strict=True):
        assert set(negatives.tolist()) == set(range(1, N_ITEMS + 1)) - {target}


def test_uniform_negatives_are_all_items_alike_and_never_padding():
    k = 22_000
    drawn = UniformNegatives(N_ITEMS, k).draw(np.arange(4), np.random.default_rng(0))
    counts = np.bincount(drawn.items, minlength=N_ITEMS + 2)
    assert counts[[0, N_ITEMS + 1]].tolist() == [0, 0]
    # Chi-square with 10 degrees of freedom: mean 10, standard deviation 4.5.
    assert ((counts[1 : N_ITEMS + 1] - k / N_ITEMS) ** 2 / (k / N_ITEMS)).sum() < 40
    assert drawn.expected is not None
    assert drawn.expected == pytest.approx([k / N_ITEMS] * k)


def test_targets_of_a_batch_are_expected_as_often_as_other_samples_have_them(sequences):
    samples = training_samples(sequences)
    targets = [target for _, target in samples_of_users()]
    rows = np.array([0, 3, 4, 9])
    drawn = BatchNegatives(samples, N_ITEMS).draw(rows, np.random.default_rng(0))
    assert drawn.items.tolist() == [targets[row] for row in rows]
    # Draw the other 3 of the batch from the other N - 1 samples, in every way: how many have a given target.
    assert drawn.expected is not None
    for item, expected in zip(drawn.items.tolist(), drawn.expected, strict=True):
        own = next(row for row, target in enumerate(targets) if target != item)  # a row of another target
        others = [target for row, target in enumerate(targets) if row != own]
        assert expected == pytest.approx(3 * others.count(item) / len(others))


def test_a_part_of_a_batch_has_its_own_negatives_but_all_shared_ones():
    own = Negatives(np.arange(6).reshape(3, 2))
    assert own.part(slice(1, 3)).tolist() == [[2, 3], [4, 5]]
    shared = Negatives(np.arange(3), np.ones(3))
    assert shared.part(slice(1, 3)).tolist() == [0, 1, 2]
