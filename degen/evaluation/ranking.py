"""Ranking metrics HR, NDCG and MRR from the ranks of targets (full ranking, never sampled).

Ranks are counted from 1, in halves where scores are tied (`degen.evaluation.evaluate.target_ranks`). With one
target per user, HR@K is what others call recall, hit rate or Hit@K. Everything here is NumPy: ranks can be
compared without PyTorch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

KS = (5, 10, 20)
"""Cut-offs K at which metrics are reported."""

Ranks = npt.NDArray[np.float64]
"""Ranks of targets `[n]`, from 1, in halves where scores are tied."""


def hit_rate(ranks: Ranks, k: int) -> float:
    """Return HR@K, the share of targets ranked K or better."""
    return float(np.mean(ranks <= k))


def discounted_gain(ranks: Ranks, k: int) -> Ranks:
    """Return NDCG@K of each target, float64 `[n]`: 1 / log2(rank + 1) if it is ranked K or better, else 0."""
    return np.where(ranks <= k, 1 / np.log2(ranks + 1), 0.0)


def ndcg(ranks: Ranks, k: int) -> float:
    """Return NDCG@K, the mean discounted gain; the ideal gain of one target is 1."""
    return float(discounted_gain(ranks, k).mean())


def reciprocal_rank(ranks: Ranks, k: int) -> float:
    """Return MRR@K, the mean of 1 / rank where the target is ranked K or better, else 0."""
    return float(np.where(ranks <= k, 1 / ranks, 0.0).mean())


def ranking_metrics(ranks: Ranks) -> dict[str, float]:
    """Return HR, NDCG and MRR at 5, 10 and 20, named `HR@5` and so on."""
    measures = {"HR": hit_rate, "NDCG": ndcg, "MRR": reciprocal_rank}
    return {f"{name}@{k}": measure(ranks, k) for k in KS for name, measure in measures.items()}
