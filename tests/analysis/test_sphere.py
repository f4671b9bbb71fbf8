"""Absolute cosine, closest neighbours, and what is sampled on the sphere with its standard error."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import slow_pairs
import torch
from clouds import CLOUDS, Slices, assert_calibrated, cone, isotropic, z_scores
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis import (
    MEASURES,
    Estimate,
    Rows,
    Undefined,
    average_absolute_cosine,
    closest_neighbour_distance,
    closest_neighbour_distance_median,
    uniformity,
)

SAMPLED = [
    uniformity,
    average_absolute_cosine,
    closest_neighbour_distance,
    closest_neighbour_distance_median,
]


def name(measure):
    return measure.__name__


def cosines(V):
    units = V / np.linalg.norm(V, axis=1, keepdims=True)
    return (units @ units.T)[np.triu_indices(len(V), 1)]


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.asarray, torch.from_numpy, Slices]))
def test_each_is_a_mean_over_pairs_or_rows(seed, kind):
    V = np.random.default_rng(seed).normal(size=(12, 3))
    V = np.insert(V, [0, 5], 0, axis=0)
    units = [slow_pairs.unit(row) for row in slow_pairs.nonzero(V)]
    pairs = itertools.combinations(units, 2)
    absolute = [abs(math.fsum(x * y for x, y in zip(a, b, strict=True))) for a, b in pairs]
    rows = Rows(kind(V))
    assert average_absolute_cosine(rows) == pytest.approx(math.fsum(absolute) / len(absolute), rel=1e-12)
    closest = [min(slow_pairs.distance(a, b) for b in units if b is not a) for a in units]
    assert closest_neighbour_distance(rows) == pytest.approx(math.fsum(closest) / 12, rel=1e-9)
    middle = sorted(closest)[5:7]
    assert closest_neighbour_distance_median(rows) == pytest.approx(sum(middle) / 2, rel=1e-9)
    assert uniformity(rows) == pytest.approx(slow_pairs.uniformity(V), rel=1e-12)


def test_closed_forms():
    corners = np.eye(5) - 1 / 5  # a simplex: all cosines are -1/4
    assert average_absolute_cosine(corners) == pytest.approx(1 / 4)
    assert closest_neighbour_distance(corners) == pytest.approx(math.sqrt(2 + 2 / 4))
    line = np.outer([1.0, -2, 3, 3], [3.0, 4])
    assert average_absolute_cosine(line) == pytest.approx(1)
    assert closest_neighbour_distance_median(line) == 0
    # The one row of the other side is 2 away from all others.
    assert closest_neighbour_distance(line) == pytest.approx(2 / 4)


def test_near_rows_keep_their_distance(rng):
    # A distance from a cosine would be 0 or 1.5e-8.
    row = rng.normal(size=16)
    pair = np.stack([row, row * (1 + 1e-10 * rng.normal(size=16))])
    units = pair / np.linalg.norm(pair, axis=1, keepdims=True)
    assert closest_neighbour_distance(pair) == pytest.approx(np.linalg.norm(units[0] - units[1]), rel=1e-4)


def test_more_rows_than_a_block(rng):
    V = isotropic(rng, 1500, 3)
    assert average_absolute_cosine(V) == pytest.approx(np.abs(cosines(V)).mean(), rel=1e-12)


@pytest.mark.parametrize("measure", SAMPLED, ids=name)
def test_two_rows_are_needed(measure):
    for exact_rows in (1, 100):
        with pytest.raises(Undefined, match="2 rows"):
            measure(Rows(np.array([[1.0, 2.0], [0.0, 0.0]]), exact_rows=exact_rows))


# ------------------------------------------------------------------------------------------------- sampled


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("measure", SAMPLED, ids=name)
def test_a_sampled_value_says_how_far_it_may_be_off(measure, cloud):
    V = cloud(np.random.default_rng(3), 400, 8)
    V[17] = 0
    assert_calibrated(z_scores(measure, V, 120, Slices))


@pytest.mark.parametrize("measure", SAMPLED, ids=name)
def test_a_sample_depends_on_the_seed_and_not_on_what_holds_the_rows(measure, rng):
    V = cone(rng, 300, 5)
    first = measure(Rows(V, exact_rows=100, seed=1))
    assert isinstance(first, Estimate)
    for kind in (Slices, torch.from_numpy):
        again = measure(Rows(kind(V), exact_rows=100, seed=1))
        assert again == pytest.approx(first, rel=1e-12)
        assert again.standard_error == pytest.approx(first.standard_error, rel=1e-9)
        assert again.sample == first.sample
    assert measure(Rows(V, exact_rows=100, seed=2)) != first
    assert not isinstance(measure(Rows(V, exact_rows=300)), Estimate)
    assert MEASURES[name(measure)](Rows(V, exact_rows=100, seed=1)) == first


def test_samples_say_what_they_are_of(rng):
    rows = Rows(np.insert(cone(rng, 299, 5), 9, 0, axis=0), exact_rows=100)
    assert uniformity(rows).sample == average_absolute_cosine(rows).sample == "4,950 of 44,551 pairs"
    assert closest_neighbour_distance(rows).sample == "100 of 299 rows"


def test_of_an_array_every_pair_is_visited_however_many(rng, monkeypatch):
    V = cone(rng, 200, 3)
    monkeypatch.setattr(Rows, "exact_rows", 100)
    assert not isinstance(uniformity(V), Estimate)
    assert uniformity(V) == pytest.approx(slow_pairs.uniformity(V), rel=1e-12)
    official = uniformity(Rows(V, exact_rows=100), definition="official")
    assert official == pytest.approx(slow_pairs.official_uniformity(V), rel=1e-12)


@pytest.mark.parametrize(("cloud", "gain"), [(isotropic, 8), (cone, 8)])
def test_the_known_moments_take_most_of_the_noise_off(cloud, gain):
    # exp(4 (c - 1)) over 10⁴ pairs, without and with regression on c and c².
    V = cloud(np.random.default_rng(0), 800, 64)
    y = np.exp(4 * (cosines(V) - 1))
    value = uniformity(Rows(V, exact_rows=142))
    plain = y.std() / y.mean() / math.sqrt(142 * 141 / 2)
    assert plain / value.standard_error > gain
    assert value == pytest.approx(math.log(y.mean()), abs=5 * value.standard_error)


def test_scale_of_the_exponent_in_a_sample(rng):
    V = cone(rng, 300, 5)
    value = uniformity(Rows(V, exact_rows=200), 0.5)
    assert value == pytest.approx(slow_pairs.uniformity(V, 0.5), abs=5 * value.standard_error)


@pytest.mark.parametrize("V", [np.ones((300, 4)), np.outer(np.resize([1.0, -1], 300), [3.0, 4])])
def test_a_sample_of_collapsed_rows_is_exact(V):
    rows = Rows(V, exact_rows=50)
    assert uniformity(rows) == pytest.approx(uniformity(V), abs=1e-12)
    assert average_absolute_cosine(rows) == pytest.approx(1, abs=1e-12)
    assert closest_neighbour_distance(rows) == 0


def test_rows_that_do_not_fit_make_fewer_pairs(rng, monkeypatch):
    monkeypatch.setattr("degen.analysis.measures.pair_cosines._NUMBERS", 20_000)
    V = cone(rng, 5000, 5)
    value = average_absolute_cosine(Rows(Slices(V), exact_rows=1000))
    assert value.sample.startswith("2,000 of ")
    assert value == pytest.approx(np.abs(cosines(V)).mean(), abs=5 * value.standard_error)
