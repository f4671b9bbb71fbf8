"""Count items in an interaction log, and rebuild the numbers that RecBole gave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from degen.data.interactions import Interactions
from degen.data.reading.ids import by_appearance
from degen.data.reading.read import read_interactions
from degen.data.sequences import k_core
from degen.embeddings.known_projects import Cores
from degen.errors import UserError

Counts = npt.NDArray[np.int64]


def log_counts(
    path: Path, n: int, ids: list[str] | None, cores: Cores
) -> tuple[Counts, list[str], tuple[str, ...]]:
    """Return the frequencies of `n` items in the log at `path`, int64 [n], their ids, and notes.

    Parameters
    ----------
    ids
        of the rows; None where the matrix has none.
    cores
        filters that may have been applied to the log, as minimum actions per user and per item, before its
        items were numbered by their first appearance. The first filter that leaves n items is taken. Empty
        where rows are not numbered so.

    Raises
    ------
    UserError
        where the file is not a log, has none of the ids, or has another number of items.
    """
    log = read_interactions(path)
    if ids is not None:
        return _by_id(path, log, ids)
    if not cores:
        raise UserError(
            f"{path} counts by item, but the matrix has no ids; give it ids, or counts in row order"
        )
    left = []
    for min_user, min_item in cores:
        items = log.items[k_core(log.users, log.items, min_user, min_item)]
        codes, order = by_appearance(items, len(log.item_ids))
        if len(order) == n:
            core = (
                f"its core of {min_user} actions per user and {min_item} per item"
                if min_user + min_item
                else "it"
            )
            note = f"{path}: ids and counts as RecBole numbers the items of {core}, by first appearance"
            return np.bincount(codes, minlength=n), [log.item_ids[item] for item in order.tolist()], (note,)
        left.append(f"{len(order)} items with at least {min_user} actions per user and {min_item} per item")
    raise UserError(
        f"{path} has {', '.join(left)}, and the matrix has {n} rows; give the log as it was filtered for "
        "training, so that RecBole's numbers can be rebuilt"
    )


def _by_id(path: Path, log: Interactions, ids: list[str]) -> tuple[Counts, list[str], tuple[str, ...]]:
    count = dict(zip(log.item_ids, np.bincount(log.items, minlength=len(log.item_ids)).tolist(), strict=True))
    counts = np.array([count.get(name, 0) for name in ids], dtype=np.int64)
    if not counts.any():
        raise UserError(
            f"{path} has none of the ids of the matrix, such as {ids[0]!r} (its own are like "
            f"{log.item_ids[0]!r}); give the log that the matrix was trained on"
        )
    return counts, ids, (f"{path}: every action of the log is counted",)
