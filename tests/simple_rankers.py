"""NDCG@10 of two rankers without a parameter: popularity, and the chain from the last item to the next."""

from __future__ import annotations

import numpy as np

from degen.data.sequences import Sequences, item_frequency, leave_one_out


def popularity_and_chain(log: Sequences) -> tuple[float, float]:
    """Return the NDCG@10 on the test targets of popularity, and of the chain with ties by popularity."""
    test = leave_one_out(log, "test")
    popularity = item_frequency(log).astype(float)
    chain = np.zeros((log.n_items + 1, log.n_items + 1))
    for start, end in zip(log.offsets[:-1], log.offsets[1:] - 2, strict=True):  # the training part
        np.add.at(chain, (log.items[start : end - 1], log.items[start + 1 : end]), 1)
    by_chain = chain[log.items[test.end - 1], 1:] + 1e-6 * popularity
    by_popularity = np.tile(popularity, (len(test), 1))
    return ndcg(by_popularity, test.targets - 1), ndcg(by_chain, test.targets - 1)


def ndcg(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean NDCG@10 of scores [n, n_items] and targets [n], with half ranks for ties."""
    target_scores = scores[np.arange(len(targets)), targets][:, None]
    ranks = 1 + (scores > target_scores).sum(1) + ((scores == target_scores).sum(1) - 1) / 2
    return float(np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0).mean())
