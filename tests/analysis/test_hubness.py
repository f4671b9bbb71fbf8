"""Hubs and anti-hubs: by hand, by loops, closed forms, and the skewness from a sample of the lists."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clouds import CLOUDS, assert_calibrated, cone, half_cone, power_law, z_scores
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis import (
    MEASURES,
    Estimate,
    Rows,
    Undefined,
    antihub_fraction,
    exposure_robin_hood_index,
    exposure_skewness,
    hubness_skewness,
    k_occurrence,
    max_exposure,
    max_k_occurrence,
    never_exposed_fraction,
    robin_hood_index,
)

OF_ITEMS = [hubness_skewness, antihub_fraction, max_k_occurrence, robin_hood_index]
EXPOSED = [exposure_skewness, never_exposed_fraction, max_exposure, exposure_robin_hood_index]


def moments(counts):
    """Skewness, share of zeros, maximum and Robin Hood index of counts, by loops."""
    n, mean = len(counts), sum(counts) / len(counts)
    second = sum((c - mean) ** 2 for c in counts) / n
    third = sum((c - mean) ** 3 for c in counts) / n
    taken = sum(c - mean for c in counts if c > mean)
    return third / second**1.5, counts.count(0) / n, max(counts), taken / sum(counts)


def test_a_ring_has_no_hubs():
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert antihub_fraction(ring, 2) == robin_hood_index(ring, 2) == 0
    assert max_k_occurrence(ring, 2) == 2
    with pytest.raises(Undefined, match="no skewness"):
        hubness_skewness(ring, 2)


def test_by_products_the_longest_row_is_a_hub():
    # In one half space the longest row is nearest to all others, and to it the next longest.
    V = np.arange(1.0, 13)[:, None] * np.array([[1.0, 0.1]])
    assert k_occurrence(V, 1, "dot").tolist() == [0] * 10 + [1, 11]
    assert max_k_occurrence(V, 1, "dot") == 11
    assert antihub_fraction(V, 1, "dot") == pytest.approx(10 / 12)
    assert robin_hood_index(V, 1, "dot") == pytest.approx(10 / 12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from(["cosine", "euclidean", "dot"]))
def test_each_is_a_figure_of_the_counts(seed, k, metric):
    V = np.random.default_rng(seed).normal(size=(10, 3))
    counts = k_occurrence(V, k, metric).tolist()
    assert sum(counts) == 10 * k
    if len(set(counts)) > 1:
        for measure, expected in zip(OF_ITEMS, moments(counts), strict=True):
            assert measure(V, k, metric) == pytest.approx(expected, rel=1e-9, abs=1e-9)
            assert measure(torch.from_numpy(V), k, metric) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_names_of_the_registry_stand_for_their_settings(rng):
    V = rng.normal(size=(60, 4)) + 0.5
    for measure in OF_ITEMS:
        name = measure.__name__
        assert MEASURES[name](V) == measure(V, 10, "cosine")
        assert MEASURES[f"{name}_5"](V) == measure(V, 5, "cosine")
        assert MEASURES[f"{name}_dot"](V) == measure(V, 10, "dot")


def test_exposure_counts_in_whose_lists_an_item_is(rng):
    V, h = rng.normal(size=(30, 4)) * rng.uniform(0.2, 3, size=(30, 1)), rng.normal(size=(70, 4))
    scores = h @ V.T
    counts = np.bincount(np.argsort(-scores, axis=1)[:, :3].ravel(), minlength=30).tolist()
    skewness, absent, most, robin_hood = moments(counts)
    rows = Rows(V, representations=h)
    expected = (skewness, absent, most / 70, robin_hood)
    for measure, value in zip(EXPOSED, expected, strict=True):
        assert measure(rows, 3) == pytest.approx(value, rel=1e-9)
        assert MEASURES[measure.__name__](rows) == measure(rows, 10)
        with pytest.raises(Undefined, match="representations"):
            measure(V, 3)
        with pytest.raises(Undefined, match="needs sequence representations"):
            MEASURES[measure.__name__](V)


# ------------------------------------------------------------------------------------- of a sample of queries


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_skewness_of_a_sample_says_how_far_it_may_be_off(cloud):
    V = cloud(np.random.default_rng(1), 800, 16)
    assert_calibrated(z_scores(hubness_skewness, V, 400))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize(("n", "exact_rows", "k"), [(2000, 600, 10), (2000, 1400, 5)])
def test_larger_samples_are_calibrated_as_well(cloud, n, exact_rows, k):
    V = cloud(np.random.default_rng(1), n, 16)
    assert_calibrated(z_scores(lambda rows: hubness_skewness(rows, k), V, exact_rows))


def test_the_skewness_of_exposure_is_calibrated():
    rng = np.random.default_rng(2)
    V, h = half_cone(rng, 200, 8), half_cone(rng, 500, 8)

    def exposed(rows):
        return exposure_skewness(
            Rows(rows.values, representations=h, exact_rows=rows.exact_rows, seed=rows.seed)
        )

    assert isinstance(exposed(Rows(V, exact_rows=120)), Estimate)
    assert_calibrated(z_scores(exposed, V, 120))


def test_what_was_sampled_is_said(rng):
    value = hubness_skewness(Rows(power_law(rng, 500, 8), exact_rows=200))
    assert isinstance(value, Estimate)
    assert value.sample == "the lists of 200 of 500 queries"
    assert 0 < value.standard_error < 1
    assert not isinstance(hubness_skewness(Rows(cone(rng, 200, 4), exact_rows=200)), Estimate)


def test_what_a_sample_cannot_tell_has_no_value(rng):
    rows = Rows(cone(rng, 600, 4), exact_rows=120)
    for measure in OF_ITEMS[1:]:
        with pytest.raises(Undefined, match="all 600 rows are needed, more than `exact_rows=120` allows"):
            measure(rows)
    with pytest.raises(Undefined, match="100 of 600 queries say too little"):
        hubness_skewness(rows)
    assert not rows.shared  # found out before anybody is searched for
