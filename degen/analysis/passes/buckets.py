"""Buckets of items by popularity: head, middle and tail, or deciles.

Items of equal frequency always share a bucket; the shares of items are kept as nearly as that allows. Unseen
items, which never occur in training, form a bucket of their own before the others, under the key `cold`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]
"""Small numbers, one per item, in two bytes each, for there may be ten million items."""

HEAD_MID_TAIL: Mapping[str, float] = {"tail": 0.5, "mid": 0.3, "head": 0.2}
"""The rarest half of the items, the next 30 %, the most frequent 20 %."""

DECILES: Mapping[str, float] = {str(decile): 0.1 for decile in range(1, 11)}
"""Ten buckets of a tenth of the items each, rarest first."""

COLD, UNSEEN = "cold", "unseen"
"""Key of the bucket of unseen items in tables and JSON, and the word for it in sentences."""


class BucketContent(NamedTuple):
    """Lowest and highest frequency in a bucket, its number of items, and the sum of their frequencies."""

    low: int
    high: int
    items: int
    actions: int


@dataclass(frozen=True, eq=False)
class Buckets:
    """The bucket of each item.

    Attributes
    ----------
    names
        of the buckets, rarest first; only those that hold an item.
    low, high
        lowest and highest frequency in each, int [len(names)].
    codes
        int16 [n]: position in `names` of each item's bucket.
    """

    names: tuple[str, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    codes: Codes

    @classmethod
    def cut(cls, frequency: Int, shares: Mapping[str, float] = HEAD_MID_TAIL) -> Buckets:
        """Cut items with these frequencies, int [n], into buckets that hold about these shares of them.

        A bucket that ties leave empty is dropped.
        """
        seen = np.sort(frequency[frequency > 0])
        ends = np.ceil(np.cumsum(list(shares.values()))[:-1] * len(seen)).astype(int) - 1
        edges = seen[ends.clip(0)] if len(seen) else np.zeros(len(shares) - 1, dtype=np.int64)
        # A frequency equal to an edge lies below it, so that equal frequencies stay together.
        bucket = np.where(frequency > 0, 1 + np.searchsorted(edges, frequency, side="left"), 0)
        return cls._filled(frequency, bucket, (COLD, *shares))

    @classmethod
    def up_to(cls, highest: Mapping[str, float], frequency: Int) -> Buckets:
        """Put items with these frequencies, int [n], into buckets by the highest frequency of each.

        These ascend, such as `{"tail": 2, "mid": 9, "head": math.inf}`, and reach all items, or a
        `ValueError` is raised. Items that never occur are in the first bucket, not in `cold`.
        """
        edges = np.asarray(list(highest.values()))
        if (np.diff(edges) <= 0).any() or frequency.max() > edges[-1]:
            raise ValueError(
                f"edges must ascend and reach the highest frequency, {frequency.max()}: {highest}"
            )
        return cls._filled(frequency, np.searchsorted(edges, frequency, side="left"), tuple(highest))

    @classmethod
    def _filled(cls, frequency: Int, bucket: Int, all_names: tuple[str, ...]) -> Buckets:
        """Keep those of `all_names` that hold an item; `bucket` has the position of each item's."""
        codes, kept = renumbered(bucket)
        members = [frequency[codes == code] for code in range(len(kept))]
        return cls(
            tuple(all_names[code] for code in kept),
            tuple(int(values.min()) for values in members),
            tuple(int(values.max()) for values in members),
            codes,
        )

    def take(self, rows: Int) -> Buckets:
        """Return some of the items in the same buckets: the cuts stay, a bucket may be left empty."""
        return Buckets(self.names, self.low, self.high, self.codes[rows])

    def sums(self, values: Float) -> Float:
        """Return the sum of `values`, float64 [n], in each bucket, [len(names)]."""
        return np.asarray(np.bincount(self.codes, values, len(self.names)), dtype=np.float64)

    def means(self, values: Float) -> Float:
        """Return the mean of `values`, float64 [n], in each bucket, NaNs left out; NaN where none is left."""
        known = np.isfinite(values)
        sums, counts = self.sums(np.where(known, values, 0.0)), self.sums(known.astype(np.float64))
        return np.asarray(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))

    def contents(self, frequency: Int) -> dict[str, BucketContent]:
        """Return the content of each bucket by name; `frequency`, int [n], is that of the cut items."""
        actions = self.sums(frequency.astype(np.float64))
        return {
            name: BucketContent(low, high, int(items), int(total))
            for name, low, high, items, total in zip(
                self.names, self.low, self.high, self.sizes, actions, strict=True
            )
        }

    @property
    def sizes(self) -> Int:
        """Items in each, int [len(names)]."""
        return np.bincount(self.codes, minlength=len(self.names))


def renumbered(numbers: npt.NDArray[Any]) -> tuple[Codes, Int]:
    """Return the position of each of `numbers` [n], from 0, among those that occur, and these, ascending."""
    kept = np.flatnonzero(np.bincount(numbers))
    position = np.zeros(kept[-1] + 1, dtype=np.int16)
    position[kept] = np.arange(len(kept))
    return position[numbers], kept


def sample_rows(frequency: Int | None, n: int, k: int, seed: int = 0) -> Int:
    """Return `k` of `n` rows by rising frequency, int64 [min(n, k)]; without frequencies in their order.

    One is drawn from each of k equal stretches of that order, so that rare and frequent items keep their
    shares.
    """
    order = np.arange(n) if frequency is None else np.argsort(frequency, kind="stable")
    if k >= n:
        return order
    edges = np.arange(k + 1) * n // k
    drawn = np.random.default_rng(seed).integers(edges[:-1], edges[1:])
    return np.asarray(order[drawn])
