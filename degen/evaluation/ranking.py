"""Ranking metrics HR, NDCG and MRR from the places of targets (full ranking, never sampled).

    better   number of items scored strictly higher than the target
    tied     number of other items scored the same

Where items are tied, the order among them says nothing of the model. With t items tied with the target, its
rank is one of better + 1, …, better + 1 + t, each as likely where ties are broken at random. By default the
metrics are the exact expectation over these ranks. `TIES` lists the other conventions:

    expected      the mean of the metric over all ranks that the target may have
    half          the metric at the mean rank, better + 1 + t/2; earlier versions of degen, and pessimistic:
                  with 4 tied items across rank 10 it counts no hit, or all
    optimistic    the metric at the best rank, better + 1
    pessimistic   the metric at the worst rank, better + 1 + t

With one target per user, HR@K is what others call recall, hit rate or Hit@K. Everything here is NumPy: ranks
can be compared without PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

Ties = Literal["expected", "half", "optimistic", "pessimistic"]
TIES: tuple[Ties, ...] = get_args(Ties)

KS = (5, 10, 20)
"""Cut-offs K at which metrics are reported."""


@dataclass(frozen=True, eq=False)
class Ranks:
    """Places of n targets among all items.

    Attributes
    ----------
    better
        float64 [n]: the number of items scored strictly higher.
    tied
        int64 [n]: the number of other items scored the same.
    ties
        the convention by which metrics count ties.
    """

    better: Float
    tied: npt.NDArray[np.int64]
    ties: Ties = "expected"

    @classmethod
    def of(cls, ranks: Ranks | npt.ArrayLike) -> Ranks:
        """Return `ranks` if they are such, else those of an array [n] of ranks from 1.

        An array may hold halves. Where items are tied it does not tell how many, so that metrics are taken at
        the ranks that it holds.
        """
        if isinstance(ranks, cls):
            return ranks
        known = np.asarray(ranks, dtype=np.float64)
        return cls(known - 1, np.zeros(known.shape, dtype=np.int64), "half")

    def __len__(self) -> int:
        return len(self.better)

    def __getitem__(self, chosen: Any) -> Ranks:
        """Return the places of some of the targets."""
        return replace(self, better=self.better[chosen], tied=self.tied[chosen])

    def counting(self, ties: Ties) -> Ranks:
        """Return the same places, of which metrics count ties by another convention."""
        return replace(self, ties=ties)

    @property
    def mean(self) -> Float:
        """float64 [n]: the mean of the ranks that a target may have, from 1, in halves."""
        return 1 + self.better + self.tied / 2

    @property
    def span(self) -> tuple[Float, npt.NDArray[np.int64]]:
        """The first of the ranks that metrics average over, float64 [n], and how many follow, int64 [n]."""
        if self.ties == "expected":
            return 1 + self.better, self.tied
        first = {"half": self.mean, "optimistic": 1 + self.better}.get(self.ties, 1 + self.better + self.tied)
        return first, np.zeros_like(self.tied)


Places = Ranks | npt.ArrayLike
"""Ranks as metrics take them: `Ranks`, or an array as in `Ranks.of`."""


def _gains(ranks: Places, k: int, of: Callable[[Float], Float]) -> Float:
    """Return for each target the mean over its ranks of `of(rank)`, which counts as 0 beyond k."""
    first, following = Ranks.of(ranks).span
    gains = np.where(first <= k, of(first), 0.0)
    several = np.flatnonzero((following > 0) & (first <= k))
    if len(several):
        # The sum over the ranks from a to b is the difference of two sums from 1 on.
        sums = np.concatenate([[0.0], np.cumsum(of(np.arange(1.0, k + 1)))])
        before, count = first[several].astype(np.int64) - 1, following[several] + 1
        gains[several] = (sums[np.minimum(before + count, k)] - sums[before]) / count
    return gains


def hits(ranks: Places, k: int) -> Float:
    """Return HR@K of each target, float64 [n]: the probability that it is ranked K or better."""
    return _gains(ranks, k, np.ones_like)


def hit_rate(ranks: Places, k: int) -> float:
    """Return HR@K, the share of targets ranked K or better."""
    return float(np.mean(hits(ranks, k)))


def discounted_gain(ranks: Places, k: int) -> Float:
    """Return NDCG@K of each target, float64 [n]: 1 / log2(rank + 1) if it is ranked K or better, else 0."""
    return _gains(ranks, k, lambda rank: 1 / np.log2(rank + 1))


def ndcg(ranks: Places, k: int) -> float:
    """Return NDCG@K, the mean discounted gain; the ideal gain of one target is 1."""
    return float(discounted_gain(ranks, k).mean())


def reciprocal_rank(ranks: Places, k: int) -> float:
    """Return MRR@K, the mean of 1 / rank where the target is ranked K or better, else 0."""
    return float(_gains(ranks, k, lambda rank: 1 / rank).mean())


def ranking_metrics(ranks: Places) -> dict[str, float]:
    """Return HR, NDCG and MRR at 5, 10 and 20, named `HR@5` and so on."""
    measures = {"HR": hit_rate, "NDCG": ndcg, "MRR": reciprocal_rank}
    return {f"{name}@{k}": measure(ranks, k) for k in KS for name, measure in measures.items()}
