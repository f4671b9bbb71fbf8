"""Recommendation lists of a run over a split: who is served well, and which items are shown.

Each user of a split gets a list of the k items with the highest scores. From how many lists each item is in
follow coverage, inequality and exposure, the counterpart of hubness for a model in use. From the ranks of the
targets follow HR, NDCG and MRR by the popularity of the target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from degen.analysis.passes.buckets import HEAD_MID_TAIL, Buckets, Float, Int
from degen.analysis.values import Undefined
from degen.data.sequences import Split
from degen.data.statistics import gini
from degen.evaluation.evaluate import rank_targets, representations
from degen.evaluation.ranking import Places, Ranks, ranking_metrics
from degen.evaluation.restore import Restored
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.model.scores import Scores, score_items


@dataclass(frozen=True, eq=False)
class Recommended:
    """Ranks of the targets of a split, and the items that its users are shown.

    Attributes
    ----------
    ranks
        the place of each user's target among all items.
    targets
        int64 [users]: the targets, as row numbers of `items.txt`.
    counts
        int64 [n_items]: the number of lists that each item is in.
    k
        length of a list.
    """

    ranks: Ranks
    targets: Int
    counts: Int
    k: int

    def measures(self, frequency: Int) -> dict[str, float]:
        """Return coverage and Gini index, and exposure, HR@k and NDCG@k for each bucket of popularity.

        The keys are `catalogue_coverage@10`, `recommendation_gini@10`, `exposure@tail`, `HR@10@tail` and so
        on, where `k` is 5, 10 or 20. A bucket without targets has NaN for HR and NDCG.

        Parameters
        ----------
        frequency
            int64 [n_items]: how often each item occurs in training.

        Raises
        ------
        Undefined
            if no list holds an item.
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
    """Rank all items for every user of a split, by the scores that the run was trained with.

    Items of a user's history stay in the list, as they stay in the ranking of the target.
    """
    encoder, samples = restored.encoder, restored.samples(split)
    h, V = encoder.query(representations(encoder, samples)), encoder.scored_items()
    settings = restored.config.evaluation
    ranks = rank_targets(h, V, samples, settings.score_block, restored.scores, ties=settings.ties)
    return Recommended(ranks, samples.targets - 1, list_counts(h, V, k, restored.scores), k)


@torch.no_grad()
def list_counts(h: Tensor, V: Tensor, k: int = 10, scores: Scores = "dot") -> Int:
    """Count the lists that each item is in, int64 `[n_items]`; a list holds the `k` highest scores of a user.

    Parameters
    ----------
    h
        `[users, d]`: representations of the users' histories.
    V
        `[n_items, d]`: item embeddings without padding.
    k
        length of a list, at most `n_items`.
    scores
        `dot` or `cosine`.
    """
    at_once = min(max(MOST_SCORES[h.device.type] // len(V), 1), 256)
    counts = np.zeros(len(V), dtype=np.int64)
    for start in range(0, len(h), at_once):
        best = score_items(h[start : start + at_once], V, scores).topk(min(k, len(V)), dim=1).indices
        counts += np.bincount(best.flatten().cpu().numpy(), minlength=len(V))
    return counts


def by_popularity(
    ranks: Places, targets: Int, frequency: Int, shares: Mapping[str, float] = HEAD_MID_TAIL
) -> dict[str, dict[str, Any]]:
    """Return HR, NDCG and MRR over the targets of each bucket of popularity, rarest bucket first.

    Parameters
    ----------
    ranks
        the place of each of n targets, or float64 `[n]`, their ranks.
    targets
        int64 `[n]`: each target as an index into `frequency`.
    frequency
        int64 `[n_items]`: how often each item occurs in training.
    shares
        Approximate share of the items in each bucket. Items of equal frequency share a bucket, and items that
        never occur are in the bucket `cold` (`degen.analysis.passes.buckets`).

    Returns
    -------
    For each bucket its lowest and highest frequency (`low`, `high`), the number of `items` and `targets` in
    it, and `HR@5` and so on. Buckets without items are left out. The metrics of a bucket without targets are
    None.
    """
    buckets = Buckets.cut(frequency, shares)
    ranks, nothing = Ranks.of(ranks), dict.fromkeys(ranking_metrics(np.ones(1)))
    found: dict[str, dict[str, Any]] = {}
    for code, name in enumerate(buckets.names):
        in_bucket = ranks[buckets.codes[targets] == code]
        found[name] = {
            "low": buckets.low[code],
            "high": buckets.high[code],
            "items": int(buckets.sizes[code]),
            "targets": len(in_bucket),
            **(ranking_metrics(in_bucket) if len(in_bucket) else nothing),
        }
    return found


def catalogue_coverage(counts: Int) -> float:
    """Return the share of the items that are in at least one list.

    Parameters
    ----------
    counts
        int [n]: the number of lists that each item is in.

    Notes
    -----
    Range: 0 to 1; at 1 every item is shown to somebody. At most users times k over n.
    Source: Ge et al., RecSys 2010.
    """
    return float((counts > 0).mean())


def exposure(counts: Int, buckets: Buckets) -> Float:
    """Return the share of all places in lists that the items of each bucket take, float64 [buckets].

    Raises
    ------
    Undefined
        if no list holds an item.

    Notes
    -----
    Range: 0 to 1; the shares add up to 1. Compare them with the buckets' shares of the interactions.
    """
    if not counts.any():
        raise Undefined("nothing is recommended: no bucket takes a share of it")
    return buckets.sums(counts / counts.sum())
