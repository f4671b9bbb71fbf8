"""Spectrum and projection: NumPy's own SVD, closed forms, and what a rotation or a permutation may change."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from degen.analysis import (
    effective_rank,
    explained_variance,
    normalized_singular_values,
    project,
    sigma2_ratio,
    singular_values,
    summarize,
)
from degen.errors import UserError

matrices = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12).map(
        lambda shape: (max(shape), min(shape))
    ),
    elements=st.floats(-100, 100).map(lambda x: round(x, 3)),
)
seeds = st.integers(0, 2**32 - 1)


def rotation(d, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def steep(rng, n, d):
    """A cone with a falling spectrum, as item embeddings have."""
    return rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.7 + 0.3


# ---------------------------------------------------------------------------------------------- against NumPy


@pytest.mark.parametrize("n", [64, 511, 512, 513, 5000])
def test_projection_agrees_with_numpys_svd_whatever_the_blocks(rng, n):
    V = steep(rng, n, 64)
    U, s, _ = np.linalg.svd(V, full_matrices=False)
    expected = (U * s)[:, :2]
    expected *= np.where(expected.sum(axis=0) < 0, -1, 1)
    projection = project(V)
    np.testing.assert_allclose(projection.coordinates, expected, rtol=0, atol=1e-10 * s[0])
    np.testing.assert_allclose(projection.singular_values, s, rtol=0, atol=1e-13 * s[0])
    np.testing.assert_allclose(projection.variance_share, s**2 / (s**2).sum(), rtol=1e-12)
    np.testing.assert_allclose(projection.normalized_singular_values, s / s[0], rtol=0, atol=1e-13)


def test_small_singular_values_keep_their_digits(rng):
    # Through the eigenvalues of VᵀV anything below 1e-8 σ₁ would be lost.
    s = 10.0 ** -np.arange(0, 13, dtype=np.float64)
    V = np.linalg.qr(rng.normal(size=(2000, 13)))[0] * s @ rotation(13, 1)
    np.testing.assert_allclose(singular_values(V), s, rtol=2e-3)


def test_every_row_reaches_the_spectrum(rng):
    # One far row, in the last, incomplete block.
    V = rng.normal(size=(1300, 4)) * 1e-3
    V[-1] = [0, 0, 50, 0]
    assert singular_values(V)[0] == pytest.approx(50, rel=1e-5)
    assert abs(project(V).coordinates[-1, 0]) == pytest.approx(50, rel=1e-5)


@pytest.mark.parametrize("n", [511, 512, 8191, 8193, 20_000])
def test_a_tensor_of_single_precision_has_the_spectrum_of_its_copy_in_double(rng, n):
    V = steep(rng, n, 16).astype(np.float32)
    s = np.linalg.svd(V.astype(np.float64), compute_uv=False)
    for matrix in (V, torch.from_numpy(V)):
        np.testing.assert_allclose(singular_values(matrix), s, rtol=1e-12)
    np.testing.assert_allclose(
        project(torch.from_numpy(V)).coordinates, project(V).coordinates, atol=1e-11 * s[0]
    )


def test_no_copy_of_the_whole_matrix_is_made(rng, monkeypatch):
    # float64 is asked of blocks only; the largest block of 20,000 rows has 8,192.
    sizes = []
    double = torch.Tensor.double
    monkeypatch.setattr(torch.Tensor, "double", lambda x: (sizes.append(len(x)), double(x))[1])
    summarize(torch.from_numpy(rng.normal(size=(20_000, 4)).astype(np.float32)))
    assert sum(sizes) == 20_000
    assert max(sizes) == 8192


def test_float32_and_tensors_are_measured_in_float64(rng):
    V = steep(rng, 700, 16).astype(np.float32)
    exact = np.linalg.svd(V.astype(np.float64), compute_uv=False)
    tensor = torch.nn.Parameter(torch.from_numpy(V.copy()))
    for values in (singular_values(V), singular_values(tensor), project(tensor).singular_values):
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, exact, rtol=1e-12)


# ----------------------------------------------------------------------------------------------- closed forms


def test_identity_has_a_flat_spectrum():
    assert normalized_singular_values(np.eye(5)).tolist() == pytest.approx([1] * 5)
    assert effective_rank(np.eye(5)) == pytest.approx(5)
    assert sigma2_ratio(np.eye(5)) == pytest.approx(1)
    assert explained_variance(np.eye(5), 2) == pytest.approx(2 / 5)


def test_rank_one_has_one_singular_value_and_lies_on_the_positive_axis():
    # Rows -1, -2, …, -600 times (3, 4): σ₁ = 5 √Σi², and the sign rule turns the first coordinate positive.
    steps = np.arange(1, 601)
    V = -steps[:, None] * np.array([3.0, 4.0])
    projection = project(V)
    np.testing.assert_allclose(projection.coordinates[:, 0], 5 * steps, rtol=1e-12)
    np.testing.assert_allclose(projection.coordinates[:, 1], 0, atol=1e-9)
    assert projection.singular_values[0] == pytest.approx(5 * math.sqrt(600 * 601 * 1201 / 6))
    assert effective_rank(V) == pytest.approx(1, abs=1e-12)
    assert sigma2_ratio(V) == pytest.approx(0, abs=1e-14)
    assert explained_variance(V, 1) == pytest.approx(1)


def test_effective_rank_by_hand():
    # σ = 2, 1, 1: p = 1/2, 1/4, 1/4, entropy = ln 2 / 2 + 2 · ln 4 / 4 = 3/2 ln 2.
    V = np.diag([1.0, 2.0, 1.0])
    assert effective_rank(V) == pytest.approx(2**1.5)
    assert sigma2_ratio(V) == pytest.approx(1 / 2)
    assert explained_variance(V, 1) == pytest.approx(4 / 6)
    assert explained_variance(V, 3) == pytest.approx(1)


def test_coordinates_by_hand():
    # Two orthogonal columns of lengths √(1+4+4) = 3 and 1·√2; the longer one is the first axis.
    V = np.array([[0.0, -1.0], [1.0, 2.0], [-1.0, 2.0]])
    projection = project(V)
    np.testing.assert_allclose(projection.coordinates[:, 0], [-1, 2, 2], atol=1e-14)
    np.testing.assert_allclose(np.abs(projection.coordinates[:, 1]), [0, 1, 1], atol=1e-14)
    np.testing.assert_allclose(projection.singular_values, [3, math.sqrt(2)], rtol=1e-14)
    np.testing.assert_allclose(projection.variance_share, [9 / 11, 2 / 11], rtol=1e-14)


def test_zero_matrix_gives_zeros_without_a_warning():
    projection = project(np.zeros((6, 3)))
    assert not projection.coordinates.any()
    assert not projection.singular_values.any()
    assert not projection.variance_share.any()
    assert not projection.normalized_singular_values.any()
    assert not normalized_singular_values(np.zeros((6, 3))).any()
    assert effective_rank(np.zeros((6, 3))) == 0
    assert sigma2_ratio(np.zeros((6, 3))) == 0
    assert explained_variance(np.zeros((6, 3)), 2) == 0


def test_fewer_rows_than_columns_have_zeros_at_the_end(rng):
    V = rng.normal(size=(3, 5))
    s = np.linalg.svd(V, compute_uv=False)
    np.testing.assert_allclose(singular_values(V), s, rtol=1e-12)
    np.testing.assert_allclose(normalized_singular_values(V), [*(s / s[0]), 0, 0], rtol=1e-12)


def test_a_single_column_has_no_second_singular_value():
    assert sigma2_ratio(np.array([[1.0], [2.0]])) == 0


# ------------------------------------------------------------------------------------------------- properties


@given(matrices, seeds)
def test_rotation_changes_no_singular_value(V, seed):
    s = singular_values(V)
    np.testing.assert_allclose(singular_values(V @ rotation(V.shape[1], seed)), s, atol=1e-12 * (1 + s[0]))


@given(matrices, seeds)
def test_permuting_rows_permutes_the_coordinates_up_to_ties(V, seed):
    order = np.random.default_rng(seed).permutation(len(V))
    projection, permuted = project(V), project(V[order])
    s = projection.singular_values
    scale = 1 + s[0]
    np.testing.assert_allclose(permuted.singular_values, s, atol=1e-12 * scale)
    third = s[2] if len(s) > 2 else 0.0
    for axis, gap in ((0, s[0] - s[1]), (1, min(s[0] - s[1], s[1] - third))):
        total = projection.coordinates[:, axis].sum()
        # Where axes are tied, or a column's sum is zero but for rounding, axis or sign are not determined.
        if gap > 1e-3 * scale and total > 1e-6 * scale:
            np.testing.assert_allclose(
                permuted.coordinates[:, axis], projection.coordinates[order, axis], atol=1e-8 * scale
            )


@given(matrices, st.floats(1e-6, 1e6))
def test_scaling_changes_no_normalized_value(V, factor):
    values = normalized_singular_values(V)
    np.testing.assert_allclose(normalized_singular_values(factor * V), values, atol=1e-12)
    assert effective_rank(factor * V) == pytest.approx(effective_rank(V), rel=1e-9)


@given(matrices)
def test_bounds_and_sign_rule(V):
    projection = project(V)
    s = projection.singular_values
    assert (projection.coordinates.sum(axis=0) >= 0).all()
    assert (np.diff(s) <= 0).all()
    # Column k of U S has length σₖ, and all σ² together are the squared length of the matrix.
    np.testing.assert_allclose(np.linalg.norm(projection.coordinates, axis=0), s[:2], atol=1e-12 * (1 + s[0]))
    assert (s**2).sum() == pytest.approx((V**2).sum())
    assert effective_rank(V) <= V.shape[1] + 1e-9


@given(matrices)
def test_input_is_not_changed(V):
    V.flags.writeable = False
    before = V.copy()
    project(V)
    effective_rank(V)
    assert np.array_equal(V, before)


# -------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("V", "words"),
    [
        (np.ones((3, 8)), "fewer items than dimensions"),
        (np.ones((8, 1)), "at least two dimensions"),
        (np.ones(8), r"shape \(8,\)"),
        (np.ones((0, 8)), r"shape \(0, 8\)"),
        (np.ones((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.array([[1.0, 2], [3, np.nan], [0, 1]]), "row 1 "),
        (np.array([[1.0, 2], [3, 4], [np.inf, 1], [np.nan, 1]]), "row 2 "),
    ],
)
def test_projection_refuses_what_has_no_first_two_axes(V, words):
    with pytest.raises(UserError, match=words):
        project(V)
    with pytest.raises(UserError, match=words):
        project(torch.from_numpy(V))


def test_explained_variance_takes_at_least_one_axis_and_all_there_are():
    with pytest.raises(ValueError, match="at least 1"):
        explained_variance(np.eye(4, 3), 0)
    assert explained_variance(np.eye(4, 3), 4) == 1
