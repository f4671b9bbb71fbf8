"""Samples with the same target, compared with loops over all pairs."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from degen.data.sampling.source import PartnerIndex


def others(targets, row: int) -> list[int]:
    return [i for i, target in enumerate(targets) if target == targets[row] and i != row]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(0, 2**32))
def test_a_partner_has_the_same_target_and_is_another_sample_where_there_is_one(targets, seed):
    index, rng = PartnerIndex.build(np.array(targets)), np.random.default_rng(seed)
    rows = np.arange(len(targets))
    for _ in range(5):
        for row, partner in zip(rows, index.draw(rows, rng), strict=True):
            assert partner in (others(targets, row) or [row])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_has_partner_says_where_there_is_one(targets):
    expected = [bool(others(targets, row)) for row in range(len(targets))]
    assert np.asarray(PartnerIndex.build(np.array(targets)).has_partner).tolist() == expected


@pytest.mark.parametrize("row", [1, 4, 6, 9, 10])
def test_every_other_sample_is_equally_likely(row):
    # Target 5 at rows 1, 4, 6, 9 and 10: first, middle or last of the group, each has four partners.
    targets = np.array([3, 5, 3, 2, 5, 3, 5, 8, 2, 5, 5])
    index = PartnerIndex.build(targets)
    drawn = Counter(index.draw(np.full(4000, row), np.random.default_rng(row)).tolist())
    assert sorted(drawn) == others(targets, row)
    assert chisquare(list(drawn.values())).pvalue > 1e-3


def test_rows_may_come_in_any_order_and_repeat():
    targets = np.array([4, 4, 1, 7, 1])
    drawn = PartnerIndex.build(targets).draw(np.array([4, 0, 3, 1, 0, 2]), np.random.default_rng(0))
    assert drawn.tolist() == [2, 1, 3, 0, 1, 4]  # with two samples a target, or one, there is no choice


def test_a_seed_fixes_the_partners():
    targets = np.repeat([1, 2, 3], 20)
    index, rows = PartnerIndex.build(targets), np.arange(60)
    first, again, other = (index.draw(rows, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_index_is_of_linear_size_even_if_all_targets_are_equal():
    # Lists of lists would hold n² = 10¹⁰ numbers here.
    n = 100_000
    tracemalloc.start()
    index = PartnerIndex.build(np.ones(n, dtype=np.int64))
    partners = index.draw(np.arange(n), np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 8 * n
    assert sum(getattr(index, field.name).nbytes for field in dataclasses.fields(index)) <= 2 * 4 * n + 64
    assert not (partners == np.arange(n)).any()


def test_the_targets_are_left_as_they_were():
    targets = np.array([2, 1, 2, 1])
    targets.flags.writeable = False
    PartnerIndex.build(targets).draw(np.arange(4), np.random.default_rng(0))
    assert targets.tolist() == [2, 1, 2, 1]
