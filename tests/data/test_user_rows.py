"""The rows of `batch_by="users"`, compared with loops over histories."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from degen.data.sampling.windows import UserRows
from degen.data.sequences import Samples, Sequences, training_samples

MAX_LENGTH = 4


def make_samples(lengths) -> Samples:
    """Training samples of users with so many actions each; every action is its own item."""
    n = sum(lengths)
    ids = [str(i) for i in range(n)]
    sequences = Sequences(np.arange(1, n + 1), np.cumsum([0, *lengths]), ids, ["u"] * len(lengths))
    return training_samples(sequences, MAX_LENGTH)


def history_and_target(samples: Samples, row: int) -> tuple[list[int], int]:
    end, length = int(samples.end[row]), int(samples.length[row])
    return samples.items[end - length : end].tolist(), int(samples.items[end])


def test_two_users_by_hand():
    # Actions 1 … 9 of the first user (targets 2 … 7) and 10 … 13 of the second (target 11).
    samples = make_samples([9, 4])
    rows = UserRows.build(samples)
    found = [
        [history_and_target(samples, i) for i in rows.members(np.array([row]))] for row in range(len(rows))
    ]
    assert found == [
        [([1], 2), ([1, 2], 3), ([1, 2, 3], 4), ([1, 2, 3, 4], 5)],
        [([2, 3, 4, 5], 6)],
        [([3, 4, 5, 6], 7)],
        [([10], 11)],
    ]


@given(lengths=st.lists(st.integers(3, 12), min_size=1, max_size=8).filter(lambda n: max(n) > 3))
def test_every_sample_is_in_one_row_with_all_that_start_where_it_does(lengths):
    samples = make_samples(lengths)
    rows = UserRows.build(samples)
    every = [rows.members(np.array([row])).tolist() for row in range(len(rows))]
    assert sorted(i for members in every for i in members) == list(range(len(samples)))
    oldest = [{history_and_target(samples, i)[0][0] for i in members} for members in every]
    assert all(len(items) == 1 for items in oldest)
    assert len(set.union(*oldest)) == len(rows)


def test_members_come_row_after_row_in_the_order_asked_for():
    samples = make_samples([6, 5, 9])
    rows = UserRows.build(samples)
    order = np.array([2, 0, 3, 1])
    expected = [i for row in order for i in rows.members(np.array([row]))]
    assert rows.members(order).tolist() == expected


def test_one_sample_of_each_row_is_drawn_uniformly(rng):
    rows = UserRows.build(make_samples([6, 4, 7]))  # rows of 3, 1 and 4 samples
    batch = np.array([2, 1, 0])
    drawn = np.array([rows.draw(batch, rng) for _ in range(6000)])
    for column, places in enumerate(([0, 1, 2, 3], [4], [5, 6, 7])):
        counts = np.bincount(drawn[:, column], minlength=8)
        assert counts[places].sum() == 6000
        expected = 6000 / len(places)
        assert (np.abs(counts[places] - expected) < 5 * np.sqrt(expected)).all()
