"""The average cosine: by hand, by a loop over pairs, and where rows have no direction."""

from __future__ import annotations

import math

import numpy as np
import pytest
import slow_pairs
import torch
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis import average_cosine
from degen.errors import UserError


def test_by_hand():
    # Unit rows at 0°, 60° and 180°: cosines 1/2, -1 and -1/2; lengths do not matter.
    rows = np.array([[2.0, 0.0], [0.5, math.sqrt(3) / 2], [-7.0, 0.0]])
    assert average_cosine(rows) == pytest.approx((1 / 2 - 1 - 1 / 2) / 3)


def test_orthogonal_parallel_and_opposite_rows():
    assert average_cosine(np.eye(6)) == pytest.approx(0, abs=1e-15)
    assert average_cosine(np.outer([1.0, 2.0, 3.0], [1.0, 1.0])) == pytest.approx(1)
    # The corners of a simplex are as far from each other as can be: -1 / (m - 1).
    corners = np.eye(4) - 1 / 4
    assert average_cosine(corners) == pytest.approx(-1 / 3)


def test_agrees_with_a_loop_over_pairs(rng):
    rows = rng.normal(size=(40, 5)) + 0.3
    rows[[3, 17]] = 0
    expected = slow_pairs.average_cosine(rows)
    assert average_cosine(rows) == pytest.approx(expected, rel=1e-12)
    assert average_cosine(torch.from_numpy(rows)) == pytest.approx(expected, rel=1e-12)


def test_rows_of_any_length_count_alike(rng):
    rows = rng.normal(size=(30, 4)) + 0.5
    lengths = 10.0 ** rng.uniform(-200, 200, size=(30, 1))  # squares of such rows vanish or overflow
    assert average_cosine(rows * lengths) == pytest.approx(average_cosine(rows), rel=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_neither_order_nor_rotation_matters(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(12, 4)) + 0.5
    turned = rng.permutation(rows) @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert average_cosine(turned) == pytest.approx(average_cosine(rows), abs=1e-13)


@pytest.mark.parametrize("rows", [np.zeros((5, 3)), np.eye(1, 3), np.array([[0.0, 1.0], [0.0, 0.0]])])
def test_fewer_than_two_directions_are_refused(rows):
    with pytest.raises(UserError, match="at least 2 rows"):
        average_cosine(rows)
