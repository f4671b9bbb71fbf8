"""From coded interactions to sequences, splits and training samples; nothing is ever expanded.

    users, items, times ─ k_core, long_enough ─ to_sequences ─► Sequences     flat items + offsets

    training_samples     every prefix of the training part with a history
    leave_one_out        last action = test target, last but one = validation target

A sample is two integers: `end`, the position of its target in `Sequences.items`, and `length`, how many items
before it are its history. So a log of n actions costs O(n) memory however many prefixes it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from degen.data.ids import by_appearance

PAD = 0
"""The padding item: never scored, never analysed. Real items are 1 … n_items."""

HELD_OUT = 2
"""Actions at the end of each sequence that training never sees as targets: validation and test."""

MIN_ACTIONS = 3
"""A user needs a test target, a validation target and something before them."""

Split = Literal["valid", "test"]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Sequences:
    """All users' actions, user after user, oldest first.

    Attributes
    ----------
    items
        int64 `[n_actions]`, values 1 … n_items.
    offsets
        int64 `[n_users + 1]`; user u owns `items[offsets[u]:offsets[u + 1]]`.
    item_ids, user_ids
        the ids in the file; `item_ids[i]` is item i + 1.
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
        """int64 `[n_users]`: actions of each user."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Samples:
    """Histories with their targets, as positions in `items`.

    `end[i]` is the position of sample i's target, `length[i]` the number of items of history before it.
    """

    items: Int
    end: Int
    length: Int

    def __len__(self) -> int:
        return len(self.end)

    @property
    def targets(self) -> Int:
        """int64 `[n_samples]`: the target items."""
        return self.items[self.end]

    def histories(self, rows: Int) -> tuple[Int, Int]:
        """Return the histories of `rows` one after another, int64 `[sum(length)]`, and their lengths."""
        length = self.length[rows]
        return self.items[ragged_positions(self.end[rows] - length, length)], length


def ragged_positions(start: Int, length: Int) -> Int:
    """Return start[0], start[0]+1, … (length[0] of them), then those of start[1], and so on.

    >>> ragged_positions(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(length) - length
    positions: Int = np.arange(int(length.sum())) + np.repeat(start - before, length)
    return positions


def k_core(users: Codes, items: Codes, min_user: int, min_item: int, *, once: bool = False) -> Bool:
    """Return which actions belong to the k-core, bool `[n_actions]`.

    Every kept user has `min_user` actions and every kept item `min_item`, counted among the kept; actions are
    counted, not distinct pairs. `once` counts users and items a single time, as the files of the original
    SASRec do, so that some may end below the limit. A limit of 0 turns that side off.
    """
    kept = np.ones(len(users), dtype=bool)
    rows = np.arange(len(users))
    user_count, item_count = np.bincount(users), np.bincount(items)
    while True:
        failing = (user_count < min_user)[users] | (item_count < min_item)[items]
        if not failing.any():
            return kept
        kept[rows[failing]] = False
        if once:
            return kept
        user_count -= np.bincount(users[failing], minlength=len(user_count))
        item_count -= np.bincount(items[failing], minlength=len(item_count))
        stays = ~failing
        rows, users, items = rows[stays], users[stays], items[stays]


def long_enough(users: Codes) -> Bool:
    """Return which actions are of a user with at least 3 of them, bool `[n_actions]`.

    A shorter sequence has no history for both its test and its validation target.
    """
    enough: Bool = (np.bincount(users) >= MIN_ACTIONS)[users]
    return enough


def to_sequences(
    users: Codes, items: Codes, times: Int | None, user_ids: list[str], item_ids: list[str]
) -> Sequences:
    """Group actions by user in time order; ties, or a log without times, keep file order.

    Users keep the order of their codes; items are numbered as they first appear in the result, so that a log
    written user after user and read again is the same. Ids without any action are dropped.

    Parameters
    ----------
    users, items
        integers `[n_actions]`, codes into `user_ids` and `item_ids`.
    times
        int64 `[n_actions]`, any unit, or None.
    """
    order = time_order(users, times)
    lengths = np.bincount(users, minlength=len(user_ids))
    present = np.flatnonzero(lengths)
    ordered, kept = by_appearance(items[order], len(item_ids))
    return Sequences(
        items=ordered.astype(np.int64) + 1,
        offsets=np.concatenate([[0], np.cumsum(lengths[present])]).astype(np.int64),
        item_ids=[item_ids[i] for i in kept.tolist()],
        user_ids=[user_ids[u] for u in present.tolist()],
    )


def time_order(users: Codes, times: Int | None) -> Int:
    """Return the stable order of actions by user, then by time, int64 `[n_actions]`."""
    if times is None or not len(times):
        return np.argsort(users, kind="stable")
    first, last = int(times.min()), int(times.max())
    span = last - first + 1
    if (int(users.max()) + 1) * span >= 2**63:
        return np.lexsort((times, users))
    # One sort of one key takes half the time and memory of two.
    return np.argsort(users.astype(np.int64) * span + (times - first), kind="stable")


def training_samples(sequences: Sequences, max_length: int = 50) -> Samples:
    """Every prefix of the training part with a history, which is cut to its last `max_length` items.

    Of a user with n actions the last two are held out, and the first has no history: n - 3 samples.
    """
    count = np.maximum(sequences.lengths - HELD_OUT - 1, 0)
    end = ragged_positions(sequences.offsets[:-1] + 1, count)
    start = np.repeat(sequences.offsets[:-1], count)
    return Samples(sequences.items, end, np.minimum(end - start, max_length))


def leave_one_out(sequences: Sequences, split: Split, max_length: int = 50) -> Samples:
    """One sample a user: the last action (test; the validation item is history) or the last but one.

    Every user must have 3 actions or more, as `load_dataset` ensures.
    """
    end = sequences.offsets[1:] - (1 if split == "test" else 2)
    return Samples(sequences.items, end, np.minimum(end - sequences.offsets[:-1], max_length))


def item_frequency(sequences: Sequences, *, whole_log: bool = False) -> Int:
    """int64 `[n_items]`: occurrences of each item in the training part, or in the whole log."""
    items = sequences.items
    if not whole_log:
        lengths = sequences.lengths - HELD_OUT
        items = items[ragged_positions(sequences.offsets[:-1], np.maximum(lengths, 0))]
    return np.bincount(items, minlength=sequences.n_items + 1)[1:]
