"""The registry: what is in it, a measure of one's own, and that every measure is defined or says why not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from degen.analysis import MEASURES, Rows, Undefined, average_cosine, measure
from degen.errors import UserError

SCALED = {"norm_mean", "norm_median", "log_isotropy", "isotropy"}
ABSOLUTE = {"zero_rows", "low_norm_rows", "low_norm_rows_10", "duplicate_rows", "nonfinite_rows"}
"""Counts."""
OF_ROWS_ALONE = [m for m in MEASURES.values() if not m.needs]


def values(V, skip=()):
    """The value of every measure, None where it has none; all share what they read, as in an analysis."""
    rows, found = Rows(V), {}
    for m in OF_ROWS_ALONE:
        if m.name not in skip:
            try:
                found[m.name] = float(m(rows))
            except Undefined:
                found[m.name] = None
    return found


def assert_close(a, b, rel=1e-7, abs=1e-9):
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert value == pytest.approx(b[name], rel=rel, abs=abs), name


@pytest.fixture
def own():
    yield
    del MEASURES["gap"]


@pytest.mark.usefixtures("own")
def test_one_decorated_function_adds_a_measure():
    @measure("spectrum", range=(0, math.inf), meaning="higher is worse", source="mine", cost="O(n d²)")
    def gap(V: Rows) -> float:
        """Return σ₁ - σ₂."""
        return float(V.singular_values[0] - V.singular_values[1])

    V = np.diag([3.0, 1.0])
    assert gap(V) == gap(torch.from_numpy(V)) == MEASURES["gap"](V) == pytest.approx(2)
    assert "higher is worse" in gap.__doc__
    with pytest.raises(ValueError, match="already"):
        measure("x", range=(0, 1), meaning="", source="", cost="", name="gap")(lambda V: 0.0)


def test_what_a_measure_needs_is_asked_for():
    wants = MEASURES["average_cosine"].__class__(
        "popular", lambda V: 1.0, (0, 1), "", "", "", group="x", needs=("frequency",)
    )
    with pytest.raises(Undefined, match="how often each item occurs"):
        wants(np.eye(3))
    assert wants(Rows(np.eye(3), np.ones(3, dtype=int))) == 1


@pytest.mark.parametrize("m", MEASURES.values(), ids=lambda m: m.name)
def test_every_measure_says_what_it_is(m):
    assert m.range[0] < m.range[1]
    assert m.remark, "which way is better is not yet what it says"
    assert m.source
    assert m.cost.startswith("O(")
    assert m.function.__doc__.startswith("Return ")


STRANGE = {
    "one row": np.array([[1.0, 2.0, 3.0]]),
    "one number": np.array([[2.0]]),
    "equal rows": np.ones((6, 3)),
    "zero rows": np.zeros((6, 3)),
    "half zero": np.vstack([np.eye(3), np.zeros((3, 3))]),
    "n < d": np.random.default_rng(0).normal(size=(3, 8)),
    "d = 1": np.random.default_rng(0).normal(size=(9, 1)),
    "huge": np.random.default_rng(0).normal(size=(9, 3)) * 1e200,
    "tiny": np.random.default_rng(0).normal(size=(9, 3)) * 1e-200,
    "half precision": np.random.default_rng(0).normal(size=(9, 3)).astype(np.float16),
    "integers": np.random.default_rng(0).integers(-5, 5, size=(9, 3)),
    "opposite": np.vstack([np.eye(3), -np.eye(3)]),
}


@pytest.mark.parametrize("V", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_a_strange_matrix_has_values_within_range_or_none(V, kind):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for name, value in values(kind(V)).items():
            low, high = MEASURES[name].range
            # A matrix of zeros has rank 0 by every definition; the ε of RankMe passes a bound by a hair.
            assert value is None or value == 0 or low - 1e-6 <= value <= high + 1e-6, name


def test_a_matrix_that_is_not_finite_is_refused_but_counted():
    V = np.array([[1.0, np.nan], [2.0, 3.0], [np.inf, 0.0]])
    assert MEASURES["nonfinite_rows"](V) == 2
    with pytest.raises(UserError, match="row 0"):
        average_cosine(V)


# --------------------------------------------------------------------------------------------------
# invariances


def cloud(seed, n=40, d=4):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.7 + rng.uniform(0, 1)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_no_measure_depends_on_the_order_of_rows_or_on_a_rotation(seed):
    rng, V = cloud(seed)
    turned = rng.permutation(V) @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert_close(values(turned), values(V))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 2.5, 1e6]))
def test_only_norms_and_raw_partition_functions_depend_on_the_scale(seed, scale):
    _, V = cloud(seed)
    assert_close(values(V * scale, SCALED), values(V, SCALED))
    assert MEASURES["norm_mean"](V * scale) == pytest.approx(scale * MEASURES["norm_mean"](V))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_one_vector_added_to_all_rows_leaves_what_is_centred(seed):
    rng, V = cloud(seed)
    centred = {
        "isoscore",
        *(name for name in MEASURES if name.endswith("_centered")),
        "decay_exponent",
        "decay_r2",
    }
    centred -= {"numerical_rank_centered"}
    others = {m.name for m in OF_ROWS_ALONE} - centred
    assert_close(values(V + rng.normal(size=4), others), values(V, others))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_rows_written_twice_leave_what_is_a_mean_over_rows(seed):
    _, V = cloud(seed)
    kept = {"sigma2_ratio", "effective_rank", "stable_rank", "mean_resultant_length", "isotropy", "isoscore"}
    others = {m.name for m in OF_ROWS_ALONE} - kept
    assert_close(values(np.vstack([V, V]), others), values(V, others))
    assert MEASURES["duplicate_rows"](np.vstack([V, V])) == len(V)


# ----------------------------------------------------------------------------------------------- closed
# forms


def test_rank_one_orthonormal_and_simplex():
    line = values(np.outer([1.0, 2.0, -3.0, 4.0], [3.0, 4.0, 0.0]))
    for name in ("stable_rank", "participation_ratio", "effective_rank"):
        assert line[name] == pytest.approx(1), name
    assert line["condition_number"] == math.inf
    assert line["mean_squared_cosine"] == pytest.approx(1)
    square = values(np.eye(5))
    for name in (
        "stable_rank",
        "participation_ratio",
        "effective_rank",
        "information_abundance",
        "numerical_rank",
    ):
        assert square[name] == pytest.approx(5), name
    assert square["condition_number"] == pytest.approx(1)
    assert square["log_isotropy"] is None  # any direction is an eigenvector
    corners = values(np.eye(4) - 1 / 4)
    assert corners["average_cosine"] == pytest.approx(-1 / 3)
    assert corners["mean_resultant_length"] == pytest.approx(0, abs=1e-15)
    assert corners["cone_angle_mean"] is None


def test_an_isotropic_cloud(rng):
    n, d = 40_000, 16
    rows = Rows(rng.normal(size=(n, d)))
    assert MEASURES["isoscore"](rows) == pytest.approx(1, abs=2e-3)
    assert MEASURES["mean_squared_cosine"](rows) == pytest.approx(1 / d, rel=1e-2)
    assert MEASURES["effective_rank"](rows) == pytest.approx(d, rel=1e-3)
    assert MEASURES["cone_angle_mean"](rows) == pytest.approx(90, abs=0.6)
    assert MEASURES["mean_direction_energy_share"](rows) == pytest.approx(1 / d, rel=0.1)


@pytest.mark.parametrize(
    ("d", "kappa"), [(3, 0.01), (3, 2.0), (64, 0.5), (64, 300.0), (512, 5.0), (1024, 0.1)]
)
def test_kappa_is_found_again(d, kappa):
    # Terms of the series I_v(κ) ∝ Σ (κ/2)^{2k} / (k! Γ(v + k + 1)), in logarithms: no outside code.
    def log_bessel(v):
        k = np.arange(0, 600)
        terms = (2 * k + v) * math.log(kappa / 2) - np.array(
            [math.lgamma(i + 1) + math.lgamma(v + i + 1) for i in k]
        )
        return np.logaddexp.reduce(terms)

    ratio = math.exp(log_bessel(d / 2) - log_bessel(d / 2 - 1))
    # Half of the rows point one way, half the other; their shares give the mean resultant length.
    axis = np.zeros(d)
    axis[0] = 1
    away = math.sqrt(1 - ratio**2)
    V = np.array([[ratio, away], [ratio, -away]]) @ np.eye(2, d)
    assert MEASURES["vmf_kappa"](V) == pytest.approx(kappa, rel=1e-9)
