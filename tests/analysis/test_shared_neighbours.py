"""Shared neighbours against lists of a slow sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degen import analysis
from degen.analysis import Estimate, Rows, Undefined


def slow_lists(V, k, metric):
    if metric == "cosine":
        V = V / np.maximum(np.linalg.norm(V, axis=1, keepdims=True), 1e-300)
    lists = []
    for i in range(len(V)):
        others = [j for j in range(len(V)) if j != i and (metric == "dot" or V[j].any())]
        lists.append(set(sorted(others, key=lambda j: -(V[i] @ V[j]))[:k]))
    return lists


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 4]), st.sampled_from(["cosine", "dot"]))
def test_shares_are_those_of_slow_lists(seed, k, metric):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(30, 5))
    B = A + 0.5 * rng.normal(size=(30, 5))
    B[7] = 0
    pairs = list(zip(slow_lists(A, k, metric), slow_lists(B, k, metric), strict=True))
    shares = np.array([len(a & b) / k for a, b in pairs])
    jaccard = np.array([len(a & b) / len(a | b) for a, b in pairs])
    shares[7] = jaccard[7] = np.nan
    np.testing.assert_allclose(analysis.neighbour_shares(A, B, k, metric), shares)
    assert analysis.neighbour_overlap(A, B, k, metric) == pytest.approx(np.nanmean(shares))
    assert analysis.neighbour_jaccard(A, B, k, metric) == pytest.approx(np.nanmean(jaccard))


def test_by_popularity_the_items_that_kept_their_neighbours_show(rng):
    A = rng.normal(size=(60, 4))
    B = np.vstack([A[:30], rng.normal(size=(30, 4)) + 9])
    frequency = np.repeat([50, 1], 30)
    buckets = analysis.Buckets.up_to({"tail": 1, "head": 50}, frequency)
    tail, head = buckets.means(analysis.neighbour_shares(A, B, 5))
    assert head > tail


def test_matrices_at_random_share_what_chance_gives(rng):
    found = [analysis.neighbour_overlap(A, B, 10) for A, B in rng.normal(size=(30, 2, 100, 6))]
    assert np.mean(found) == pytest.approx(10 / 99, abs=0.006)


def test_a_sample_of_items_has_a_standard_error(rng):
    A = rng.normal(size=(2000, 4))
    B = A + 0.3 * rng.normal(size=(2000, 4))
    truth = analysis.neighbour_overlap(A, B)
    scores = []
    for seed in range(30):
        found = analysis.neighbour_overlap(
            Rows(A, exact_rows=200, seed=seed), Rows(B, exact_rows=200, seed=seed)
        )
        assert isinstance(found, Estimate)
        assert found.sample == "100 of 2,000 items"
        scores.append((found - truth) / found.standard_error)
    assert abs(np.mean(scores)) < 0.6
    assert 0.6 < np.std(scores) < 1.4


def test_too_few_items_have_no_lists():
    with pytest.raises(Undefined, match="lists of 10"):
        analysis.neighbour_overlap(np.eye(4), np.eye(4))
