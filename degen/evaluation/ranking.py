"""From scores to ranks, and from ranks to HR, NDCG and MRR (full ranking, never sampled).

    rank = 1 + number of items scored strictly higher + half the number of other items scored the same

so that a constant scorer over n items ranks every target at (n + 1) / 2 and does not look good. With one
target a user, HR@K is what others call recall, hit rate or Hit@K.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from degen.errors import UserError

KS = (5, 10, 20)
"""The cut-offs that are reported."""

Ranks = npt.NDArray[np.float64]


def target_ranks(scores: Tensor, targets: Tensor) -> Ranks:
    """Rank each row's target among all columns.

    Parameters
    ----------
    scores
        `[B, n_items]`, higher is better.
    targets
        int64 `[B]`, columns of `scores`.

    Returns
    -------
    float64 `[B]`, from 1 to n_items, in halves.

    Raises
    ------
    UserError
        where a score is NaN: nothing can be ranked, and a comparison would call such a target the best.
    """
    if scores.amax().isnan():  # the maximum hands a NaN on
        raise UserError("a score is NaN: training diverged; try a lower --learning-rate or --lambda")
    target_scores = scores.gather(1, targets[:, None])
    if scores.device.type == "cpu":
        higher, equal = _count_on_cpu(scores, target_scores)
    else:
        higher = (scores > target_scores).sum(1).cpu().numpy()
        equal = (scores == target_scores).sum(1).cpu().numpy()
    return 1 + higher + (equal - 1) / 2


def _count_on_cpu(scores: Tensor, target_scores: Tensor) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    # NumPy counts the Trues of a row ten times as fast as torch sums them.
    rows, limits = scores.numpy(), target_scores.numpy()
    higher = np.array([np.count_nonzero(row > limit) for row, limit in zip(rows, limits, strict=True)])
    equal = np.array([np.count_nonzero(row == limit) for row, limit in zip(rows, limits, strict=True)])
    return higher, equal


def hit_rate(ranks: Ranks, k: int) -> float:
    """HR@K: share of targets ranked K or better."""
    return float(np.mean(ranks <= k))


def discounted_gain(ranks: Ranks, k: int) -> Ranks:
    """NDCG@K of each target, `[n]`: 1 / log2(rank + 1) where it is ranked K or better, else 0."""
    return np.where(ranks <= k, 1 / np.log2(ranks + 1), 0.0)


def ndcg(ranks: Ranks, k: int) -> float:
    """NDCG@K: mean discounted gain; with one target the ideal gain is 1."""
    return float(discounted_gain(ranks, k).mean())


def reciprocal_rank(ranks: Ranks, k: int) -> float:
    """MRR@K: mean of 1 / rank where the target is ranked K or better, else 0."""
    return float(np.where(ranks <= k, 1 / ranks, 0.0).mean())


def ranking_metrics(ranks: Ranks) -> dict[str, float]:
    """HR, NDCG and MRR at 5, 10 and 20, as `HR@5` and so on."""
    measures = {"HR": hit_rate, "NDCG": ndcg, "MRR": reciprocal_rank}
    return {f"{name}@{k}": measure(ranks, k) for k in KS for name, measure in measures.items()}
