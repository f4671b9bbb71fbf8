"""A log in memory before it is filtered and ordered: columns of integers, and the ids that they stand for.

Ids are the strings of the file (`0000013714`, `NA` and `1e5` stay as they are), numbered in order of their
first appearance. A log takes 16 bytes per action, and each id once. `core_filter` makes sequences of it and
uses it up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interactions:
    """Actions in file order, and sentences about what was inferred from the file.

    `users` and `items` are codes, int32 `[n_actions]`, into `user_ids` and `item_ids`. `times`, int64
    `[n_actions]`, have one unit for the whole log; they are None where file order is the order in time.
    """

    users: Codes
    user_ids: list[str]
    items: Codes
    item_ids: list[str]
    times: Times | None
    notes: tuple[str, ...]
