"""Core, order, splits and samples, compared with loops that import nothing from degen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.sequences import (
    PAD,
    Sequences,
    item_frequency,
    k_core,
    leave_one_out,
    long_enough,
    order_keys,
    ragged_positions,
    to_sequences,
    training_samples,
)

ACTIONS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), max_size=80)
LOGS = st.lists(st.lists(st.integers(1, 6), min_size=3, max_size=9), min_size=1, max_size=6)


def naive_core(actions: list[tuple[int, int]], min_user: int, min_item: int) -> list[int]:
    """Throw out one failing action at a time until none fails."""
    rows = list(range(len(actions)))
    while True:
        users = Counter(actions[row][0] for row in rows)
        items = Counter(actions[row][1] for row in rows)
        bad = [r for r in rows if users[actions[r][0]] < min_user or items[actions[r][1]] < min_item]
        if not bad:
            return rows
        rows.remove(bad[0])


def sequences_of(log: list[list[int]]) -> Sequences:
    """A log given as lists of items, whatever their numbers."""
    lengths = np.array([len(items) for items in log])
    items = np.array([item for items in log for item in items])
    return to_sequences(lengths, items, [f"u{i}" for i in range(len(log))], [f"i{i}" for i in range(7)])


@given(ACTIONS, st.integers(0, 4), st.integers(0, 4))
def test_the_core_is_that_of_the_naive_loop(actions, min_user, min_item):
    users = np.array([user for user, _ in actions], dtype=np.int64)
    items = np.array([item for _, item in actions], dtype=np.int32)
    kept = k_core(users, items, min_user, min_item)
    assert np.flatnonzero(kept).tolist() == naive_core(actions, min_user, min_item)


def test_a_chain_falls_one_action_a_round():
    # User 0 goes, which leaves one action on item 0, so one of user 1, and so on; user 3 has two of item 3.
    users = np.array([0, 1, 1, 2, 2, 3, 3, 3])
    items = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert k_core(users, items, 2, 2).tolist() == [False] * 6 + [True] * 2
    assert k_core(users, items, 2, 2, once=True).tolist() == [False] + [True] * 7


def test_once_counts_the_whole_log_and_0_turns_a_side_off():
    users, items = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 0, 2])
    assert k_core(users, items, 3, 0).tolist() == [True, True, True, False, False]
    assert k_core(users, items, 0, 2).tolist() == [True, True, True, True, False]
    # User 0 keeps items 0 and 1, although item 0 is down to one action after user 1 went.
    assert k_core(users, items, 3, 2, once=True).tolist() == [True, True, True, False, False]
    assert k_core(users, items, 3, 2).tolist() == [False] * 5


def test_repeats_of_one_item_count_as_actions():
    assert k_core(np.zeros(5, int), np.zeros(5, int), 5, 5).all()


def test_the_core_leaves_its_input_as_it_is():
    users, items = np.array([0, 0, 1]), np.array([0, 1, 1])
    k_core(users, items, 2, 2)
    assert users.tolist() == [0, 0, 1]
    assert items.tolist() == [0, 1, 1]


def test_users_of_fewer_than_three_actions_are_not_long_enough():
    assert long_enough(np.array([0, 1, 0, 1, 0, 2])).tolist() == [True, False, True, False, True, False]
    assert long_enough(np.array([], dtype=int)).tolist() == []


def test_actions_are_ordered_by_time_and_ties_by_the_file():
    users = np.array([1, 0, 1, 0, 1])
    items = np.array([4, 3, 2, 1, 0])
    times = np.array([7, 9, 5, 9, 7])
    order = np.argsort(order_keys(users, times), kind="stable")
    sequences = to_sequences(
        np.bincount(users, minlength=3), items[order], ["a", "b", "c"], ["p", "q", "r", "s", "t"]
    )
    assert sequences.user_ids == ["a", "b"]
    assert sequences.offsets.tolist() == [0, 2, 5]
    # User a: s then q (a tie, file order); user b: r at 5, then t and p at 7.
    assert [sequences.item_ids[item - 1] for item in sequences.items] == ["s", "q", "r", "t", "p"]
    assert sequences.items.tolist() == [1, 2, 3, 4, 5]
    assert sequences.items.dtype == sequences.offsets.dtype == np.int64


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-(2**62), 2**62)), max_size=40),
    st.booleans(),
)
def test_the_order_is_pythons_own_for_times_of_any_size(actions, small):
    users = np.array([user for user, _ in actions], dtype=np.int32)
    times = np.array([time % 5 if small else time for _, time in actions], dtype=np.int64)
    expected = sorted(range(len(users)), key=lambda i: (users[i], times[i]))
    assert np.argsort(order_keys(users, times), kind="stable").tolist() == expected


def test_ids_without_actions_are_dropped():
    lengths, items = np.array([0, 0, 3]), np.array([5, 1, 5])
    sequences = to_sequences(lengths, items, ["a", "b", "c"], list("uvwxyz"))
    assert sequences.user_ids == ["c"]
    assert sequences.item_ids == ["z", "v"]
    assert sequences.items.tolist() == [1, 2, 1]


@given(LOGS, st.integers(1, 4))
def test_samples_are_every_prefix_of_the_training_part(log, max_length):
    sequences = sequences_of(log)
    samples = training_samples(sequences, max_length)
    expected = [
        (items[max(0, end - max_length) : end], items[end])
        for items in log
        for end in range(1, len(items) - 2)
    ]
    histories, lengths = samples.histories(np.arange(len(samples)))
    parts = np.split(histories, np.cumsum(lengths)[:-1]) if len(samples) else []
    named = [
        ([named_item(sequences, i) for i in part], named_item(sequences, t))
        for part, t in zip(parts, samples.targets, strict=True)
    ]
    assert named == expected
    assert len(samples) == sum(max(len(items) - 3, 0) for items in log)


def named_item(sequences: Sequences, item: int) -> int:
    return int(sequences.item_ids[item - 1][1:])


@given(LOGS)
def test_held_out_targets_are_the_last_two_and_never_trained_on(log):
    sequences = sequences_of(log)
    valid, test = leave_one_out(sequences, "valid"), leave_one_out(sequences, "test")
    assert [named_item(sequences, item) for item in valid.targets] == [items[-2] for items in log]
    assert [named_item(sequences, item) for item in test.targets] == [items[-1] for items in log]
    held_out = {*valid.end.tolist(), *test.end.tolist()}
    assert held_out.isdisjoint(training_samples(sequences).end.tolist())


@given(LOGS, st.integers(1, 5))
def test_no_history_reaches_its_own_position_or_another_user(log, max_length):
    sequences = sequences_of(log)
    splits = [training_samples(sequences, max_length)]
    splits += [leave_one_out(sequences, split, max_length) for split in ("valid", "test")]
    for samples in splits:
        user = np.searchsorted(sequences.offsets, samples.end, side="right") - 1
        assert (samples.length >= 1).all()
        assert (samples.length <= max_length).all()
        assert (samples.end - samples.length >= sequences.offsets[user]).all()


def test_the_test_history_includes_the_validation_item():
    sequences = sequences_of([[1, 2, 3, 4]])
    history, length = leave_one_out(sequences, "test").histories(np.array([0]))
    assert [named_item(sequences, item) for item in history] == [1, 2, 3]
    assert length.tolist() == [3]


@given(LOGS, st.permutations(range(1, 7)))
def test_permuting_items_permutes_everything(log, permutation):
    renamed = [[permutation[item - 1] for item in items] for items in log]
    one, other = sequences_of(log), sequences_of(renamed)
    # Items are numbered as they appear, so the numbers stay, and the names are permuted.
    assert one.items.tolist() == other.items.tolist()
    assert [permutation[named_item(one, i) - 1] for i in one.items] == [
        named_item(other, i) for i in other.items
    ]
    assert training_samples(one).end.tolist() == training_samples(other).end.tolist()
    assert item_frequency(one).tolist() == item_frequency(other).tolist()


def test_frequency_is_of_the_training_part_or_of_the_whole_log():
    sequences = sequences_of([[1, 1, 2, 3, 3], [2, 4, 3]])
    # Training parts: 1 1 2 and 2; item 4 is the second user's validation target.
    assert sequences.item_ids == ["i1", "i2", "i3", "i4"]
    assert item_frequency(sequences).tolist() == [2, 2, 0, 0]
    assert item_frequency(sequences, whole_log=True).tolist() == [2, 2, 3, 1]


def test_padding_is_never_an_item():
    assert sequences_of([[1, 2, 3]]).items.min() > PAD == 0


@pytest.mark.parametrize(
    ("starts", "lengths", "expected"), [([5, 0], [2, 3], [5, 6, 0, 1, 2]), ([], [], []), ([4], [0], [])]
)
def test_ragged_positions(starts, lengths, expected):
    assert ragged_positions(np.array(starts, int), np.array(lengths, int)).tolist() == expected
