"""Statistics by hand and by double loops, and the comparison with Table 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.load import Dataset
from degen.data.sequences import Sequences
from degen.data.statistics import compare_with_table1, gini, rarest_half_share, statistics


def dataset(log: list[list[int]], n_items: int, name: str = "mine") -> Dataset:
    sequences = Sequences(
        items=np.array([item for items in log for item in items]),
        offsets=np.cumsum([0, *map(len, log)]),
        item_ids=[f"i{i}" for i in range(n_items)],
        user_ids=[f"u{i}" for i in range(len(log))],
    )
    return Dataset(name, sequences, (), "somewhere", "f", tie_share=0.25, dropped_users=3)


def test_a_log_by_hand():
    # Training parts: 1 2 1 4 | 2 | 1 1; frequencies 4, 2, 0, 1.
    found = statistics(dataset([[1, 2, 1, 4, 3, 3], [2, 1, 1], [1, 1, 4, 2]], 4))
    assert (found.users, found.items, found.actions) == (3, 4, 13)
    assert found.training_samples == 3 + 0 + 1
    assert found.average_length == 13 / 3
    assert (found.median_length, found.longest) == (4, 6)
    assert found.sparsity == 1 - 13 / 12
    assert found.zero_frequency_items == 1
    # The rarer half: the items with 0 and 1 of 7 actions.
    assert found.rarest_half_share == 1 / 7
    # 1 and 3 again for the first user, 1 for the second, 1 for the third.
    assert found.repeats == 4
    assert (found.tie_share, found.dropped_users) == (0.25, 3)
    assert found.as_dict()["actions"] == 13


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20))
def test_gini_is_half_the_mean_difference_over_the_mean(counts):
    n, total = len(counts), sum(counts)
    differences = sum(abs(a - b) for a in counts for b in counts)
    expected = differences / (2 * n * total) if total else 0.0
    assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-12)


def test_gini_of_equal_and_of_greatest_inequality():
    assert gini(np.full(10, 7)) == 0
    assert gini(np.array([0] * 9 + [5])) == pytest.approx(0.9)


def test_the_rarest_half_of_an_odd_number_of_items_leaves_the_middle_out():
    assert rarest_half_share(np.array([5, 1, 4])) == 0.1
    assert rarest_half_share(np.zeros(4, dtype=int)) == 0


def counted(name: str, users: int, items: int, actions: int) -> Dataset:
    lengths = np.full(users, actions // users)
    lengths[: actions % users] += 1
    sequences = Sequences(np.ones(actions, int), np.cumsum([0, *lengths]), ["i"] * items, ["u"] * users)
    return Dataset(name, sequences, (), "somewhere", "f")


def test_table_1_met_exactly():
    assert compare_with_table1(counted("beauty", 22363, 12101, 198502)) == (
        "users, items and actions are equal to Table 1's"
    )


def test_table_1_missed_says_by_how_much():
    found = compare_with_table1(counted("beauty", 22363, 12100, 198500))
    assert (
        found == "differs from Table 1 in items (12,100, there 12,101) and actions (198,500, there 198,502)"
    )


def test_padding_is_the_explanation_of_ml_1m_and_perhaps_of_yelp():
    found = compare_with_table1(counted("ml-1m", 6040, 3416, 999611))
    assert found is not None
    assert "users (6,040, there 6,041) and items (3,416, there 3,417): Table 1 counts a padding user" in found
    assert "padding" in str(compare_with_table1(counted("yelp", 30431, 20033, 316354)))


def test_a_log_that_is_not_in_the_paper():
    assert compare_with_table1(counted("ml-1m-partial", 3, 3, 9)) is None
    assert compare_with_table1(counted("ml-100k", 3, 3, 9)) is None
