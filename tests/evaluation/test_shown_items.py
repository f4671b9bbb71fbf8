"""Coverage, Gini and exposure against loops over items and pairs of items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis import Buckets, Undefined
from degen.data.statistics import gini
from degen.evaluation.recommended import Recommended, catalogue_coverage, exposure


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_gini_is_the_mean_difference_of_two_items_over_twice_the_mean(counts):
    n = len(counts)
    difference = sum(abs(a - b) for a in counts for b in counts) / n**2
    assert gini(np.array(counts)) == pytest.approx(difference / (2 * sum(counts) / n), abs=1e-12)


def test_equal_shares_and_a_single_item_are_the_ends():
    assert gini(np.full(7, 3)) == pytest.approx(0, abs=1e-15)
    one = np.array([0, 0, 12, 0])
    assert gini(one) == pytest.approx(1 - 1 / 4)
    assert catalogue_coverage(one) == 1 / 4
    assert catalogue_coverage(np.array([1, 2, 0, 9, 0])) == 3 / 5


def test_exposure_is_a_share_of_all_places():
    frequency = np.arange(1, 11)
    buckets = Buckets.cut(frequency)
    counts = np.array([1, 0, 0, 0, 0, 2, 0, 0, 7, 10])
    np.testing.assert_allclose(exposure(counts, buckets), [1 / 20, 2 / 20, 17 / 20])


def test_nothing_recommended_has_no_inequality():
    nothing = np.zeros(3, dtype=int)
    assert catalogue_coverage(nothing) == 0
    with pytest.raises(Undefined, match="nothing is recommended"):
        Recommended(np.zeros(0), nothing[:0], nothing, 10).measures(np.arange(3))
    with pytest.raises(Undefined, match="nothing is recommended"):
        exposure(nothing, Buckets.cut(np.arange(3)))
