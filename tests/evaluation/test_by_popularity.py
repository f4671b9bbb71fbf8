from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.evaluation.ranking import ranking_metrics
from degen.evaluation.recommended import by_popularity

# Ten items that occur, so tail is the rarest 5, mid the next 3, head the top 2; one that does not.
FREQUENCY = np.array([50, 1, 2, 40, 3, 0, 9, 4, 5, 8, 10])


def test_an_example_by_hand():
    targets = np.array([0, 3, 3, 6, 10, 1, 1, 5])
    ranks = np.array([1.0, 3, 30, 7, 2, 10, 11, 400])
    found = by_popularity(ranks, targets, FREQUENCY)
    assert list(found) == ["cold", "tail", "mid", "head"]
    edges = {name: (row["low"], row["high"], row["items"], row["targets"]) for name, row in found.items()}
    assert edges == {"cold": (0, 0, 1, 1), "tail": (1, 5, 5, 2), "mid": (8, 10, 3, 2), "head": (40, 50, 2, 3)}
    assert found["head"]["HR@5"] == pytest.approx(2 / 3)
    assert found["head"]["NDCG@10"] == pytest.approx((1 + 1 / math.log2(4)) / 3)
    assert found["mid"]["HR@5"] == 0.5
    assert found["tail"]["HR@10"] == 0.5
    assert found["cold"]["MRR@20"] == 0


def test_equal_frequencies_never_part():
    found = by_popularity(np.ones(1), np.zeros(1, dtype=int), np.array([3, 3, 3, 3, 1]))
    # The four of frequency 3 would straddle both edges, so that they all stay with the rarest half.
    assert {name: row["items"] for name, row in found.items()} == {"tail": 5}


def test_a_bucket_without_targets_has_no_metrics():
    found = by_popularity(np.array([2.0]), np.array([0]), FREQUENCY)
    assert found["tail"]["targets"] == 0
    assert found["tail"]["HR@5"] is None
    assert found["head"]["HR@5"] == 1


@given(st.integers(0, 100))
def test_the_buckets_together_are_the_whole(seed):
    rng = np.random.default_rng(seed)
    frequency = rng.geometric(0.2, size=30) - 1
    targets, ranks = rng.integers(30, size=60), rng.integers(1, 31, size=60).astype(float)
    found = by_popularity(ranks, targets, frequency).values()
    for name, value in ranking_metrics(ranks).items():
        total = sum(row["targets"] * row[name] for row in found if row["targets"])
        assert total / 60 == pytest.approx(value)
    assert sum(row["items"] for row in found) == 30
