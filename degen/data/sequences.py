"""From coded interactions to sequences, splits and training samples; nothing is ever expanded.

    users, items, times ─ k_core, long_enough ─ order_keys ─ to_sequences ─► Sequences: items, offsets

    training_samples     every prefix of the training part with a history
    leave_one_out        last action = test target, last but one = validation target

A sample is two integers: `end`, the position of its target in `Sequences.items`, and `length`, how many items
before it are its history. So a log of n actions costs O(n) memory however many prefixes it has: 8 bytes an
action for the items, 8 for the samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from degen.data.long_arrays import blocks, count, lookup
from degen.data.reading.ids import by_appearance

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
Index = TypeVar("Index", bound=np.integer[Any])


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

    `end[i]` is the position of sample i's target, `length[i]` the number of items of history before it; both
    are int32, or int64 for a log of 2³¹ actions or more.
    """

    items: Int
    end: Codes
    length: Codes

    def __len__(self) -> int:
        return len(self.end)

    @property
    def targets(self) -> Int:
        """int64 `[n_samples]`: the target items."""
        return lookup(self.items, self.end)

    def histories(self, rows: Codes) -> tuple[Int, Int]:
        """Return the histories of `rows` one after another, int64 `[sum(length)]`, and their lengths."""
        length = self.length[rows].astype(np.int64)
        return self.items[ragged_positions(self.end[rows] - length, length)], length


def ragged_positions(start: npt.NDArray[Index], length: Codes) -> npt.NDArray[Index]:
    """Return start[0], start[0]+1, … (length[0] of them), then those of start[1], and so on.

    The positions have the type of `start`.

    >>> ragged_positions(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(length) - length
    positions = np.repeat((start - before).astype(start.dtype), length)
    positions += np.arange(len(positions), dtype=start.dtype)
    return positions


def k_core(users: Codes, items: Codes, min_user: int, min_item: int, *, once: bool = False) -> Bool:
    """Return which actions belong to the k-core, bool `[n_actions]`.

    Every kept user has `min_user` actions and every kept item `min_item`, counted among the kept; actions are
    counted, not distinct pairs. `once` counts users and items a single time, as the files of the original
    SASRec do, so that some may end below the limit. A limit of 0 turns that side off.
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
    """Return which actions are of a user with at least 3 of them, bool `[n_actions]`.

    A shorter sequence has no history for both its test and its validation target.
    """
    return lookup(count(users, int(users.max(initial=-1)) + 1) >= MIN_ACTIONS, users)


def order_keys(users: Codes, times: Int | None) -> Codes:
    """Return a number for each action, `[n_actions]`, less for an earlier user, then for an earlier time.

    Two are equal exactly for actions of one user at one time. Without times they are the users. One sort of
    one key takes half the time and memory of a sort of two columns.

    Parameters
    ----------
    times
        int64 `[n_actions]`, used up: the keys take its place.
    """
    if times is None or not len(times):
        return users
    first, last = int(times.min()), int(times.max())
    if (int(users.max()) + 1) * (last - first + 1) >= 2**63:
        times[:] = np.unique(times, return_inverse=True)[1]
        first, last = 0, int(times.max())
    span = last - first + 1
    for part in blocks(len(times)):
        times[part] += users[part].astype(np.int64) * span - first
    return times


def to_sequences(lengths: Int, items: Codes, user_ids: list[str], item_ids: list[str]) -> Sequences:
    """Put ids in order of their use: users keep theirs, items are numbered as they first appear.

    So a log written user after user and read again is the same. Ids without any action are dropped.

    Parameters
    ----------
    lengths
        int64 `[len(user_ids)]`: actions of each user.
    items
        integers `[n_actions]`, codes into `item_ids`: user after user, oldest first.
    """
    present = np.flatnonzero(lengths)
    codes, kept = by_appearance(items, len(item_ids))
    numbers = codes.astype(np.int64)
    numbers += 1
    return Sequences(
        items=numbers,
        offsets=np.concatenate([[0], np.cumsum(lengths[present])]).astype(np.int64),
        item_ids=[item_ids[i] for i in kept.tolist()],
        user_ids=[user_ids[u] for u in present.tolist()],
    )


def training_samples(sequences: Sequences, max_length: int = 50) -> Samples:
    """Every prefix of the training part with a history, which is cut to its last `max_length` items.

    Of a user with n actions the last two are held out, and the first has no history: n - 3 samples.
    """
    offsets = _positions(sequences)
    n_samples = np.maximum(sequences.lengths - HELD_OUT - 1, 0)
    end = ragged_positions(offsets[:-1] + 1, n_samples)
    length = end - np.repeat(offsets[:-1], n_samples)
    return Samples(sequences.items, end, np.minimum(length, max_length, out=length))


def _positions(sequences: Sequences) -> Codes:
    """The offsets in the type that positions in `items` have."""
    return sequences.offsets.astype(np.int32 if len(sequences.items) < 2**31 else np.int64)


def leave_one_out(sequences: Sequences, split: Split, max_length: int = 50) -> Samples:
    """One sample a user: the last action (test; the validation item is history) or the last but one.

    Every user must have 3 actions or more, as `load_dataset` ensures.
    """
    offsets = _positions(sequences)
    end = offsets[1:] - (1 if split == "test" else 2)
    return Samples(sequences.items, end, np.minimum(end - offsets[:-1], max_length))


def item_frequency(sequences: Sequences, *, whole_log: bool = False) -> Int:
    """int64 `[n_items]`: occurrences of each item in the training part, or in the whole log."""
    frequency = np.bincount(sequences.items, minlength=sequences.n_items + 1)
    if not whole_log:
        for place in range(1, HELD_OUT + 1):
            last = sequences.offsets[1:][sequences.lengths >= place] - place
            frequency -= np.bincount(sequences.items[last], minlength=len(frequency))
    return frequency[1:]
