"""Eq. 3: counts, smoothing and correlations against loops, scipy and cases known in advance."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from degen.analysis.mechanism.decomposition import PairCounts, score_decomposition
from degen.analysis.passes.buckets import HEAD_MID_TAIL, Buckets

N = 30


@pytest.fixture
def adjacent(rng):
    """Pairs of items, popular ones more often."""
    weights = 1 / np.arange(1, N + 1)
    drawn = rng.choice(N - 2, size=(2, 900), p=weights[:-2] / weights[:-2].sum())  # two items never occur
    return drawn[0].astype(np.int64), drawn[1].astype(np.int64)


@pytest.fixture
def pairs(adjacent):
    return PairCounts.of(*adjacent, N)


def slow_log_conditional(previous, following, context, strength):
    together, alone = (
        Counter(zip(previous.tolist(), following.tolist(), strict=True)),
        Counter(following.tolist()),
    )
    p = [(alone[v] + 1) / (len(following) + N) for v in range(N)]
    of_context = sum(together[context, v] for v in range(N))
    return np.array(
        [math.log((together[context, v] + strength * p[v]) / (of_context + strength)) for v in range(N)]
    )


@pytest.mark.parametrize("strength", [0.1, 1.0, 20.0])
def test_smoothed_counts_are_those_of_a_loop(adjacent, pairs, strength):
    log_p = pairs.log_popularity()
    assert np.exp(log_p).sum() == pytest.approx(1)
    for context in (0, 3, 27, 29):
        found = pairs.log_conditional(context, log_p, strength)
        np.testing.assert_allclose(found, slow_log_conditional(*adjacent, context, strength), rtol=1e-12)
        assert np.exp(found).sum() == pytest.approx(1)


def test_totals_of_contexts(adjacent, pairs):
    expected = Counter(adjacent[0].tolist())
    assert pairs.total(np.arange(N)).tolist() == [expected[c] for c in range(N)]


def test_a_context_without_counts_says_popularity(pairs):
    log_p = pairs.log_popularity()
    np.testing.assert_allclose(pairs.log_conditional(29, log_p, 1.0), log_p, rtol=1e-12)


def test_correlations_are_scipys_and_those_of_a_regression(adjacent, pairs, rng):
    contexts = np.array([0, 1, 5])
    scores = rng.normal(size=(3, N)) + 0.5 * pairs.log_popularity()
    found = score_decomposition(scores, contexts, pairs)
    log_p = pairs.log_popularity()
    for row, context in enumerate(contexts):
        expected = slow_log_conditional(*adjacent, context, 1.0)
        assert found.whole[row] == pytest.approx(stats.spearmanr(scores[row], expected).statistic)
        assert found.popularity[row] == pytest.approx(stats.spearmanr(scores[row], log_p).statistic)
        # R² of the ranks of both together, by least squares.
        y, *columns = (stats.rankdata(x) - (N + 1) / 2 for x in (scores[row], expected, log_p))
        X = np.stack(columns, axis=1)
        rest = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        explained = 1 - rest @ rest / (y @ y)
        assert found.explained[row] == pytest.approx(explained)
        assert found.popularity_share[row] == pytest.approx(found.popularity[row] ** 2 / explained)


def test_scores_of_equation_3_are_recognised_whatever_their_lambda(pairs):
    contexts = np.array([0, 4])
    log_p = pairs.log_popularity()
    scores = np.stack([pairs.log_conditional(c, log_p, 1.0) + 17 * c for c in contexts])
    found = score_decomposition(3 * scores, contexts, pairs)
    np.testing.assert_allclose(found.whole, 1)
    np.testing.assert_allclose(found.explained, 1)
    np.testing.assert_allclose(found.pmi, found.ideal)
    assert (found.ideal > 0.01).all()


def test_followers_are_counted_against_all_others(adjacent, pairs, rng):
    contexts = np.array([0, 2, 29])
    scores = rng.integers(0, 6, size=(3, N)).astype(float)  # with ties
    found = score_decomposition(scores, contexts, pairs).followers
    for row, context in enumerate((0, 2)):
        after = set(adjacent[1][adjacent[0] == context].tolist())
        wins = [
            (scores[row, a] > scores[row, b]) + 0.5 * (scores[row, a] == scores[row, b])
            for a in after
            for b in set(range(N)) - after
        ]
        assert found[row] == pytest.approx(np.mean(wins))
    assert np.isnan(found[2])


def test_scores_of_popularity_alone_are_recognised(pairs):
    contexts = np.array([0, 4, 29])
    found = score_decomposition(np.tile(pairs.log_popularity(), (3, 1)), contexts, pairs)
    np.testing.assert_allclose(found.popularity, 1)
    np.testing.assert_allclose(found.pmi[:2], 0, atol=1e-12)
    np.testing.assert_allclose(found.popularity_share[:2], 1)
    assert np.isnan(found.pmi[2])  # item 29 has no follower: popularity is all there is


def test_candidates_are_ranked_among_themselves(pairs, rng):
    frequency = np.exp(pairs.log_popularity())
    buckets = Buckets.cut((frequency * 1000).astype(np.int64), HEAD_MID_TAIL)
    scores, contexts = rng.normal(size=(2, N)), np.array([2, 7])
    members = np.flatnonzero(buckets.codes == buckets.names.index("head"))
    found = score_decomposition(scores, contexts, pairs, candidates=members)
    expected = stats.spearmanr(scores[1, members], pairs.log_popularity()[members]).statistic
    assert found.popularity[1] == pytest.approx(expected)


def test_equal_scores_have_no_correlation(pairs):
    found = score_decomposition(np.zeros((1, N)), np.array([0]), pairs)
    assert np.isnan([found.whole[0], found.popularity[0], found.pmi[0]]).all()
