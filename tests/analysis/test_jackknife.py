"""Leaving items out: against the measures of the rest, and against how measures of new items scatter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from degen.analysis import (
    MEASURES,
    PROFILES,
    Analysis,
    Rows,
    Undefined,
    jackknife,
    over_items,
    popularity_profile,
)
from degen.analysis.passes.rows import BLOCK
from degen.analysis.statistics.jackknife import leave_out, standard_error

SMOOTH = [one for one in MEASURES.values() if one.jackknife is True]
OF_PAIRS = [one for one in MEASURES.values() if callable(one.jackknife)]


class Slices:
    """Rows that come by slices only, as from a file."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __len__(self):
        return len(self.values)

    def __getitem__(self, place):
        assert isinstance(place, slice)
        return self.values[place].copy()


def catalogue(seed=0, n=300, d=4):
    rng = np.random.default_rng(seed)
    frequency = rng.zipf(1.6, size=n) - 1
    V = rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.5 + np.outer(2 / (1 + frequency), np.ones(d))
    V[rng.integers(n)] = 0
    return V, frequency


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, Slices])
def test_without_a_group_means_measured_on_the_rest(kind):
    V, frequency = catalogue()
    rows = Rows(kind(V), frequency)
    remainders = list(leave_out(rows, 3, seed=5))
    left_out = [set(range(300)) - set(rest.kept) for rest in remainders]
    assert [len(group) for group in left_out] == [100, 100, 100]
    assert set.union(*left_out) == set(range(300))
    for rest in remainders:
        plain = Rows(V[rest.kept], frequency[rest.kept])
        for one in SMOOTH:
            if one.group != "popularity" or "average" not in one.name:  # those cut the rest anew
                assert one(rest) == pytest.approx(one(plain), rel=1e-8), one.name
        whole = rows.head_mid_tail
        for name, profile in PROFILES.items():
            found = profile(rest, rest.head_mid_tail)
            same = profile(plain, whole.take(rest.kept))
            np.testing.assert_allclose(found, same, rtol=1e-9, err_msg=name)
        if kind is Slices:
            continue
        again = np.arange(0, 200, 3)
        np.testing.assert_array_equal(np.asarray(rest.take(again).values), V[rest.kept[again]])


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_means_over_pairs_without_a_group_are_those_of_the_rest(kind):
    V, _ = catalogue(n=90)
    assert {one.name for one in OF_PAIRS} == {"uniformity", "average_absolute_cosine"}
    judged = jackknife(Rows(kind(V)), groups=7, seed=2)
    for one in OF_PAIRS:
        rest = [one(V[rest.kept]) for rest in leave_out(Rows(V), 7, seed=2)]
        np.testing.assert_allclose(judged.replicates[one.name], rest, rtol=1e-12)
    sampled = jackknife(Rows(V, exact_rows=50), groups=7)
    assert "it was sampled" in sampled.reasons["uniformity"]
    assert "uniformity" not in sampled.replicates
    assert "isoscore" in sampled.replicates


def test_without_a_group_no_pair_may_be_left(rng):
    V = np.zeros((40, 2))
    V[:2] = rng.normal(size=(2, 2))
    assert "no finite value" in jackknife(V).reasons["uniformity"]


def test_neighbours_and_counts_are_never_judged():
    for name in (
        "hubness_skewness",
        "antihub_fraction",
        "closest_neighbour_distance",
        "duplicate_rows",
        "zero_rows",
    ):
        assert MEASURES[name].jackknife is False, name


def test_all_is_judged_that_declares_it_and_nothing_else():
    V, frequency = catalogue()
    rows = Rows(V, frequency)
    judged = jackknife(rows, Analysis.of(rows, list(MEASURES.values())), groups=10)
    names = {one.name for one in SMOOTH + OF_PAIRS}
    assert names <= judged.replicates.keys() | judged.reasons.keys()
    assert not [name for name in judged.replicates if "@" in name]  # profiles were not asked for
    assert popularity_profile(rows).keys() <= jackknife(rows).replicates.keys()
    for name in ("duplicate_rows", "zero_rows", "numerical_rank", "cone_angle_max"):
        assert "counts, extremes, neighbours" in judged.reasons[name]
        with pytest.raises(Undefined, match=f"{name}: leaving out"):
            over_items(judged, name)
    assert len(judged.replicates["average_cosine"]) == 10
    assert jackknife(rows, groups=10).replicates["isoscore"] == pytest.approx(judged.replicates["isoscore"])


def test_a_large_matrix_is_judged_by_what_the_first_pass_gives(rng):
    V = rng.normal(size=(BLOCK + 500, 3)) + 1
    read = []

    class Counted(Slices):
        def __getitem__(self, place):
            read.append(place)
            return super().__getitem__(place)

    rows = Rows(Counted(V), rng.zipf(1.6, size=len(V)))
    analysis = Analysis.of(rows, SMOOTH, list(PROFILES.values()))
    read.clear()
    judged = jackknife(rows, analysis, most_rows=1000)
    assert len(read) == 2  # two blocks, once
    assert {"effective_rank", "isoscore", "average_cosine", "norm_median"} <= judged.replicates.keys()
    assert {"average_cosine@tail", "norm_mean@1"} <= judged.replicates.keys()
    for name in ("cone_angle_median", "isotropy", "cone_angle_mean@tail"):
        assert "would be read again" in judged.reasons[name]
    exact = jackknife(rows, analysis)
    for name, replicates in judged.replicates.items():
        np.testing.assert_allclose(replicates, exact.replicates[name], rtol=1e-9)


@pytest.mark.parametrize(("dtype", "small"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_small_singular_values_keep_their_digits_and_rounding_its_tolerance(rng, dtype, small):
    V = rng.normal(size=(80, 5)) * [1, 0.5, small, 0, 0]
    V = (V @ np.linalg.qr(rng.normal(size=(5, 5)))[0]).astype(dtype)
    for rest in leave_out(Rows(V), 4):
        plain = Rows(V[rest.kept])
        condition = MEASURES["condition_number_nonzero"]
        assert condition(rest) == pytest.approx(condition(plain), rel=1e-5)
    for rest in leave_out(Rows(V.astype(np.float64)), 4, most_rows=0):
        assert condition(rest) < 1e7


def test_the_mean_of_a_column_has_the_textbook_error(rng):
    x = rng.normal(size=400)
    rows = Rows(np.exp(x)[:, None])  # one column: its norm mean is a plain mean
    judged = jackknife(rows, Analysis.of(rows, [MEASURES["norm_mean"]]), groups=400 // 2)
    found = standard_error(judged.replicates["norm_mean"])
    assert found == pytest.approx(np.exp(x).std(ddof=1) / 20, rel=0.1)
    assert standard_error(np.array([1.0, 2.0, 6.0])) == pytest.approx(math.sqrt(2 / 3 * (4 + 1 + 9)))


def test_intervals_hold_the_truth_as_often_as_they_say():
    measures = [MEASURES[name] for name in ("average_cosine", "participation_ratio", "norm_mean")]

    def drawn(rng, n):
        return rng.normal(size=(n, 4)) * [1.0, 0.7, 0.5, 0.3] + [0.8, 0, 0, 0]

    rng = np.random.default_rng(3)
    truth = {one.name: one(drawn(rng, 400_000)) for one in measures}
    held, found, errors = {name: 0 for name in truth}, {name: [] for name in truth}, {}
    for _ in range(150):
        rows = Rows(drawn(rng, 300))
        judged = jackknife(rows, Analysis.of(rows, measures), groups=12)
        for name, value in truth.items():
            interval = over_items(judged, name)
            held[name] += interval.low <= value <= interval.high
            found[name].append(interval.value)
            errors.setdefault(name, []).append(interval.standard_error)
    for name in truth:
        assert 0.90 <= held[name] / 150 <= 0.99, name
        assert np.mean(errors[name]) == pytest.approx(np.std(found[name]), rel=0.2), name


def test_too_few_rows_and_measures_without_a_value_on_the_rest_say_so():
    with pytest.raises(Undefined, match="needs 40 rows, there are 39"):
        jackknife(np.ones((39, 2)))
    V = np.zeros((40, 2))
    V[:2] = 1  # without one of the two there is no pair of rows that are not zero
    judged = jackknife(V)
    assert "at least 2 rows" in judged.reasons["average_cosine"]
    assert "average_cosine" not in judged.replicates
