"""Sequences of items, the leave-one-out split and training samples, none of them ever expanded.

    users, items, times ─ k_core, long_enough ─ order_keys ─ to_sequences ─► Sequences: items, offsets

    training_samples     every prefix of the training part with a history
    leave_one_out        the last action is the test target, the one before it the validation target

A sample is two integers: `end`, the position of its target in `Sequences.items`, and `length`, the number of
items before it that are its history. So a log needs 8 bytes per action for its items and 8 for its samples,
however many prefixes it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from degen.data.long_arrays import blocks, count, lookup
from degen.data.reading.ids import by_appearance

PAD = 0
"""The padding item, which is never scored and never analysed. Real items are 1 … n_items."""

HELD_OUT = 2
"""Number of actions at the end of each sequence that are never training targets: validation and test."""

MIN_ACTIONS = 3
"""Minimum number of actions per user: a test target, a validation target and one item of history."""

Split = Literal["valid", "test"]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer[Any]]
Index = TypeVar("Index", bound=np.integer[Any])


@dataclass(frozen=True)
class Sequences:
    """The actions of all users, user after user, oldest first.

    Attributes
    ----------
    items
        int64 `[n_actions]`, values 1 … n_items.
    offsets
        int64 `[n_users + 1]`: the items of user u are `items[offsets[u]:offsets[u + 1]]`.
    item_ids, user_ids
        the ids of the file; `item_ids[i]` is the id of item i + 1.
    """

    items: Int
    offsets: Int
    item_ids: list[str]
    user_ids: list[str]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.offsets) - 1

    @property
    def n_items(self) -> int:
        """Number of real items."""
        return len(self.item_ids)

    @property
    def lengths(self) -> Int:
        """Number of actions of each user, int64 `[n_users]`."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Samples:
    """Targets with their histories, as positions in a log.

    Attributes
    ----------
    items
        int64 `[n_actions]`, as in `Sequences`.
    end
        `[n_samples]`: the position of each target in `items`, as int32 (int64 from 2³¹ actions on).
    length
        `[n_samples]`, likewise: the number of items before the target that are its history, at least 1.
    offsets
        as in `Sequences`, where the users of samples are asked for; else None.
    """

    items: Int
    end: Codes
    length: Codes
    offsets: Int | None = None

    def __len__(self) -> int:
        return len(self.end)

    @property
    def targets(self) -> Int:
        """The target items, int64 `[n_samples]`."""
        return lookup(self.items, self.end)

    def users(self, rows: Codes) -> Int:
        """Return the users of the samples `rows`, int64 `[len(rows)]`, from 0."""
        if self.offsets is None:
            raise ValueError("these samples do not know their users: make them with `offsets`")
        return np.searchsorted(self.offsets, self.end[rows], side="right").astype(np.int64) - 1

    def histories(self, rows: Codes) -> tuple[Int, Int]:
        """Return the histories of `rows` one after another, int64 `[sum(length)]`, and their lengths."""
        length = self.length[rows].astype(np.int64)
        return self.items[ragged_positions(self.end[rows] - length, length)], length


def ragged_positions(start: npt.NDArray[Index], length: Codes) -> npt.NDArray[Index]:
    """Return the positions start[i], start[i] + 1, …, length[i] of them, for each i in turn.

    The result has the type of `start`.

    >>> ragged_positions(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(length) - length
    positions = np.repeat((start - before).astype(start.dtype), length)
    positions += np.arange(len(positions), dtype=start.dtype)
    return positions


def k_core(users: Codes, items: Codes, min_user: int, min_item: int, *, once: bool = False) -> Bool:
    """Return whether each action belongs to the k-core, bool `[n_actions]`.

    In the core, every user has at least `min_user` actions and every item at least `min_item`, all of them in
    the core. Repeated actions on one item count. A minimum of 0 turns that side off. `once` applies the
    filter a single time, as for the files of the original SASRec, so some may end below the minimum.
    """
    kept = np.ones(len(users), dtype=bool)
    user_count, item_count = (count(codes, int(codes.max(initial=-1)) + 1) for codes in (users, items))
    while True:
        stays = lookup(user_count >= min_user, users) & lookup(item_count >= min_item, items)
        if stays.all():
            return kept
        kept[kept] = stays
        if once:
            return kept
        user_count -= count(users[~stays], len(user_count))
        item_count -= count(items[~stays], len(item_count))
        users, items = users[stays], items[stays]


def long_enough(users: Codes) -> Bool:
    """Return whether each action belongs to a user with at least 3, bool `[n_actions]`.

    A shorter sequence cannot have a test target, a validation target and a history for both.
    """
    return lookup(count(users, int(users.max(initial=-1)) + 1) >= MIN_ACTIONS, users)


def order_keys(users: Codes, times: Int | None) -> Codes:
    """Return a key per action, `[n_actions]`, that sorts by user and then by time.

    Two keys are equal exactly for actions of one user at one time. Without times the keys are the users;
    otherwise they overwrite `times`. Sorting one key takes half the time and memory of sorting two columns.
    """
    if times is None or not len(times):
        return users
    first, last = int(times.min()), int(times.max())
    if (int(users.max()) + 1) * (last - first + 1) >= 2**63:
        # The keys would overflow, so the rank of each distinct time takes its place.
        times[:] = np.unique(times, return_inverse=True)[1]
        first, last = 0, int(times.max())
    span = last - first + 1
    for part in blocks(len(times)):
        times[part] += users[part].astype(np.int64) * span - first
    return times


def to_sequences(lengths: Int, items: Codes, user_ids: list[str], item_ids: list[str]) -> Sequences:
    """Number items in order of their first appearance, and drop ids without any action.

    So a log that is written user after user and read again is the same. `lengths`, int64 `[len(user_ids)]`,
    counts the actions of each user. `items`, integers `[n_actions]`, are codes into `item_ids`, user after
    user, oldest first.
    """
    present = np.flatnonzero(lengths)
    codes, kept = by_appearance(items, len(item_ids))
    return Sequences(
        items=np.add(codes, 1, dtype=np.int64),
        offsets=np.concatenate([[0], np.cumsum(lengths[present])]).astype(np.int64),
        item_ids=[item_ids[i] for i in kept.tolist()],
        user_ids=[user_ids[u] for u in present.tolist()],
    )


def training_samples(sequences: Sequences, max_length: int = 50) -> Samples:
    """Return a sample for every target of the training part that has a history.

    Of a user's n actions the last two are held out and the first has no history, which leaves n - 3 samples.
    A history is cut to its last `max_length` items.
    """
    offsets = _positions(sequences)
    n_samples = np.maximum(sequences.lengths - HELD_OUT - 1, 0)
    end = ragged_positions(offsets[:-1] + 1, n_samples)
    length = end - np.repeat(offsets[:-1], n_samples)
    return Samples(sequences.items, end, np.minimum(length, max_length, out=length), sequences.offsets)


def _positions(sequences: Sequences) -> Codes:
    """Return the offsets in the smallest type that holds positions in `items`."""
    return sequences.offsets.astype(np.int32 if len(sequences.items) < 2**31 else np.int64)


def leave_one_out(sequences: Sequences, split: Split, max_length: int = 50) -> Samples:
    """Return one sample per user, whose target is the last action (`test`) or the one before it (`valid`).

    The validation item belongs to the history of the test target. Every user must have at least 3 actions,
    as `load_dataset` ensures.
    """
    offsets = _positions(sequences)
    end = offsets[1:] - (1 if split == "test" else 2)
    return Samples(sequences.items, end, np.minimum(end - offsets[:-1], max_length), sequences.offsets)


def item_frequency(sequences: Sequences, *, whole_log: bool = False) -> Int:
    """Return how often each item occurs in the training part, or in the whole log, int64 `[n_items]`."""
    frequency = np.bincount(sequences.items, minlength=sequences.n_items + 1)
    if not whole_log:
        for from_end in range(1, HELD_OUT + 1):
            last = sequences.offsets[1:][sequences.lengths >= from_end] - from_end
            frequency -= np.bincount(sequences.items[last], minlength=len(frequency))
    return frequency[1:]
