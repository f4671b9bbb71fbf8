"""Arithmetical test of Table 2, for rankings that have the four metrics of a block.

With one target per user, a user whose target has rank r adds, before the mean over users,

    to HR@K      1 if r ≤ K, else 0
    to NDCG@K    1 / log₂(r + 1) if r ≤ K, else 0

So each hit within the first five adds between 1/log₂ 6 (rank 5) and 1 (rank 1) to NDCG@5, and each hit at
ranks 6 to 10 adds between 1/log₂ 11 = 0.289 (rank 10) and 1/log₂ 7 = 0.356 (rank 6) to NDCG@10 − NDCG@5:

    HR@5 / log₂ 6                ≤  NDCG@5             ≤  HR@5
    HR@10 / log₂ 11              ≤  NDCG@10            ≤  HR@10
    (HR@10 − HR@5) / log₂ 11     ≤  NDCG@10 − NDCG@5   ≤  (HR@10 − HR@5) / log₂ 7

The second line follows from the others, and has the smaller error of rounding. Conversely, four exact numbers
that meet the inequalities, with HR@5 ≤ HR@10 ≤ 1, are the metrics of some ranking of sufficiently many users:
shares of users at ranks 1 and 5 give any NDCG@5 between its bounds, and shares at ranks 6 and 10 any gain.

Means over seeds obey the same inequalities, because these are linear. Rounding to four decimals moves a
published number by at most 0.00005. A block is called impossible only where an inequality fails although
every number may move by that much in the direction that helps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from degen.paper.published import METRICS, table2

ROUNDING = 5e-5
"""Largest difference between a published number and the number before it was rounded."""

TOLERANCE = 1e-12
"""Error of the arithmetic itself."""

_RANK_5, _RANK_6, _RANK_10 = (1 / math.log2(rank + 1) for rank in (5, 6, 10))
"""Gain in NDCG@10 of a hit at each of these ranks."""


@dataclass(frozen=True)
class Bound:
    """A quantity of a block, and the lowest and highest value that the block's hit rates leave it."""

    quantity: str
    published: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """True where the published value lies within the bounds."""
        return self.low - TOLERANCE <= self.published <= self.high + TOLERANCE


@dataclass(frozen=True)
class Block:
    """The four metrics of one method on one dataset, with the bounds that they have to meet.

    `misprint` says which number, with its decimal point moved by one place, would make the block possible.
    It is empty for possible blocks, and where no single number does.
    """

    dataset: str
    method: str
    metrics: Mapping[str, float]
    bounds: tuple[Bound, ...]
    misprint: str = ""

    @property
    def possible(self) -> bool:
        """True where some ranking of one target per user has these metrics, up to rounding."""
        return all(bound.holds for bound in self.bounds)

    @property
    def violated(self) -> list[Bound]:
        """The bounds that fail."""
        return [bound for bound in self.bounds if not bound.holds]


def check(metrics: Mapping[str, float], rounding: float = ROUNDING) -> tuple[Bound, ...]:
    """Return the bounds of NDCG@5, of NDCG@10 and of the gains from five to ten, widened by the rounding.

    Parameters
    ----------
    metrics
        HR@5, HR@10, NDCG@5 and NDCG@10 between 0 and 1, of one target per user.
    rounding
        largest error of each number; 0 for exact ones.
    """
    early, ten = metrics["HR@5"], metrics["HR@10"]
    gain = metrics["NDCG@10"] - metrics["NDCG@5"]
    # A difference of two rounded numbers is off by at most twice the rounding.
    return (
        Bound("HR@10 − HR@5", ten - early, -2 * rounding, 1.0),
        _bound("NDCG@5", metrics["NDCG@5"], early, (_RANK_5, 1.0), rounding),
        _bound("NDCG@10", metrics["NDCG@10"], ten, (_RANK_10, 1.0), rounding),
        _bound("NDCG@10 − NDCG@5", gain, ten - early, (_RANK_10, _RANK_6), 2 * rounding),
    )


def _bound(name: str, value: float, hits: float, gains: tuple[float, float], error: float) -> Bound:
    """Return the bounds of a sum of gains of `hits`; both the value and the hits may be off by `error`."""
    least, most = max(hits - error, 0.0) * gains[0] - error, (hits + error) * gains[1] + error
    return Bound(name, value, least, most)


def check_table2() -> list[Block]:
    """Test the 40 blocks of the paper's Table 2."""
    blocks = []
    for (dataset, method), metrics in table2().items():
        bounds = check(metrics)
        possible = all(bound.holds for bound in bounds)
        blocks.append(Block(dataset, method, metrics, bounds, "" if possible else _misprint(metrics)))
    return blocks


def _misprint(metrics: Mapping[str, float]) -> str:
    """Return the first number whose decimal point, moved by one place, makes the block possible."""
    for name in METRICS:
        for factor in (0.1, 10.0):
            moved = metrics[name] * factor
            if moved <= 1 and all(bound.holds for bound in check({**metrics, name: moved})):
                return f"{name} {moved:.4f} in place of {metrics[name]:g}"
    return ""
