"""What a run recommends over a split: ranks of targets, and how many lists of the k best each item is in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from degen.analysis.passes.buckets import HEAD_MID_TAIL, Buckets, Int
from degen.analysis.recommendations import catalogue_coverage, exposure, gini
from degen.data.sequences import Split
from degen.evaluation.evaluate import rank_targets, representations
from degen.evaluation.popularity import by_popularity
from degen.evaluation.ranking import Ranks
from degen.evaluation.restore import Restored
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.model.scores import Scores, score_items


@dataclass(frozen=True, eq=False)
class Recommended:
    """What is recommended to the users of a split.

    Attributes
    ----------
    ranks
        float64 [users]: the rank of each user's target.
    targets
        int64 [users]: the targets, rows of `items.txt`.
    counts
        int64 [n_items]: how many of the users' lists each item is in.
    k
        items in a list.
    """

    ranks: Ranks
    targets: Int
    counts: Int
    k: int

    def measures(self, frequency: Int) -> dict[str, float]:
        """Return coverage, Gini, and, by popularity of the item, exposure, HR@k and NDCG@k: flat.

        Keys are `catalogue_coverage@10`, `recommendation_gini@10`, `exposure@tail`, `HR@10@tail` and so on;
        `k` is 5, 10 or 20. A bucket without targets has NaN for HR and NDCG.
        """
        shares = exposure(self.counts, Buckets.cut(frequency, HEAD_MID_TAIL))
        found = {
            f"catalogue_coverage@{self.k}": catalogue_coverage(self.counts),
            f"recommendation_gini@{self.k}": gini(self.counts),
        }
        for share, (name, row) in zip(
            shares, by_popularity(self.ranks, self.targets, frequency).items(), strict=True
        ):
            found[f"exposure@{name}"] = float(share)
            for metric in (f"HR@{self.k}", f"NDCG@{self.k}"):
                found[f"{metric}@{name}"] = math.nan if row[metric] is None else row[metric]
        return found


@torch.no_grad()
def recommend(restored: Restored, split: Split = "test", k: int = 10) -> Recommended:
    """Rank all items for every user of a split by the scores that the run was trained with.

    Items of the history stay in the lists, as in the ranking.
    """
    samples, V = restored.samples(split), restored.encoder.real_item_embeddings()
    h, block = representations(restored.encoder, samples), restored.config.evaluation.score_block
    ranks = rank_targets(h, V, samples, block, restored.scores)
    return Recommended(ranks, samples.targets - 1, list_counts(h, V, k, restored.scores), k)


@torch.no_grad()
def list_counts(h: Tensor, V: Tensor, k: int = 10, scores: Scores = "dot") -> Int:
    """Return in how many users' lists of the `k` best, or of all if fewer, each item is, int64 `[n_items]`.

    Parameters
    ----------
    h
        `[users, d]`, representations of their histories.
    V
        `[n_items, d]`.
    k
        items in a list.
    scores
        how items are scored.
    """
    at_once = min(max(MOST_SCORES[h.device.type] // len(V), 1), 256)
    counts = np.zeros(len(V), dtype=np.int64)
    for start in range(0, len(h), at_once):
        best = score_items(h[start : start + at_once], V, scores).topk(min(k, len(V)), dim=1).indices
        counts += np.bincount(best.flatten().cpu().numpy(), minlength=len(V))
    return counts
