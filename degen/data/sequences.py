"""From coded interactions to sequences, splits and training samples; nothing is ever expanded.

    users, items, times ─ k_core ─► to_sequences ─► Sequences (flat items + offsets)
                                                      ├─ training_samples   every prefix with at least one item of history
                                                      └─ leave_one_out      last = test target, last but one = validation

A sample is two integers: `end`, the position of its target in `Sequences.items`, and `length`, how many items before it
are its history. So a log of n actions costs O(n) memory however many prefixes it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

PAD = 0
"""The padding item: never scored, never analysed. Real items are 1 … n_items."""

HELD_OUT = 2
"""Actions at the end of each sequence that training never sees as targets: validation and test."""

Split = Literal["valid", "test"]
Int = npt.NDArray[np.int64]


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
    return np.arange(int(length.sum())) + np.repeat(start - before, length)


def k_core(users: Int, items: Int, min_user: int, min_item: int, *, once: bool = False) -> npt.NDArray[np.bool_]:
    """Return which actions belong to the k-core: every kept user has `min_user` actions, every kept item `min_item`.

    Actions are counted, not distinct pairs. `once` counts users and items a single time, as the files of the original
    SASRec do, so that some may end below the limit. A limit of 0 turns that side off.
    """
    kept = np.ones(len(users), dtype=bool)
    while True:
        enough_user = np.bincount(users[kept], minlength=int(users.max(initial=-1)) + 1) >= min_user
        enough_item = np.bincount(items[kept], minlength=int(items.max(initial=-1)) + 1) >= min_item
        still = kept & enough_user[users] & enough_item[items]
        if once or still.sum() == kept.sum():
            return still
        kept = still


def to_sequences(users: Int, items: Int, times: Int | None, user_ids: list[str], item_ids: list[str]) -> Sequences:
    """Group actions by user in time order; ties, or a log without times, keep file order.

    Users and items are renumbered in order of first appearance in the file; ids without any action left are dropped.

    Parameters
    ----------
    users, items
        int64 `[n_actions]`, codes into `user_ids` and `item_ids`.
    times
        int64 `[n_actions]`, any unit, or None.
    """
    users, user_kept = _renumber(users, len(user_ids))
    items, item_kept = _renumber(items, len(item_ids))
    keys = (users,) if times is None else (times, users)
    order = np.lexsort(keys)  # stable, the last key first
    offsets = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=len(user_kept)))])
    return Sequences(
        items=items[order] + 1,
        offsets=offsets.astype(np.int64),
        item_ids=[item_ids[i] for i in item_kept],
        user_ids=[user_ids[i] for i in user_kept],
    )


def _renumber(codes: Int, n_codes: int) -> tuple[Int, Int]:
    """Return codes 0 … k-1 in order of first appearance, and the old code of each new one."""
    first = np.full(n_codes, len(codes), dtype=np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    kept = np.argsort(first, kind="stable")[: int((first < len(codes)).sum())]
    new = np.empty(n_codes, dtype=np.int64)
    new[kept] = np.arange(len(kept))
    return new[codes], kept


def training_samples(sequences: Sequences, max_length: int = 50) -> Samples:
    """Every prefix of the training part with at least one item of history, cut to its last `max_length` items.

    Of a user with n actions the last two are held out, and the first has no history: n - 3 samples.
    """
    count = np.maximum(sequences.lengths - HELD_OUT - 1, 0)
    end = ragged_positions(sequences.offsets[:-1] + 1, count)
    start = np.repeat(sequences.offsets[:-1], count)
    return Samples(sequences.items, end, np.minimum(end - start, max_length))


def leave_one_out(sequences: Sequences, split: Split, max_length: int = 50) -> Samples:
    """One sample a user: the last action (test; its history includes the validation item) or the last but one."""
    end = sequences.offsets[1:] - (1 if split == "test" else 2)
    return Samples(sequences.items, end, np.minimum(end - sequences.offsets[:-1], max_length))


def item_frequency(sequences: Sequences, *, whole_log: bool = False) -> Int:
    """int64 `[n_items]`: occurrences of each item in the training part, or in the whole log."""
    items = sequences.items
    if not whole_log:
        lengths = sequences.lengths - HELD_OUT
        items = items[ragged_positions(sequences.offsets[:-1], np.maximum(lengths, 0))]
    return np.bincount(items, minlength=sequences.n_items + 1)[1:]
