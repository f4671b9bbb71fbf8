"""Alignment and uniformity: closed forms, loops over pairs, NumPy against torch, extreme lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest
import slow_pairs
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from degen.analysis import alignment, average_cosine, uniformity
from degen.errors import UserError

DEFINITIONS = ["paper", "official"]

clouds = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 15), st.integers(1, 6)),
    elements=st.floats(-10, 10).map(lambda x: round(x, 2)),
).filter(lambda rows: (np.abs(rows).sum(axis=1) > 0).sum() >= 2)
seeds = st.integers(0, 2**32 - 1)


def rotation(d, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


# -------------------------------------------------------------------------------------------------- alignment


def test_equal_orthogonal_and_opposite_views(rng):
    x = rng.normal(size=(20, 6))
    turned = np.stack([-x[:, 1], x[:, 0], -x[:, 3], x[:, 2], -x[:, 5], x[:, 4]], axis=1)  # a right angle each
    assert alignment(x, 3 * x) == pytest.approx(0, abs=1e-15)
    assert alignment(x, turned) == pytest.approx(2)
    assert alignment(x, -x) == pytest.approx(4)


def test_official_alignment_is_a_plain_distance():
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    y = np.array([[3.0, 4.0], [1.0, 2.0]])
    assert alignment(x, y, definition="official") == pytest.approx((5 + 1) / 2)


def test_alignment_agrees_with_a_loop(rng):
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 5))
    assert alignment(x, y) == pytest.approx(slow_pairs.alignment(x, y), rel=1e-12)
    assert alignment(x, y, definition="official") == pytest.approx(
        slow_pairs.official_alignment(x, y), rel=1e-12
    )


def test_a_pair_with_a_zero_row_is_left_out():
    x = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    y = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert alignment(x, y) == pytest.approx(2)
    with pytest.raises(UserError, match="without a zero row"):
        alignment(x[1:], y[1:])


# ------------------------------------------------------------------------------------------------- uniformity


def test_orthonormal_rows_have_minus_four():
    # All squared distances are 2, so each term is exp(-2 · 2).
    assert uniformity(rotation(9, 3)) == pytest.approx(-4)
    assert uniformity(5 * np.eye(7), t=1.0) == pytest.approx(-2)


def test_collapsed_rows_have_zero():
    assert uniformity(np.outer([1.0, 2.0, 5.0], [1.0, 3.0])) == pytest.approx(0, abs=1e-14)


def test_uniformity_by_hand():
    # Unit rows at 0°, 90° and 180°: squared distances 2, 2 and 4.
    rows = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    assert uniformity(rows) == pytest.approx(math.log((2 * math.exp(-4) + math.exp(-8)) / 3))
    # As they are: distances √5, √13 and 4.
    raw = [math.exp(-2 * math.sqrt(5)), math.exp(-2 * math.sqrt(13)), math.exp(-8)]
    assert uniformity(rows, definition="official") == pytest.approx(math.log(sum(raw) / 3))


@pytest.mark.parametrize("block", [1, 2, 7, 39, 40, 41, 1024])
def test_uniformity_agrees_with_a_loop_whatever_the_block(rng, block):
    rows = rng.normal(size=(40, 3)) + 0.4
    rows[5] = rows[31]
    paper, official = slow_pairs.uniformity(rows), slow_pairs.official_uniformity(rows)
    for x in (rows, torch.from_numpy(rows)):
        assert uniformity(x, block=block) == pytest.approx(paper, rel=1e-12)
        assert uniformity(x, definition="official", block=block) == pytest.approx(official, rel=1e-12)


@pytest.mark.parametrize("t", [0.5, 3.0])
def test_scale_of_the_exponent(rng, t):
    rows = rng.normal(size=(12, 4))
    assert uniformity(rows, t) == pytest.approx(slow_pairs.uniformity(rows, t), rel=1e-12)
    official = slow_pairs.official_uniformity(rows, t)
    assert uniformity(rows, t, definition="official") == pytest.approx(official, rel=1e-12)


def test_zero_rows_are_left_out_of_the_papers_definition(rng):
    rows = rng.normal(size=(12, 4))
    with_zeros = np.insert(rows, [0, 5, 12], 0, axis=0)
    assert uniformity(with_zeros) == pytest.approx(uniformity(rows), rel=1e-14)
    # The released code knows no such exception.
    official = slow_pairs.official_uniformity(with_zeros)
    assert uniformity(with_zeros, definition="official") == pytest.approx(official, rel=1e-12)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_rows_far_apart_give_a_large_negative_number_not_infinity(library):
    # Distances 1e5, 1e5 and 2e5; exp(-2e5) is zero in floating point, its logarithm is not.
    rows = library(np.array([[-1e5], [0.0], [1e5]]))
    expected = -2e5 + math.log(2 / 3)
    assert uniformity(rows, definition="official") == pytest.approx(expected, rel=1e-12)
    assert uniformity(rows, definition="official", block=1) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_equal_rows_are_at_distance_zero(library, rng):
    # ‖a‖² + ‖b‖² - 2ab would put them 1e-7 apart, and say so in the eighth digit.
    row = rng.normal(size=64) * 10
    assert uniformity(library(np.stack([row] * 40)), definition="official") == pytest.approx(0, abs=1e-14)


# ------------------------------------------------------------------------------------------------- properties


@given(clouds, seeds)
def test_rotation_and_order_change_nothing(rows, seed):
    turned = np.random.default_rng(seed).permutation(rows @ rotation(rows.shape[1], seed))
    assert uniformity(turned) == pytest.approx(uniformity(rows), abs=1e-9)
    official = uniformity(rows, definition="official")
    assert uniformity(turned, definition="official") == pytest.approx(official, abs=1e-9)


@given(clouds, seeds)
def test_length_of_a_row_does_not_matter_to_the_paper(rows, seed):
    lengths = np.random.default_rng(seed).uniform(0.1, 10, size=(len(rows), 1))
    assert uniformity(rows * lengths) == pytest.approx(uniformity(rows), abs=1e-12)
    assert alignment(rows * lengths, rows) == pytest.approx(0, abs=1e-12)


@given(clouds)
def test_bounds(rows):
    value = uniformity(rows)
    assert -8 - 1e-12 <= value <= 1e-12
    # Jensen: the log of a mean is at least the mean of the logs, 2t (cos - 1).
    assert value >= 4 * (average_cosine(rows) - 1) - 1e-12
    assert uniformity(rows, definition="official") <= 1e-12


@given(clouds, seeds)
def test_numpy_and_torch_agree_and_leave_their_input_alone(rows, seed):
    other = np.random.default_rng(seed).permutation(rows)
    kept = rows.copy()
    tensor, second = torch.from_numpy(rows.copy()), torch.from_numpy(other)
    for definition in DEFINITIONS:
        expected = uniformity(rows, definition=definition)
        assert uniformity(tensor, definition=definition) == pytest.approx(expected, abs=1e-12)
    expected = alignment(rows, other, definition="official")
    assert alignment(tensor, second, definition="official") == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(rows, kept)
    assert np.array_equal(tensor.numpy(), kept)


# ------------------------------------------------------------------------------------------ kinds of input


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_float32_with_gradient_is_measured_in_float64(rng, definition):
    x, y = (rng.normal(size=(300, 16)).astype(np.float32) for _ in range(2))
    wide = x.astype(np.float64), y.astype(np.float64)
    first, second = (torch.tensor(a, requires_grad=True) for a in (x, y))
    spread, distance = (
        uniformity(first, definition=definition),
        alignment(first, second, definition=definition),
    )
    assert isinstance(spread, float)
    assert isinstance(distance, float)
    assert spread == pytest.approx(uniformity(wide[0], definition=definition), rel=1e-12)
    assert distance == pytest.approx(alignment(*wide, definition=definition), rel=1e-12)
    assert first.grad is None


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("n", [1, 2])
def test_uniformity_needs_two_rows(definition, n):
    rows = np.eye(3)[:n]
    if n == 1:
        counted = "rows that are not zero" if definition == "paper" else "rows"
        with pytest.raises(UserError, match=f"at least 2 {counted}, there are 1$"):
            uniformity(rows, definition=definition)
    else:
        distance = 2 if definition == "paper" else math.sqrt(2)
        assert uniformity(rows, definition=definition) == pytest.approx(-2 * distance)


def test_not_finite_is_refused_with_its_row():
    rows = np.eye(4)
    rows[2, 1] = np.nan
    for x in (rows, torch.from_numpy(rows)):
        with pytest.raises(UserError, match="representations holds NaN or infinity in row 2 "):
            uniformity(x)
        with pytest.raises(UserError, match="second view holds NaN or infinity in row 2 "):
            alignment(x[[0, 1, 3, 3]], x)


def test_mistakes_in_the_call():
    with pytest.raises(ValueError, match="one shape"):
        alignment(np.eye(3), np.eye(4))
    with pytest.raises(ValueError, match="paper, official"):
        alignment(np.eye(3), np.eye(3), definition="squared")
    with pytest.raises(ValueError, match="paper, official"):
        uniformity(np.eye(3), definition="raw")
