"""Statistics of a processed log, and its differences from the paper's Table 1.

sparsity             1 - actions / (users · items)
training_samples     Σ max(length - 3, 0): the last two actions are held out, the first has no history
gini                 inequality of the items' training frequencies: 0 if all are equal, near 1 if one has all
rarest_half_share    share of the training actions that the rarer half of the items has
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.data.catalog import CATALOG, Counts
from degen.data.load import Dataset
from degen.data.long_arrays import blocks
from degen.data.sequences import Sequences, item_frequency, training_samples


@dataclass(frozen=True)
class Statistics:
    """A log in numbers.

    Shares, sparsity and the Gini coefficient lie between 0 and 1. `repeats` counts actions on an item that
    the same user had acted on before. `tie_share` is None for a log without times.
    """

    users: int
    items: int
    actions: int
    training_samples: int
    average_length: float
    median_length: float
    longest: int
    sparsity: float
    gini: float
    rarest_half_share: float
    zero_frequency_items: int
    repeats: int
    tie_share: float | None
    dropped_users: int

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return asdict(self)


def statistics(dataset: Dataset) -> Statistics:
    """Return the statistics of a dataset."""
    sequences = dataset.sequences
    users, items, actions = sequences.n_users, sequences.n_items, len(sequences.items)
    frequency = item_frequency(sequences)
    return Statistics(
        users=users,
        items=items,
        actions=actions,
        training_samples=len(training_samples(sequences)),
        average_length=actions / users,
        median_length=float(np.median(sequences.lengths)),
        longest=int(sequences.lengths.max()),
        sparsity=1 - actions / (users * items),
        gini=gini(frequency),
        rarest_half_share=rarest_half_share(frequency),
        zero_frequency_items=int((frequency == 0).sum()),
        repeats=count_repeats(sequences),
        tie_share=dataset.tie_share,
        dropped_users=dataset.dropped_users,
    )


def gini(frequency: npt.NDArray[np.int64]) -> float:
    """Return the Gini coefficient of counts `[n_items]`: half the mean absolute difference over the mean."""
    ordered = np.sort(frequency).astype(np.float64)
    total, n = ordered.sum(), len(ordered)
    if total == 0:
        return 0.0
    rank = np.arange(1, n + 1)
    return float((2 * rank - n - 1) @ ordered / (n * total))


def rarest_half_share(frequency: npt.NDArray[np.int64]) -> float:
    """Return the share of all actions that the rarer half of the items has (⌊n / 2⌋ items)."""
    total = frequency.sum()
    return float(np.sort(frequency)[: len(frequency) // 2].sum() / total) if total else 0.0


def count_repeats(sequences: Sequences) -> int:
    """Return the number of actions on an item that the same user had acted on before."""
    repeats = 0
    # Users are taken in groups of about one block of actions, so that no key for every action is held.
    borders = [part.start for part in blocks(len(sequences.items))]
    first_users = np.unique([*np.searchsorted(sequences.offsets, borders), sequences.n_users])
    for first, last in pairwise(first_users.tolist()):
        offsets = sequences.offsets[first : last + 1]
        users = np.repeat(np.arange(last - first), np.diff(offsets))
        pairs = np.sort(users * (sequences.n_items + 1) + sequences.items[offsets[0] : offsets[-1]])
        repeats += int((pairs[1:] == pairs[:-1]).sum())
    return repeats


def compare_with_table1(dataset: Dataset) -> str | None:
    """Compare a log's counts with Table 1's in one sentence; None where the table lacks the dataset."""
    entry = CATALOG.get(dataset.name.lower())
    if entry is None or entry.table1 is None:
        return None
    sequences = dataset.sequences
    counted = Counts(sequences.n_users, sequences.n_items, len(sequences.items))
    if counted == entry.table1:
        return "users, items and actions are equal to Table 1's"
    parts = [
        f"{name} ({here:,}, there {there:,})"
        for name, here, there in zip(Counts._fields, counted, entry.table1, strict=True)
        if here != there
    ]
    named = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    differences = f"differs from Table 1 in {named}"
    if counted == entry.real:
        return f"{differences}: {entry.remark}, so this is its log"
    return f"{differences}{f'; {entry.remark}' if entry.remark else ''}"
