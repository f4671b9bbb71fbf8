"""Lists of neighbours against a sort of all rows: blocks, ties, zero rows, extreme numbers, who may ask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clouds import Slices
from hypothesis import given, settings
from hypothesis import strategies as st

from degen.analysis import Rows, Undefined, k_occurrence, neighbours
from degen.errors import UserError

METRICS = ["cosine", "euclidean", "dot"]


def nearest(queries, V, metric, own):
    """Every row from near to far, by a loop; ties to the lower index; a query is not its own neighbour."""
    if metric == "cosine":
        queries, V = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (queries, V))
    lists = []
    for place, q in enumerate(queries):
        score = (V * q).sum(axis=1) if metric == "dot" else -((V - q) ** 2).sum(axis=1)
        order = np.argsort(-score, kind="stable")
        lists.append(order[order != place] if own else order)
    return np.array(lists)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("degen.analysis.passes.rows.BLOCK", 17)
    monkeypatch.setattr("degen.analysis.passes.nearest._TILE", 5)
    monkeypatch.setattr("degen.analysis.passes.nearest._SUMMED", 7)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, Slices])
@pytest.mark.parametrize("k", [1, 4, 16])
@pytest.mark.usefixtures("small_blocks")
def test_lists_are_those_of_a_sort_of_all_rows(rng, metric, kind, k):
    V, h = rng.normal(size=(60, 5)) + 0.3, rng.normal(size=(23, 5))
    rows = Rows(kind(V), representations=kind(h))
    np.testing.assert_array_equal(
        neighbours(rows, k, metric).indices[:, :k], nearest(V, V, metric, True)[:, :k]
    )
    asked = neighbours(rows, k, metric, "representations").indices[:, :k]
    np.testing.assert_array_equal(asked, nearest(h, V, metric, False)[:, :k])


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_of_the_usual_size(rng, metric):
    V = rng.normal(size=(9000, 3)).astype(np.float32)
    lists = neighbours(Rows(V), 3, metric)
    asked = rng.choice(9000, 40, replace=False)
    expected = nearest(V[asked].astype(float), V.astype(float), metric, own=False)
    for row, order in zip(asked, expected, strict=True):
        assert lists.indices[row, :3].tolist() == order[order != row][:3].tolist()


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(METRICS),
    st.sampled_from([2, 11, 8192]),
    st.sampled_from([1, 128]),
)
def test_of_equally_near_rows_the_lower_index_comes_first(seed, metric, block, tile):
    # Few different whole numbers: most distances occur several times, many are 0.
    rng = np.random.default_rng(seed)
    V = rng.integers(-2, 3, size=(40, 2)).astype(float)
    if metric == "cosine":  # directions whose cosines are exact
        V = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[rng.integers(4, size=40)] * rng.integers(
            1, 9, (40, 1)
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("degen.analysis.passes.rows.BLOCK", block)
        patch.setattr("degen.analysis.passes.nearest._TILE", tile)
        lists = neighbours(Rows(V), 12, metric)
    expected = nearest(V, V, metric, own=True)[lists.queries, :12]
    np.testing.assert_array_equal(lists.indices[:, :12], expected)


def test_repeated_rows_are_at_distance_zero_and_in_order_wherever_they_stand(rng):
    # Products round differently at the edge of a block; equal rows must not part because of it.
    V = rng.normal(size=(50, 64))
    V = np.concatenate([V] * 9)[rng.permutation(450)].astype(np.float32)
    lists = neighbours(Rows(V), 8)
    assert (lists.nearness[:, :8] == 0).all()
    assert (np.diff(lists.indices[:, :8]) > 0).all()
    assert (V[lists.indices[:, :8]] == V[:, None]).all()
    assert (lists.indices != np.arange(450)[:, None]).all()


def test_zero_rows_have_no_cosine(rng):
    V = np.insert(rng.normal(size=(20, 3)), [0, 7, 20], 0, axis=0)
    zero = ~V.any(axis=1)
    counts = k_occurrence(V, 4)
    assert counts[zero].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(counts[~zero], k_occurrence(V[~zero], 4))
    assert counts.sum() == 20 * 4
    near = neighbours(Rows(V), 2, "euclidean").indices
    assert near[zero, :2].tolist() == [[8, 22], [0, 22], [0, 8]]
    # By products a zero row can be found, and finds nothing.
    lists = neighbours(Rows(V), 22, "dot")
    assert len(lists.queries) == lists.total == 20
    assert all(zero[row].any() for row in lists.indices)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e200, 1e-200, 3.0])
def test_scale_changes_no_list(rng, metric, scale):
    V, h = rng.normal(size=(40, 4)), rng.normal(size=(9, 4))
    for side, own in (("rows", True), ("representations", False)):
        rows = Rows(V * scale, representations=h * (1 if metric == "euclidean" else scale))
        if metric == "euclidean" and side == "representations":
            rows = Rows(V * scale, representations=h * scale)
        expected = nearest(V if own else h, V, metric, own)[:, :10]
        np.testing.assert_array_equal(neighbours(rows, 10, metric, side).indices, expected)


def test_a_search_serves_shorter_lists_and_a_longer_one_is_searched_for_again(rng):
    rows = Rows(rng.normal(size=(40, 3)))
    lists = neighbours(rows, 5)
    assert neighbours(rows, 10) is neighbours(rows, 1) is lists
    assert neighbours(rows, 5, "dot") is not lists
    longer = neighbours(rows, 15)
    assert longer.indices.shape == (40, 15)
    assert neighbours(rows, 5) is longer
    np.testing.assert_array_equal(longer.indices[:, :10], lists.indices)


def test_a_sample_asks_among_all_rows(rng):
    V = rng.normal(size=(500, 3))
    lists = neighbours(Rows(Slices(V), exact_rows=200, seed=3), 4)
    assert (len(lists.queries), lists.total, lists.complete) == (200, 500, False)
    assert len(np.unique(lists.queries)) == 200
    expected = nearest(V, V, "cosine", own=True)[lists.queries, :4]
    np.testing.assert_array_equal(lists.indices[:, :4], expected)
    again, other = (neighbours(Rows(V, exact_rows=200, seed=seed), 4).queries for seed in (3, 4))
    np.testing.assert_array_equal(again, lists.queries)
    assert (other != lists.queries).any()


def test_very_many_queries_are_a_sample_of_them(rng):
    rows = Rows(rng.normal(size=(200, 3)), representations=rng.normal(size=(900, 3)), exact_rows=100)
    lists = neighbours(rows, 4, "dot", "representations")
    assert (len(lists.queries), lists.total) == (4 * 100**2 // 200, 900)


def test_what_has_no_neighbours_says_why():
    with pytest.raises(Undefined, match="lists of 3 neighbours need at least 4 rows that are not zero"):
        neighbours(Rows(np.vstack([np.eye(3), np.zeros((4, 3))])), 3)
    with pytest.raises(Undefined, match="need at least 7 rows"):
        neighbours(Rows(np.eye(6)), 6, "dot")
    with pytest.raises(Undefined, match="sequence representations are needed"):
        neighbours(Rows(np.eye(6)), 2, "dot", "representations")
    with pytest.raises(Undefined, match="someone to ask"):
        neighbours(Rows(np.eye(6), representations=np.zeros((2, 6))), 2, "dot", "representations")
    with pytest.raises(ValueError, match="got 0"):
        neighbours(Rows(np.eye(6)), 0)
    with pytest.raises(ValueError, match="'l1'"):
        neighbours(Rows(np.eye(6)), 2, "l1")
    with pytest.raises(Undefined, match="all 150 rows are needed, more than `exact_rows=9` allows"):
        k_occurrence(Rows(np.random.default_rng(0).normal(size=(150, 3)), exact_rows=9), 2)


def test_what_is_not_finite_is_named():
    V = np.eye(6)
    broken = np.where(np.arange(6)[:, None] == 4, np.nan, V)
    with pytest.raises(UserError, match="the matrix holds NaN or infinity in row 4"):
        neighbours(Rows(broken), 2)
    with pytest.raises(UserError, match="the representations holds NaN or infinity in row 4"):
        neighbours(Rows(V, representations=broken), 2, "dot", "representations")
