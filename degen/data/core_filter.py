"""Turn interactions into sequences: filter to the core, drop users too short to be split, order by time."""

from __future__ import annotations

from typing import Any

import numpy as np

from degen.data.interactions import Interactions
from degen.data.long_arrays import blocks, count, keep, lookup
from degen.data.sequences import (
    MIN_ACTIONS,
    Bool,
    Codes,
    Int,
    Sequences,
    k_core,
    long_enough,
    order_keys,
    to_sequences,
)
from degen.errors import UserError, counted
from degen.progress import tell


def filter_and_order(
    log: Interactions, settings: dict[str, Any], where: str
) -> tuple[Sequences, dict[str, Any]]:
    """Filter and order a log; return its sequences and the facts that go into the dataset.

    The log is used up: its columns are changed in place, so that at most 32 bytes per action are needed.
    `settings` has `core`, `min_user` and `min_item` as in `DataOptions`. `where` names the file in the
    `UserError` that is raised if no user is left.
    """
    tell("ordering", 0, 0)
    once = settings["core"] == "once"
    kept = k_core(log.users, log.items, settings["min_user"], settings["min_item"], once=once)
    users_after_core = int(np.count_nonzero(count(log.users[kept], len(log.user_ids))))
    kept[kept] = long_enough(log.users[kept])
    if not kept.any():
        raise UserError(_nobody_left(log, settings, where, users_after_core))
    lengths, items, ties = _in_order(log, kept)
    sequences = to_sequences(lengths, items, log.user_ids, log.item_ids)
    dropped = users_after_core - sequences.n_users
    read, core = len(log.users), _core_words(settings)
    left = (
        f"all {counted(read, 'action')} stay"
        if read == len(items)
        else f"{len(items):,} of {counted(read, 'action')} are left"
    )
    notes = [*log.notes, f"{core}: {left}"]
    if dropped:
        users = f"{counted(dropped, 'user')} with fewer than {MIN_ACTIONS} actions"
        notes.append(f"{users} {'was' if dropped == 1 else 'were'} dropped")
    if ties:
        notes.append(
            f"{ties:.1%} of the actions share their time with another of the same user: file order decides"
        )
    return sequences, {"notes": notes, "tie_share": ties, "dropped_users": dropped, "actions_read": read}


def _in_order(log: Interactions, kept: Bool) -> tuple[Int, Codes, float | None]:
    """Return the number of kept actions per user, their items by user and time, and the share of ties."""
    users, items = keep(log.users, kept), keep(log.items, kept)
    keys = order_keys(users, None if log.times is None else keep(log.times, kept))
    order = np.argsort(keys, kind="stable")
    ties = None if log.times is None else tie_share(keys, order)
    return count(users, len(log.user_ids)), lookup(items, order), ties


def _core_words(settings: dict[str, Any]) -> str:
    if not settings["min_user"] and not settings["min_item"]:
        return "no core"
    once = "single-pass" if settings["core"] == "once" else "iterated"
    per_user = counted(settings["min_user"], "action")
    return f"the {once} core of {per_user} per user and {settings['min_item']} per item"


def _nobody_left(log: Interactions, settings: dict[str, Any], where: str, users_after_core: int) -> str:
    size = f"{counted(len(log.users), 'action')} of {counted(len(log.user_ids), 'user')}"
    had = f"{where} ({log.notes[0]}) has {size}"
    if users_after_core:
        return f"{had}, but nobody has the {MIN_ACTIONS} that a test, a validation target and a history need"
    return (
        f"{had} on {counted(len(log.item_ids), 'item')}, and nobody is left after {_core_words(settings)}; "
        "lower `min_user` or `min_item` (0 turns them off)"
    )


def tie_share(keys: Codes, order: Int) -> float:
    """Return the share of actions with the user and the time of another.

    `keys` are those of `order_keys`, and `order` sorts them, both `[n_actions]`.
    """
    tied = np.zeros(len(order), dtype=bool)
    for part in blocks(len(order) - 1):
        same = keys[order[part]] == keys[order[part.start + 1 : part.stop + 1]]
        tied[part] |= same
        tied[part.start + 1 : part.stop + 1] |= same
    return float(tied.mean())
