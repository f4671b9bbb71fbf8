"""Comparisons of two matrices against literal definitions, SciPy, and what must not matter to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, spatial

from degen import analysis
from degen.analysis import COMPARISONS, Pair, Rows, Undefined, matched
from degen.analysis.passes.rows import BLOCK
from degen.errors import UserError


def matrices(seed, n=30, d=(4, 4)):
    """Two matrices that share a part, away from the origin."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 3))
    A = common @ rng.normal(size=(3, d[0])) + 0.5 * rng.normal(size=(n, d[0])) + rng.normal(size=d[0])
    B = common @ rng.normal(size=(3, d[1])) + 0.5 * rng.normal(size=(n, d[1])) + rng.normal(size=d[1])
    return A, B, rng


def values(A, B):
    pair = Pair(Rows.of(A), Rows.of(B))
    return {name: one(pair) for name, one in COMPARISONS.items()}


def unbiased_hsic(K, L):
    """Song et al. 2012, Eq. 5, with n × n kernels."""
    n = len(K)
    K, L, one = K - np.diag(np.diag(K)), L - np.diag(np.diag(L)), np.ones(n)
    both = np.trace(K @ L) + (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return (both - 2 / (n - 2) * (one @ K @ L @ one)) / (n * (n - 3))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(4, 4), (3, 6)]))
def test_cka_is_that_of_kernels(seed, d):
    A, B, _ = matrices(seed, d=d)
    n = len(A)
    centre = np.eye(n) - 1 / n
    for center, by in ((False, np.eye(n)), (True, centre)):
        K, L = by @ A @ A.T @ by, by @ B @ B.T @ by
        expected = (K * L).sum() / np.sqrt((K * K).sum() * (L * L).sum())
        assert analysis.linear_cka(A, B, center=center) == pytest.approx(expected, rel=1e-10)
    K, L = A @ A.T, B @ B.T
    expected = unbiased_hsic(K, L) / np.sqrt(unbiased_hsic(K, K) * unbiased_hsic(L, L))
    assert analysis.debiased_cka(A, B) == pytest.approx(expected, rel=1e-9, abs=1e-11)


def test_of_unrelated_matrices_only_the_debiased_cka_is_near_0(rng):
    found = [
        (analysis.linear_cka(A, B), analysis.debiased_cka(A, B)) for A, B in rng.normal(size=(200, 2, 20, 8))
    ]
    biased, debiased = np.mean(found, axis=0)
    assert biased > 0.25
    assert abs(debiased) < 4 * np.std(found, axis=0)[1] / np.sqrt(200)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_procrustes_is_that_of_a_rotation_that_was_looked_for(seed, center):
    A, B, _ = matrices(seed)
    if center:
        assert analysis.procrustes_disparity(A, B) == pytest.approx(spatial.procrustes(A, B)[2], rel=1e-9)
        A, B = A - A.mean(0), B - B.mean(0)
    Q, scale = linalg.orthogonal_procrustes(A, B)
    units = A / np.linalg.norm(A), B / np.linalg.norm(B)
    left = ((units[0] @ Q - units[1]) ** 2).sum()
    assert analysis.procrustes_distance(A, B, center=False) == pytest.approx(left, rel=1e-9)
    best = scale / np.linalg.norm(A) / np.linalg.norm(B)
    assert analysis.procrustes_disparity(A, B, center=False) == pytest.approx(1 - best**2, rel=1e-9)


def test_cosines_of_items_are_those_after_the_rotation():
    A, B, _ = matrices(0)
    A[3] = 0
    Q, _ = linalg.orthogonal_procrustes(A, B)
    lengths = np.linalg.norm(A, axis=1) * np.linalg.norm(B, axis=1)
    expected = ((A @ Q) * B).sum(axis=1) / np.where(lengths > 0, lengths, np.nan)
    np.testing.assert_allclose(analysis.procrustes_cosines(A, B), expected, rtol=1e-10)
    assert analysis.procrustes_cosine(A, B) == pytest.approx(np.nanmean(expected))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([(6, 6), (3, 6)]))
def test_principal_angles_are_those_between_left_singular_spaces(seed, center, d):
    A, B, _ = matrices(seed, d=d)
    used = (A - A.mean(0), B - B.mean(0)) if center else (A, B)
    spaces = [np.linalg.svd(V, full_matrices=False)[0][:, :2] for V in used]
    expected = np.degrees(linalg.subspace_angles(*spaces))[::-1]
    np.testing.assert_allclose(analysis.principal_angles(A, B, 2, center=center), expected, atol=2e-6)
    assert analysis.principal_angle(A, B, 2, center=center) == pytest.approx(expected[-1], abs=2e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 7.0, 1e160, 1e-160]))
def test_order_rotation_and_scale_do_not_matter(seed, scale):
    A, B, rng = matrices(seed)
    order, turn = rng.permutation(len(A)), np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert values(A[order] @ turn * scale, B[order]) == pytest.approx(values(A, B), rel=1e-9, abs=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_a_rotated_copy_is_the_same(seed):
    A, _, rng = matrices(seed)
    found = values(A, 3 * A @ np.linalg.qr(rng.normal(size=(4, 4)))[0])
    for name, value in found.items():
        apart = any(word in name for word in ("distance", "disparity", "angle"))
        assert value == pytest.approx(0 if apart else 1, abs=1e-5), name


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_one_vector_added_to_all_rows_leaves_what_is_centred(seed):
    A, B, rng = matrices(seed)
    before, after = values(A, B), values(A + rng.normal(size=4), B)
    for name in (
        "cka",
        "cka_debiased",
        "procrustes_distance",
        "procrustes_disparity",
        "principal_angle_max_centered",
    ):
        assert after[name] == pytest.approx(before[name], rel=1e-7, abs=1e-6), name


def test_blocks_tensors_and_other_kinds_agree(rng):
    A, B, _ = matrices(1, n=BLOCK + 50)
    plain = values(A, B)
    assert values(torch.from_numpy(A), B) == pytest.approx(plain, rel=1e-10)
    half = slice(0, BLOCK)
    assert values(A[half], B[half]) != pytest.approx(plain, rel=1e-10)


@pytest.mark.parametrize(
    ("A", "B"),
    [
        (np.ones((6, 3)), np.random.default_rng(0).normal(size=(6, 3))),
        (np.zeros((6, 3)), np.ones((6, 2))),
        (np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])),
        (np.eye(3, 8), np.eye(3)),
        (np.arange(6.0)[:, None], np.arange(6.0)[::-1, None]),
        (np.eye(6).astype(np.float16), np.arange(36).reshape(6, 6)),
    ],
)
def test_strange_matrices_have_values_within_range_or_none(A, B):
    pair, found = Pair(Rows(A), Rows(B)), 0
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for one in COMPARISONS.values():
            try:
                value = one(pair)
            except Undefined:
                continue
            found += 1
            assert one.range[0] - 1e-9 <= value <= one.range[1] + 1e-9, one.name
    assert found or not A.any()


# ------------------------------------------------------------------------------------------ matching


def test_items_are_matched_by_id():
    first, second = matched(["c", "a", "x", "b"], ["a", "b", "c", "z"])
    assert (first.tolist(), second.tolist()) == ([0, 1, 3], [2, 0, 1])


def test_what_cannot_be_matched_is_refused():
    with pytest.raises(UserError, match="no id in common"):
        matched(["a"], ["b"])
    with pytest.raises(UserError, match="'b' stands twice"):
        matched(["a"], ["b", "c", "b"])
    with pytest.raises(UserError, match="3 rows and 4 rows"):
        analysis.linear_cka(np.eye(3), np.eye(4))


def test_one_decorated_function_adds_a_comparison():
    @analysis.comparison(range=(0, 1), meaning="m", source="mine", cost="O(n)", also={"twice": {"by": 2}})
    def rows_in_both(pair: Pair, by: int = 1) -> float:
        """Return how many rows there are."""
        return by * len(pair.a)

    try:
        assert rows_in_both(np.eye(3), np.eye(3)) == 3
        assert COMPARISONS["twice"](Pair(Rows(np.eye(3)), Rows(np.eye(3)))) == 6
        assert "mine" in rows_in_both.__doc__
        with pytest.raises(ValueError, match="already"):
            analysis.comparison(range=(0, 1), meaning="", source="", cost="", name="cka")(lambda pair: 0.0)
    finally:
        del COMPARISONS["rows_in_both"], COMPARISONS["twice"]


@pytest.mark.parametrize("one", COMPARISONS.values(), ids=lambda one: one.name)
def test_every_comparison_says_what_it_is(one):
    assert one.range[0] < one.range[1]
    assert one.meaning
    assert one.source
    assert one.cost.startswith("O(")
    assert one.function.__doc__.startswith("Return ")
