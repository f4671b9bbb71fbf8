"""From scores to ranks, and from ranks to HR, NDCG and MRR (full ranking, never sampled).

    rank = 1 + number of items scored strictly higher + half the number of other items scored the same

so that a constant scorer over n items ranks every target at (n + 1) / 2 and does not look good. Scores are
compared as they are computed: some libraries' products of equal rows of V differ by rounding. With one target
a user, HR@K is what others call recall, hit rate or Hit@K.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from degen.errors import UserError
from degen.model.scores import Scores, score_items

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
    higher, equal = _count(scores, scores.gather(1, targets[:, None]))
    return 1 + higher + (equal - 1) / 2


def ranks_over_blocks(h: Tensor, V: Tensor, targets: Tensor, block: int, scores: Scores = "dot") -> Ranks:
    """Rank as `target_ranks` does, from representations `[B, d]` and items `[n_items, d]`, with no more than
    `[B, block]` scores at once.

    Each product is taken twice, for the targets' scores and for the comparison, in the same shape: so a
    target's score equals itself to the bit.
    """
    slices = [slice(start, start + block) for start in range(0, len(V), block)]
    target_scores = h.new_empty(len(h), 1)
    for items in slices:
        here = (targets >= items.start) & (targets < items.stop)
        if here.any():
            columns = targets[here] - items.start
            target_scores[here] = score_items(h, V[items], scores)[here].gather(1, columns[:, None])
    counts = [_count(score_items(h, V[items], scores), target_scores) for items in slices]
    higher, equal = (np.sum(count, axis=0) for count in zip(*counts, strict=True))
    ranks: Ranks = 1 + higher + (equal - 1) / 2
    return ranks


def _count(scores: Tensor, target_scores: Tensor) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """How many scores of each row are higher than its target's `[B, 1]`, and how many equal it."""
    if scores.amax().isnan():  # the maximum hands a NaN on
        raise UserError("a score is NaN: training diverged; try a lower --learning-rate or --lambda")
    if scores.device.type == "cpu":
        return _count_on_cpu(scores, target_scores)
    higher, equal = (scores > target_scores).sum(1), (scores == target_scores).sum(1)
    return higher.cpu().numpy(), equal.cpu().numpy()


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
