from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis.passes.buckets import sample_rows


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 9))
def test_a_sample_has_one_of_each_run_of_neighbours(n: int, k: int, seed: int) -> None:
    frequency = np.random.default_rng(seed).integers(0, 30, size=n)
    rows = sample_rows(frequency, n, k)
    assert len(set(rows.tolist())) == len(rows) == min(n, k)
    assert (np.diff(frequency[rows]) >= 0).all()
    if k < n:
        # The i-th lies between the bounds of its own k-th of the items by rising frequency.
        ordered = np.sort(frequency)
        for i, value in enumerate(frequency[rows]):
            assert ordered[i * n // k] <= value <= ordered[(i + 1) * n // k - 1]


def test_a_sample_is_the_same_each_time() -> None:
    frequency = np.arange(1000) % 50
    assert sample_rows(frequency, 1000, 90).tolist() == sample_rows(frequency, 1000, 90).tolist()
    assert sample_rows(frequency, 1000, 90, 1).tolist() != sample_rows(frequency, 1000, 90, 2).tolist()


def test_without_frequencies_the_order_is_that_of_the_rows() -> None:
    assert sample_rows(None, 5, 9).tolist() == [0, 1, 2, 3, 4]
    [first, second] = sample_rows(None, 10, 2).tolist()
    assert first < 5 <= second


def test_no_item_is_preferred() -> None:
    counts = sum(np.bincount(sample_rows(np.ones(40), 40, 10, seed), minlength=40) for seed in range(400))
    assert abs(counts - 100).max() < 5 * np.sqrt(400 * 0.25 * 0.75)
