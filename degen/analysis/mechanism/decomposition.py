"""Eq. 3: the parts of scores that co-occurrence and popularity explain.

    ⟨h_c, v⟩ ≈ PMI(v, c) + log p(v) + λ_c = log p(v|c) + λ_c            at the optimum

A full history occurs only once, so its last item stands for the context c. p(v|c) comes from adjacent pairs
in training, smoothed with popularity:

    p(v|c) = (N_cv + κ p(v)) / (N_c + κ),    p(v) = (N_v + 1) / (N + n)

N_cv is how often v follows c, N_c and N_v are its sums, and κ is the strength of smoothing. Without any
count, PMI is 0. λ_c is the same for all candidates of a context, so it cancels in a rank correlation over
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from degen.analysis.correlation import average_ranks
from degen.analysis.passes.arrays import Float
from degen.analysis.passes.buckets import Int


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Counts of adjacent pairs: how often each item follows each other item.

    Attributes
    ----------
    start
        int64 `[n + 1]`: the followers of item c are `start[c]` … `start[c + 1] - 1`.
    follower, count
        int64 `[m]`: item and N_cv, of the pairs that occur.
    """

    start: Int
    follower: Int
    count: Int

    @classmethod
    def of(cls, previous: Int, following: Int, n_items: int) -> PairCounts:
        """Count adjacent pairs, int64 `[N]` each, values 0 … n_items - 1, in O(N log N)."""
        pairs, count = np.unique(previous * n_items + following, return_counts=True)
        start = np.searchsorted(pairs, np.arange(n_items + 1) * n_items)
        return cls(start, pairs % n_items, count)

    @property
    def n_items(self) -> int:
        """Number of items, n."""
        return len(self.start) - 1

    def total(self, contexts: Int) -> Int:
        """N_c of some contexts, int64 `[len(contexts)]`."""
        before = np.concatenate([[0], np.cumsum(self.count)])
        totals: Int = before[self.start[contexts + 1]] - before[self.start[contexts]]
        return totals

    def followers(self, context: int) -> Int:
        """The items that followed item c, ascending, each once."""
        return self.follower[self.start[context] : self.start[context + 1]]

    def log_popularity(self) -> Float:
        """log p(v), float64 `[n]`."""
        occurs = np.bincount(self.follower, weights=self.count, minlength=self.n_items)
        return np.asarray(np.log((occurs + 1) / (occurs.sum() + self.n_items)))

    def log_conditional(self, context: int, log_popularity: Float, strength: float) -> Float:
        """log p(v|c) = PMI(v, c) + log p(v), float64 `[n]`, of a context c; `strength` is κ > 0."""
        counts = np.zeros(self.n_items)
        counts[self.followers(context)] = self.count[self.start[context] : self.start[context + 1]]
        smoothed = (counts + strength * np.exp(log_popularity)) / (counts.sum() + strength)
        return np.asarray(np.log(smoothed))


@dataclass(frozen=True, eq=False)
class ScoreDecomposition:
    """Rank correlations over the candidates of each context, float64 `[contexts]`; NaN where there is none.

    Attributes
    ----------
    whole
        of the scores with PMI + log p.
    popularity
        of the scores with log p alone.
    pmi
        of the scores with the part of the ranks of PMI + log p that log p does not explain (semi-partial).
    ideal
        `pmi` of scores that fulfil Eq. 3 exactly. It is small where few candidates ever followed the context,
        because all others are in the order of log p.
    followers
        area under the ROC curve, not a correlation: the probability that a candidate that followed the
        context in training scores above one that did not, ties counting half. 0.5 by chance.
    """

    whole: Float
    popularity: Float
    pmi: Float
    ideal: Float
    followers: Float

    @property
    def explained(self) -> Float:
        """Share of the ranks' variance that PMI + log p and log p explain together, R² in [0, 1]."""
        return self.popularity**2 + self.pmi**2

    @property
    def popularity_share(self) -> Float:
        """Share of `explained` that log p alone explains, in [0, 1]."""
        explained = self.explained
        return self.popularity**2 / np.where(explained > 0, explained, np.nan)


def score_decomposition(
    scores: Float, contexts: Int, pairs: PairCounts, *, strength: float = 1.0, candidates: Int | None = None
) -> ScoreDecomposition:
    """Test scores against Eq. 3, context by context.

    Parameters
    ----------
    scores
        `[m, n]`, of all items in each context.
    contexts
        int64 `[m]`, the last items of the histories.
    pairs
        of the training part.
    strength
        κ: number of counts that popularity is worth.
    candidates
        int64, the items over which to correlate; all by default.
    """
    log_p = pairs.log_popularity()
    chosen = np.arange(pairs.n_items) if candidates is None else candidates
    by_popularity = _standardized(average_ranks(log_p[chosen]))
    rows = []
    for context, candidate_scores in zip(contexts.tolist(), scores, strict=True):
        expected = pairs.log_conditional(context, log_p, strength)[chosen]
        ranks = average_ranks(candidate_scores[chosen])
        s, q = _standardized(ranks), _standardized(average_ranks(expected))
        followed = np.isin(chosen, pairs.followers(context))
        rows.append((s @ q, s @ by_popularity, q @ by_popularity, _area(ranks, followed)))
    whole, popularity, between, area = np.array(rows).reshape(-1, 4).T
    ideal = np.sqrt((1 - between**2).clip(0))
    pmi = (whole - popularity * between) / np.where(ideal > 1e-6, ideal, np.nan)
    return ScoreDecomposition(whole, popularity, pmi, ideal, area)


def _standardized(ranks: Float) -> Float:
    """Ranks minus their mean, at length 1, so that a product is Spearman's ρ; NaN if all are equal."""
    centred = ranks - ranks.mean()
    length = np.linalg.norm(centred)
    return np.asarray(centred / (length if length > 0 else np.nan))


def _area(ranks: Float, chosen: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve of ranks from 1, Mann and Whitney's U over its most; NaN without both."""
    m, others = int(chosen.sum()), int((~chosen).sum())
    return float((ranks[chosen].sum() - m * (m + 1) / 2) / (m * others)) if m and others else np.nan
