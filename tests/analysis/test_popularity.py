"""Measures by popularity against loops over rows and pairs, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from degen import analysis
from degen.analysis import MEASURES, PROFILES, Buckets, Rows, Undefined, bucket_cosines, popularity_profile
from degen.analysis.correlation import average_ranks

OF_FREQUENCY = [m for m in MEASURES.values() if m.group == "popularity"]


def catalogue(seed, n=60, d=4):
    """Rare items around one direction, one of them zero, some items that never occur."""
    rng = np.random.default_rng(seed)
    frequency = rng.zipf(1.5, size=n) - 1
    V = rng.normal(size=(n, d)) + np.outer(4 / (1 + frequency), np.ones(d))
    V[rng.integers(n)] = 0
    return V, frequency, rng


def slow_profiles(V, codes, count):
    """Every profile by loops over rows and pairs of rows."""
    found = {name: np.full(count, math.nan) for name in PROFILES}
    alive = V.any(axis=1)
    unit = np.array([row / np.linalg.norm(row) if row.any() else row for row in V])
    axis = sum(unit) / np.linalg.norm(sum(unit))
    first = np.linalg.svd(V)[2][0]
    for code in range(count):
        rows = [i for i in range(len(V)) if codes[i] == code]
        live = [i for i in rows if alive[i]]
        inside = [unit[i] @ unit[j] for i in live for j in live if i < j]
        outside = [unit[i] @ unit[j] for i in live for j in range(len(V)) if alive[j] and codes[j] != code]
        found["norm_mean"][code] = np.mean([np.linalg.norm(V[i]) for i in rows])
        found["norm_median"][code] = np.median([np.linalg.norm(V[i]) for i in rows])
        if inside:
            found["average_cosine"][code] = np.mean(inside)
        if outside:
            found["average_cosine_to_others"][code] = np.mean(outside)
        if live:
            found["mean_resultant_length"][code] = np.linalg.norm(np.mean([unit[i] for i in live], axis=0))
            found["cone_angle_mean"][code] = np.mean(
                [math.degrees(math.acos(min(1, max(-1, unit[i] @ axis)))) for i in live]
            )
            found["first_direction_share"][code] = sum((V[i] @ first) ** 2 for i in rows) / sum(
                V[i] @ V[i] for i in rows
            )
    return found


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["head_mid_tail", "deciles"]))
def test_profiles_are_those_of_loops_over_rows_and_pairs(seed, kind):
    V, frequency, _ = catalogue(seed)
    rows = Rows(V, frequency)
    buckets = getattr(rows, kind)
    slow = slow_profiles(V, buckets.codes, len(buckets.names))
    flat = popularity_profile(rows)
    for name, profile in PROFILES.items():
        np.testing.assert_allclose(profile(rows, buckets), slow[name], rtol=1e-9, atol=1e-7, err_msg=name)
        for bucket, value in zip(buckets.names, slow[name], strict=True):
            assert flat[f"{name}@{bucket}"] == pytest.approx(value, rel=1e-9, abs=1e-7, nan_ok=True)


def test_buckets_of_ones_own_cost_another_pass_and_agree_with_the_groups_of_the_first(rng):
    V, frequency, _ = catalogue(0)
    rows = Rows(V, frequency)
    same = Buckets(
        rows.head_mid_tail.names, rows.head_mid_tail.low, rows.head_mid_tail.high, rows.head_mid_tail.codes
    )
    halves = Buckets(("a", "b"), (0, 0), (9, 9), np.arange(60) % 2)  # no union of groups by frequency
    for buckets, given_rows in ((same, Rows(V)), (halves, rows), (halves, Rows(torch.from_numpy(V)))):
        sizes, sums = given_rows.unit_sums(buckets)
        units = V / np.maximum(np.linalg.norm(V, axis=1, keepdims=True), 1e-300)
        for code in range(len(buckets.names)):
            inside = buckets.codes == code
            assert sizes[code] == V[inside].any(axis=1).sum()
            np.testing.assert_allclose(sums[code], units[inside].sum(axis=0), rtol=1e-12, atol=1e-14)


def test_cosines_between_buckets_are_means_over_pairs():
    # Two axes: rare items on one, frequent ones on the other, and one frequent item back on the first.
    V = np.array([[1.0, 0], [2, 0], [0, 1], [0, 3], [5, 0]])
    buckets = Buckets.up_to({"tail": 2, "head": math.inf}, np.array([1, 2, 9, 9, 8]))
    np.testing.assert_allclose(bucket_cosines(V, buckets), [[1, 1 / 3], [1 / 3, 1 / 3]])
    alone = Buckets.up_to({"one": 1, "rest": math.inf}, np.array([1, 2, 9, 9, 8]))
    assert np.isnan(bucket_cosines(V, alone)[0, 0])


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 2.0, 1e200, 1e-200]))
def test_order_rotation_and_scale_do_not_matter(seed, scale):
    V, frequency, rng = catalogue(seed)
    order = rng.permutation(len(V))
    turned = V[order] @ np.linalg.qr(rng.normal(size=(4, 4)))[0] * scale
    plain, other = Rows(V, frequency), Rows(turned, frequency[order])
    for m in OF_FREQUENCY:
        assert m(other) == pytest.approx(m(plain), rel=1e-9, abs=1e-9), m.name
    a, b = popularity_profile(plain), popularity_profile(other)
    assert a.keys() == b.keys()
    for key, value in a.items():
        value *= scale if key.startswith("norm") else 1
        assert b[key] == pytest.approx(value, rel=1e-7, abs=0 if "norm" in key else 1e-7, nan_ok=True), key


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_ranks_of_ties_are_their_mean(values):
    np.testing.assert_array_equal(average_ranks(np.array(values)), stats.rankdata(values))


def test_a_perfect_order_correlates_perfectly_and_its_log_no_less():
    frequency = np.arange(1, 41)
    V = np.log(1.0 + frequency)[:, None] * np.array([[0.6, 0.8]])
    rows = Rows(V, frequency)
    assert analysis.spearman_norm(rows) == pytest.approx(1)
    assert analysis.spearman_first_coordinate(rows) == pytest.approx(1)
    assert analysis.pearson_norm(rows) == pytest.approx(1)
    along = np.log(1.0 + frequency)
    cosine = along @ frequency / np.linalg.norm(along) / np.linalg.norm(frequency)
    assert analysis.popularity_alignment(rows) == pytest.approx(cosine)


def test_standard_error_of_a_rank_correlation_of_independent_columns(rng):
    n = 40
    found = []
    for _ in range(300):
        rows = Rows(rng.normal(size=(n, 3)), rng.integers(1, 9, size=n))
        found.append(analysis.spearman_norm(rows))
    assert np.std(found) == pytest.approx(1.03 / math.sqrt(n - 3), rel=0.15)


STRANGE = {
    "one row": (np.ones((1, 3)), [4]),
    "one frequency": (np.random.default_rng(0).normal(size=(6, 3)), [2] * 6),
    "never": (np.random.default_rng(0).normal(size=(6, 3)), [0] * 6),
    "equal rows": (np.ones((6, 3)), [1, 2, 3, 4, 5, 6]),
    "zero rows": (np.zeros((6, 3)), [1, 2, 3, 4, 5, 6]),
    "half zero": (np.vstack([np.eye(3), np.zeros((3, 3))]), [1, 2, 3, 4, 5, 6]),
    "opposite": (np.vstack([np.eye(3), -np.eye(3)]), [1, 2, 3, 4, 5, 6]),
    "d = 1": (np.arange(1.0, 7)[:, None], [1, 2, 3, 4, 5, 6]),
    "n < d": (np.random.default_rng(0).normal(size=(3, 8)), [1, 2, 9]),
    "half precision": (np.random.default_rng(0).normal(size=(6, 3)).astype(np.float16), [1, 2, 3, 4, 5, 6]),
    "integers": (np.random.default_rng(0).integers(-5, 5, size=(6, 3)), [1, 2, 3, 4, 5, 6]),
    "tensor": (torch.eye(6), [1, 2, 3, 4, 5, 6]),
}


@pytest.mark.parametrize(("V", "frequency"), STRANGE.values(), ids=STRANGE)
def test_a_strange_catalogue_has_values_within_range_or_none(V, frequency):
    rows = Rows(V, np.array(frequency))
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for m in OF_FREQUENCY:
            try:
                value = m(rows)
            except Undefined:
                continue
            assert m.range[0] - 1e-9 <= value <= m.range[1] + 1e-9, m.name
        for key, value in popularity_profile(rows).items():
            low, high = PROFILES[key.partition("@")[0]].range
            assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9, key


def test_what_has_no_value_says_why():
    V = np.random.default_rng(0).normal(size=(6, 3))
    with pytest.raises(Undefined, match="how often each item occurs"):
        popularity_profile(Rows(V))
    with pytest.raises(Undefined, match="how often each item occurs"):
        MEASURES["tail_average_cosine"](V)
    with pytest.raises(Undefined, match="differ from item to item"):
        analysis.spearman_norm(Rows(V, np.full(6, 3)))
    with pytest.raises(Undefined, match="too few differ"):
        analysis.average_cosine_between(Rows(V, np.full(6, 3)), "head", "tail")
    with pytest.raises(Undefined, match="repeats"):
        analysis.popularity_alignment(Rows(np.eye(3), np.arange(3)))


def test_one_decorated_function_adds_a_profile():
    @analysis.profile(range=(0, 1), meaning="share of all rows", source="mine", cost="O(n)")
    def share(V: Rows, buckets: Buckets):
        """Return the share of the rows."""
        return buckets.sizes / len(V)

    try:
        V = Rows(np.eye(4), np.array([1, 5, 7, 9]))
        assert sum(share(V, V.head_mid_tail)) == 1
        assert "mine" in share.function.__doc__
        assert popularity_profile(V)["share@tail"] == 0.5
        with pytest.raises(ValueError, match="already"):
            analysis.profile(range=(0, 1), meaning="", source="", cost="", name="share")(share.function)
    finally:
        del PROFILES["share"]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_profile_says_what_it_is(profile):
    assert profile.range[0] < profile.range[1]
    assert profile.meaning
    assert profile.source
    assert profile.cost.startswith("O(")
    assert profile.function.__doc__.startswith("Return ")


def test_edges_of_ones_own():
    frequency = np.array([0, 1, 2, 3, 9, 10, 500])
    buckets = Buckets.up_to({"tail": 2, "mid": 9, "head": math.inf}, frequency)
    assert buckets.codes.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert (buckets.low, buckets.high) == ((0, 3, 10), (2, 9, 500))
    with pytest.raises(ValueError, match="ascend"):
        Buckets.up_to({"tail": 9, "head": 2}, frequency)
    with pytest.raises(ValueError, match="reach the highest frequency, 500"):
        Buckets.up_to({"tail": 9, "head": 20}, frequency)


def test_some_items_of_buckets_keep_their_cuts():
    buckets = Buckets.cut(np.arange(1, 101)).take(np.arange(0, 40))
    assert buckets.names == ("tail", "mid", "head")
    assert buckets.sizes.tolist() == [40, 0, 0]
