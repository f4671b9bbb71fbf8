"""A log in memory before it is filtered and ordered: columns of integers, and the ids that they stand for.

Ids are strings exactly as they are in the file (`0000013714`, `NA` and `1e5` stay what they are); inside they
are numbers in order of first appearance. A log of n actions costs 16 bytes an action and each id once;
`core_filter`, which makes sequences of it, uses it up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interactions:
    """Actions in file order.

    Attributes
    ----------
    users, items
        int32 `[n_actions]`, codes into `user_ids` and `item_ids`.
    times
        int64 `[n_actions]`, one unit for the whole log, or None where file order is the order in time.
    user_ids, item_ids
        the ids in the file.
    notes
        what was inferred about the file, a sentence each.
    """

    users: Codes
    items: Codes
    times: Times | None
    user_ids: list[str]
    item_ids: list[str]
    notes: tuple[str, ...]
