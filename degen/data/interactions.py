"""A log in memory before it is filtered and ordered: columns of integers, and the ids that they stand for.

Ids are strings exactly as they are in the file (`0000013714`, `NA` and `1e5` stay what they are); inside they
are numbers in order of first appearance. A log of n actions costs 16 bytes an action and each id once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

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


class IdCoder:
    """Numbers ids in order of first appearance."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, int] = defaultdict(count().__next__)
        self._chunks: list[Codes] = []

    def add(self, ids: Sequence[str]) -> Codes:
        """Code a column of ids, remember and return its codes, int32 `[len(ids)]`."""
        codes = np.fromiter(map(self._codes.__getitem__, ids), dtype=np.int32, count=len(ids))
        self._chunks.append(codes)
        return codes

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._codes

    @property
    def ids(self) -> list[str]:
        """Each id once, at the place of its code."""
        return list(self._codes)

    def codes(self) -> Codes:
        """All codes so far, int32; the chunks are given up, so call it once."""
        chunks, self._chunks = self._chunks, []
        return np.concatenate(chunks) if chunks else np.empty(0, dtype=np.int32)
