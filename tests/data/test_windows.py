"""Samples that share a window, compared with loops over their histories."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.sampling.windows import Windows, share_windows
from degen.data.sequences import Samples, Sequences, leave_one_out, training_samples

MAX_LENGTH = 5
users = st.lists(st.integers(3, 14), min_size=1, max_size=6)


def make_sequences(lengths) -> Sequences:
    """Every action its own item, so that equal items mean the same action."""
    n = sum(lengths)
    return Sequences(
        np.arange(1, n + 1), np.cumsum([0, *lengths]), [str(i) for i in range(n)], [""] * len(lengths)
    )


def every_sample(sequences: Sequences) -> Samples:
    """Training samples, validation and test of all users, in that order."""
    parts = [
        training_samples(sequences, MAX_LENGTH),
        *(leave_one_out(sequences, split, MAX_LENGTH) for split in ("valid", "test")),
    ]
    return Samples(
        sequences.items, np.concatenate([p.end for p in parts]), np.concatenate([p.length for p in parts])
    )


def lists(items, length) -> list[list[int]]:
    return [part.tolist() for part in np.split(items, np.cumsum(length)[:-1])]


def draw_windows(data, lengths) -> tuple[Samples, np.ndarray, Windows]:
    """All samples of users with so many actions each, some of them by number, and the windows of these."""
    samples = every_sample(make_sequences(lengths))
    rows = np.array(data.draw(st.lists(st.integers(0, len(samples) - 1), min_size=1)))
    return samples, rows, share_windows(samples, rows)


@given(data=st.data(), lengths=users)
def test_each_history_is_the_prefix_of_its_window_that_ends_at_its_position(data, lengths):
    samples, rows, windows = draw_windows(data, lengths)
    whole = lists(windows.histories.items, windows.histories.length)
    for row, sequence, position in zip(rows, windows.sequence, windows.position, strict=True):
        (history,) = lists(*samples.histories(np.array([row])))
        assert whole[sequence][: position + 1] == history


@given(data=st.data(), lengths=users)
def test_windows_are_the_fewest_and_no_longer_than_needed(data, lengths):
    # No window is a prefix of another, and each is some sample's whole history.
    samples, rows, windows = draw_windows(data, lengths)
    whole = lists(windows.histories.items, windows.histories.length)
    histories = lists(*samples.histories(rows))
    assert all(window in histories for window in whole)
    assert len({window[0] for window in whole}) == len(whole)
    assert set(windows.sequence.tolist()) == set(range(len(whole)))
    assert windows.shared == (len(whole) < len(rows))


@given(lengths=users)
def test_all_histories_up_to_the_maximum_length_are_one_window_a_user(lengths):
    sequences = make_sequences(lengths)
    samples = every_sample(sequences)
    windows = share_windows(samples, np.arange(len(samples)))
    # A user of n actions has n - 1 targets; those past the maximum length start one action later each.
    expected = sum(1 + max(n - 1 - MAX_LENGTH, 0) for n in lengths)
    assert len(windows.histories) == expected


def test_a_user_longer_than_the_window_by_hand():
    # One user of 9 actions: targets 2 … 7 in training, at most 5 items of history.
    samples = training_samples(make_sequences([9]), MAX_LENGTH)
    windows = share_windows(samples, np.arange(6))
    assert lists(windows.histories.items, windows.histories.length) == [[1, 2, 3, 4, 5], [2, 3, 4, 5, 6]]
    assert windows.sequence.tolist() == [0, 0, 0, 0, 0, 1]
    assert windows.position.tolist() == [0, 1, 2, 3, 4, 4]


def test_equal_items_of_different_users_share_nothing():
    samples = training_samples(
        Sequences(np.tile([4, 5, 6, 7, 8], 2), np.array([0, 5, 10]), list("abcdefgh"), ["", ""])
    )
    assert len(share_windows(samples, np.arange(4)).histories) == 2


@pytest.mark.parametrize("rows", [[0], [1, 1]])
def test_one_sample_and_the_same_sample_twice(rows):
    samples = training_samples(make_sequences([6]))
    windows = share_windows(samples, np.array(rows))
    assert lists(windows.histories.items, windows.histories.length) == [list(range(1, rows[0] + 2))]
    assert windows.position.tolist() == rows


def test_positions_are_int64_whatever_the_type_of_the_samples():
    samples = training_samples(make_sequences([9, 4]), MAX_LENGTH)
    narrow = Samples(samples.items, samples.end.astype(np.int32), samples.length.astype(np.int32))
    windows = share_windows(narrow, np.arange(len(samples)))
    assert windows.sequence.dtype == windows.position.dtype == np.int64
    assert windows.sequence.tolist() == [0, 0, 0, 0, 0, 1, 2]
