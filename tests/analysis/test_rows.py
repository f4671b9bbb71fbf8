"""The two passes: in blocks, in parts put together, in any kind of array, at any scale, and what they
refuse.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clouds import Slices
from hypothesis import given, settings
from hypothesis import strategies as st

from degen.analysis import Rows, singular_values
from degen.analysis.passes.buckets import Buckets
from degen.analysis.passes.first_pass import block_moments
from degen.errors import UserError


def cone(rng, n=9000, d=6):
    V = rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.5 + 0.7
    V[[5, n // 2]] = 0
    return V


@pytest.mark.parametrize("kind", [Slices, torch.from_numpy, np.asfortranarray])
def test_both_passes_are_sums_over_all_rows_whatever_holds_them(rng, kind):
    V = cone(rng)
    rows = Rows(kind(V))
    units = V[V.any(axis=1)] / np.linalg.norm(V[V.any(axis=1)], axis=1, keepdims=True)
    moments, projected = rows.moments, rows.projected
    assert moments.alive == len(units)
    np.testing.assert_allclose(moments.gram, V.T @ V, rtol=1e-12)
    np.testing.assert_allclose(moments.scatter, np.cov(V.T, ddof=0) * len(V), rtol=1e-11)
    np.testing.assert_allclose(moments.unit_gram, units.T @ units, rtol=1e-12)
    np.testing.assert_allclose(moments.unit_sum, units.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(rows.norms, np.linalg.norm(V, axis=1), rtol=1e-14)
    W = rows.axes.raw
    np.testing.assert_allclose(
        projected.sums.log_z, np.log([np.exp(V @ W).sum(0), np.exp(-V @ W).sum(0)]), rtol=1e-12
    )
    axis = units.sum(axis=0) / np.linalg.norm(units.sum(axis=0))
    angles = np.degrees(np.arccos((units @ axis).clip(-1, 1)))
    np.testing.assert_allclose(projected.unit_angles[V.any(axis=1)], angles, atol=1e-6)
    assert np.isnan(projected.unit_angles[5])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1e160, 1e-160]))
def test_moments_of_parts_add_up_in_any_order_also_of_huge_and_tiny_parts(seed, scale):
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(30, 3)) + 1
    V[:10] *= scale
    groups = rng.integers(0, 3, 30)
    cuts = [slice(0, 10), slice(10, 17), slice(17, 30)]
    a, b, c = (block_moments(V[cut], groups[cut], 3)[0] for cut in cuts)
    whole = block_moments(V, groups, 3)[0]
    for total in (a + b + c, c + (a + b)):
        assert total.exponent == whole.exponent
        for name in ("mean", "scatter", "gram", "unit_gram", "unit_sums", "group_sizes"):
            np.testing.assert_allclose(getattr(total, name), getattr(whole, name), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("scale", [1e200, 1e-200, 2.0**60])
def test_singular_values_of_huge_and_tiny_numbers(rng, scale):
    V = cone(rng, 500, 4)
    np.testing.assert_allclose(singular_values(V * scale) / scale, np.linalg.svd(V)[1], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.uint8, ">f4"])
def test_numbers_of_any_type_are_measured_in_float64(rng, dtype):
    V = rng.integers(0, 50, size=(300, 5))
    np.testing.assert_allclose(
        singular_values(V.astype(dtype)), np.linalg.svd(V.astype(float))[1], rtol=1e-12
    )


def test_a_row_that_is_not_finite_is_named_also_in_a_later_block(rng):
    V = cone(rng)
    V[8500, 2] = np.nan
    with pytest.raises(UserError, match="row 8500"):
        Rows(V).moments.n  # noqa: B018


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([np.asarray, torch.from_numpy, Slices]))
def test_picked_rows_come_in_order_and_about_a_block_at_a_time(seed, n, kind):
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(60, 2))
    rows = np.sort(rng.choice(60, n, replace=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("degen.analysis.passes.rows.BLOCK", 8)
        parts = list(Rows(kind(V)).picked(rows))
    assert np.concatenate([ids for ids, _ in parts]).tolist() == rows.tolist()
    assert np.concatenate([np.asarray(block) for _, block in parts]).tolist() == V[rows].tolist()
    assert all(4 <= len(ids) < 4 + 8 for ids, _ in parts[:-1])
    assert 0 < len(parts[-1][0]) < 4 + 8


def test_what_does_not_fit_the_rows_is_refused():
    with pytest.raises(UserError, match="3 frequencies for 4 rows"):
        Rows(np.eye(4), np.arange(3))
    with pytest.raises(UserError, match="5 numbers for items of 4"):
        Rows(np.eye(4), representations=np.eye(5))
    with pytest.raises(UserError, match=r"shape \(4,\)"):
        Rows(np.arange(4))


# ------------------------------------------------------------------------------------------------------
# buckets


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60))
def test_equal_frequencies_never_part_and_rarer_buckets_come_first(values):
    frequency = np.array(values)
    buckets = Buckets.cut(frequency)
    assert buckets.sizes.sum() == len(frequency)
    assert (buckets.sizes > 0).all()
    for code, (low, high) in enumerate(zip(buckets.low, buckets.high, strict=True)):
        inside = frequency[buckets.codes == code]
        assert (inside.min(), inside.max()) == (low, high)
        assert (low == high == 0) == (buckets.names[code] == "cold")
    assert all(high < low for high, low in zip(buckets.high, buckets.low[1:], strict=False))


def test_buckets_without_ties_hold_their_shares():
    frequency = np.random.default_rng(0).permutation(np.arange(1, 101))
    buckets = Buckets.cut(frequency)
    assert (buckets.names, buckets.sizes.tolist()) == (("tail", "mid", "head"), [50, 30, 20])
    assert (buckets.low, buckets.high) == ((1, 51, 81), (50, 80, 100))


def test_groups_of_the_first_pass_make_up_both_kinds_of_buckets(rng):
    V, frequency = cone(rng, 400, 3), rng.zipf(1.6, size=400) - 1
    rows = Rows(V, frequency)
    assert rows.moments.group_sizes.sum() == 398
    np.testing.assert_allclose(rows.moments.unit_sum, Rows(V).moments.unit_sum, rtol=1e-12)
