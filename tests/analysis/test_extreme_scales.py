"""Huge and tiny matrices: powers of two change no scale-free measure, and nothing overflows on the way."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from commands import mistake, result_of
from hypothesis import given, settings
from hypothesis import strategies as st

from degen.analysis import COMPARISONS, MEASURES, PROFILES, Rows, linear_cka
from degen.analysis.passes.pair import Pair
from degen.analysis.postprocess import all_but_the_top, whiten
from degen.analysis.result import Analysis
from degen.analysis.statistics.jackknife import jackknife, standard_error
from degen.errors import UserError

LENGTHS = {"norm_mean", "norm_median"}
"""Measures, and profiles, that grow with the matrix."""

OF_SCORES = {"log_isotropy", "isotropy"}
"""Measures of exp(⟨w, v⟩), which are no multiples of each other at two scales."""


def catalogue(seed: int = 0, n: int = 300, d: int = 6):
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.5 + 0.6
    return V, rng.zipf(1.5, n).clip(max=1000), rng.normal(size=(40, d))


def analysed(rows: Rows) -> dict[str, float]:
    found = Analysis.of(rows, list(MEASURES.values()), list(PROFILES.values()))
    assert len(found.values) > 120
    return dict(found.values)


def expected(values: dict[str, float], power: int) -> dict[str, float]:
    return {
        name: math.ldexp(value, power) if name.partition("@")[0] in LENGTHS else value
        for name, value in values.items()
        if name not in OF_SCORES
    }


def assert_alike(found: dict[str, float], wanted: dict[str, float]) -> None:
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-12, abs=0), name


@settings(max_examples=6)
@given(st.integers(0, 2**31), st.sampled_from([-900, -301, 299, 301, 900]))
def test_a_power_of_two_changes_no_scale_free_measure(seed, power):
    V, frequency, queries = catalogue(seed)
    plain = analysed(Rows(V, frequency, queries))
    scaled = analysed(Rows(np.ldexp(V, power), frequency, queries))
    assert_alike(scaled, expected(plain, power))


@pytest.mark.parametrize("power", [-900, 900])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_sampled_measures_and_tensors_are_scale_free_too(power, kind):
    V, frequency, queries = catalogue()
    rows = Rows(V, frequency, queries, exact_rows=100)
    scaled = Rows(kind(np.ldexp(V, power)), frequency, kind(queries), exact_rows=100)
    assert_alike(analysed(scaled), expected(analysed(rows), power))


@pytest.mark.parametrize(("power", "value"), [(-900, 0.0), (900, -math.inf)])
def test_isotropy_of_raw_rows_nears_its_limits(power, value):
    V, *_ = catalogue()
    rows = Rows(np.ldexp(V, power))
    found = MEASURES["log_isotropy"](rows)
    assert found == pytest.approx(0, abs=1e-200) if value == 0 else found < -1e250
    assert MEASURES["isotropy"](rows) == math.exp(value)


@pytest.mark.parametrize("power", [-900, 900])
def test_standard_errors_over_items_scale_likewise(power):
    V, frequency, _ = catalogue()
    plain, scaled = (jackknife(Rows(np.ldexp(V, p), frequency), groups=5, most_rows=1000) for p in (0, power))
    assert plain.replicates.keys() == scaled.replicates.keys()
    errors = [
        {name: standard_error(values) for name, values in judged.replicates.items()}
        for judged in (plain, scaled)
    ]
    for name, error in expected(errors[0], power).items():
        assert errors[1][name] == pytest.approx(error, rel=1e-9, abs=0), name


@pytest.mark.parametrize("power", [-900, 900])
def test_comparisons_and_post_processes_are_scale_free(power):
    V, frequency, _ = catalogue()
    W = np.random.default_rng(1).normal(size=V.shape) + V
    scaled = np.ldexp(V, power)
    for name, comparison in COMPARISONS.items():
        wanted = float(comparison(Pair(Rows(V, frequency), Rows(W))))
        found = float(comparison(Pair(Rows(scaled, frequency), Rows(W))))
        assert found == pytest.approx(wanted, rel=1e-11), name
    assert linear_cka(scaled, V) == pytest.approx(1)
    np.testing.assert_allclose(whiten(scaled), whiten(V), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.ldexp(all_but_the_top(scaled, 1), -power), all_but_the_top(V, 1), atol=1e-9)


def test_a_few_rows_may_be_far_larger_than_the_others():
    V, frequency, _ = catalogue()
    V[[3, 250]] *= 2.0**900
    V[[4, 251]] *= 2.0**-900
    found = Analysis.of(Rows(V, frequency), list(MEASURES.values()), list(PROFILES.values()))
    assert all(math.isfinite(value) or name.startswith("condition") for name, value in found.values.items())


@pytest.mark.parametrize("jackknifed", [(), ("--jackknife",)])
@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e300])
def test_the_command_gives_finite_numbers(tmp_path, scale, jackknifed):
    V, *_ = catalogue(n=60)
    np.save(tmp_path / "V.npy", V * scale)
    found = result_of("analyze", tmp_path / "V.npy", *jackknifed)
    assert found["stable_rank"] == pytest.approx(MEASURES["stable_rank"](V), rel=1e-10)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_numbers_whose_lengths_overflow_are_refused(tmp_path, capfd, kind):
    V = np.full((30, 4), 1.7e308)
    V[::2] *= -1
    with pytest.raises(UserError, match=r"numbers as large as 1\.7e\+308.*divide it by a power of two"):
        MEASURES["norm_mean"](kind(V))
    np.save(tmp_path / "V.npy", V)
    for words in (["analyze", tmp_path / "V.npy"], ["plot-svd", tmp_path / "V.npy", "--out", tmp_path]):
        assert "divide it by a power of two" in mistake(capfd, *words)
