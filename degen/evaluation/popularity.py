"""Ranking metrics by how often the target occurs in training: for whom a model recommends well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from degen.analysis.passes.buckets import HEAD_MID_TAIL, Buckets, Int
from degen.evaluation.ranking import Ranks, ranking_metrics


def by_popularity(
    ranks: Ranks, targets: Int, frequency: Int, shares: Mapping[str, float] = HEAD_MID_TAIL
) -> dict[str, dict[str, Any]]:
    """HR, NDCG and MRR over the targets of each bucket of popularity, rarest bucket first.

    Parameters
    ----------
    ranks
        float64 `[n]`, the rank of each target.
    targets
        int64 `[n]`, each target as an index into `frequency`.
    frequency
        int64 `[n_items]`, how often each item occurs in training.
    shares
        of the items in each bucket, about; buckets are cut at values of the frequency, and items with 0 are
        `cold` (`degen.analysis.passes.buckets`).

    Returns
    -------
    By bucket `low` and `high`, the frequencies at its edges, `items` and `targets` in it, and `HR@5` and so
    on; buckets without items are left out, and the metrics of one without targets are None.
    """
    buckets = Buckets.cut(frequency, shares)
    nothing = dict.fromkeys(ranking_metrics(np.ones(1)))
    found: dict[str, dict[str, Any]] = {}
    for code, name in enumerate(buckets.names):
        here = ranks[buckets.codes[targets] == code]
        found[name] = {
            "low": buckets.low[code],
            "high": buckets.high[code],
            "items": int(buckets.sizes[code]),
            "targets": len(here),
            **(ranking_metrics(here) if len(here) else nothing),
        }
    return found
