"""Measures of very narrow cones against exact arithmetic: nothing may cancel on any way to the rows."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import combinations

import numpy as np
import pytest
import torch
from clouds import Slices

from degen.analysis import Rows, cosine_std, isotropy_second_order, uniformity, vmf_kappa
from degen.analysis.measures.cone import bessel_ratio
from degen.analysis.passes.dask_rows import dask_rows
from degen.analysis.statistics.jackknife import leave_out
from degen.embeddings.file_rows import FileRows

RATIOS = (1e1, 1e2, 1e4, 1e5, 1e6)
"""Length of the mean over the standard deviation of a coordinate."""


def narrow(ratio: float, n: int = 40, d: int = 5, dtype: type = np.float64):
    rng = np.random.default_rng(int(ratio))
    axis = rng.normal(size=d)
    V = rng.normal(size=(n, d)) * rng.uniform(0.5, 2, (n, 1)) + ratio * axis / np.linalg.norm(axis)
    V[3] = 0  # has no direction
    return V.astype(dtype)


def exact_cosines(V) -> list[Decimal]:
    """The cosines of all pairs of rows that are not zero, to 60 digits."""
    rows = [[Decimal(float(x)) for x in row] for row in V if row.any()]
    units = [[x / sum(y * y for y in row).sqrt() for x in row] for row in rows]
    return [sum(x * y for x, y in zip(a, b, strict=True)) for a, b in combinations(units, 2)]


def exact(V) -> dict[str, float]:
    with localcontext() as context:
        context.prec = 60
        cosines = exact_cosines(V)
        mean = sum(cosines) / len(cosines)
        std = (sum((c - mean) ** 2 for c in cosines) / len(cosines)).sqrt()
        near = sum((4 * c - 4).exp() for c in cosines) / len(cosines)
        return {"std": float(std), "uniformity": float(near.ln()), "rest": float(1 - mean)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ratio", RATIOS)
def test_spread_of_cosines_and_uniformity_keep_their_digits(ratio, dtype):
    V = narrow(ratio, dtype=dtype)
    wanted = exact(V)
    assert cosine_std(V) == pytest.approx(wanted["std"], rel=1e-8, abs=0)
    assert uniformity(V) == pytest.approx(wanted["uniformity"], rel=1e-8, abs=0)
    assert uniformity(torch.from_numpy(V)) == pytest.approx(wanted["uniformity"], rel=1e-8, abs=0)


@pytest.mark.parametrize("ratio", RATIOS)
def test_every_way_to_the_rows_keeps_the_digits(ratio, tmp_path, monkeypatch):
    V = narrow(ratio)
    wanted = pytest.approx(exact(V)["std"], rel=1e-8, abs=0)
    V.tofile(tmp_path / "rows")
    frequency = np.random.default_rng(0).integers(1, 99, len(V))
    # Blocks of a few rows, so that many parts are put together.
    monkeypatch.setattr("degen.analysis.passes.sweep.READ", 7)
    monkeypatch.setattr("degen.analysis.passes.sweep._KEPT", 50)
    ways = {
        "array": Rows(V),
        "by popularity": Rows(V, frequency),
        "tensor": Rows(torch.from_numpy(V)),
        "slices": Rows(Slices(V)),
        "file": Rows(FileRows(tmp_path / "rows", 0, V.shape, "<f8")),
        "above exact_rows": Rows(V, exact_rows=5),
        "huge": Rows(V * 2.0**900),
        "tiny": Rows(V * 2.0**-900),
    }
    assert {name: cosine_std(rows) for name, rows in ways.items()} == dict.fromkeys(ways, wanted)
    pytest.importorskip("dask", reason="tasks of Dask need Dask")
    assert cosine_std(dask_rows(V)) == wanted


def test_rows_in_order_of_direction_have_blocks_that_lie_apart(monkeypatch):
    # Each block of 7 is far narrower than the distance between blocks.
    rng = np.random.default_rng(5)
    V = np.repeat(narrow(1e4, 6), 7, axis=0) + 1e-7 * rng.normal(size=(42, 5))
    monkeypatch.setattr("degen.analysis.passes.sweep.READ", 7)
    assert cosine_std(V) == pytest.approx(exact(V)["std"], rel=1e-8, abs=0)


@pytest.mark.parametrize("readable", [True, False])
def test_without_a_group_of_rows_the_digits_stay(readable):
    V = narrow(1e5)
    replicates = list(leave_out(Rows(V), 4, most_rows=1000 if readable else 1))
    assert len(replicates) == 4
    for rest in replicates:
        assert cosine_std(rest) == pytest.approx(exact(V[rest.kept])["std"], rel=1e-8, abs=0)


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize(("n", "d"), [(2, 3), (3, 5), (5, 3), (300, 4), (40, 64)])
def test_outside_of_cones_the_spread_is_that_of_the_pairs(n, d, turn, rng):
    V = rng.normal(size=(n, d))
    if turn and n < d:
        V = np.linalg.qr(V.T)[0].T  # orthonormal: all cosines are 0
    U = V / np.linalg.norm(V, axis=1, keepdims=True)
    cosines = (U @ U.T)[np.triu_indices(n, 1)]
    assert cosine_std(V) == pytest.approx(cosines.std(), rel=1e-9, abs=1e-7)


def test_equal_rows_have_no_spread():
    assert cosine_std(np.tile([[1.0, 2.0, 3.0]], (50, 1))) == pytest.approx(0, abs=1e-30)


@pytest.mark.parametrize("d", [2, 3, 5, 64])
@pytest.mark.parametrize("ratio", [1e3, 1e5, 1e6])
def test_concentration_of_narrow_cones(ratio, d):
    V = narrow(ratio, d=d)
    m = len(V) - 1
    with localcontext() as context:
        context.prec = 60
        cosines = exact_cosines(V)
        squared = (m + 2 * sum(cosines)) / m**2
        short = float((1 - squared) / (1 + squared.sqrt()))  # 1 - R
    kappa = vmf_kappa(V)  # A_d(κ) = 1 - (d - 1)/2κ + (d - 1)(d - 3)/8κ² + …
    wanted = pytest.approx(short, rel=1e-8, abs=0)
    assert (d - 1) / (2 * kappa) - (d - 1) * (d - 3) / (8 * kappa**2) * (1 + 1 / kappa) == wanted


@pytest.mark.parametrize("d", [2, 5, 64])
def test_both_ways_to_the_concentration_meet(d):
    # The width of this cone is where one takes over from the other.
    rng = np.random.default_rng(d)
    V = rng.normal(size=(400, d))
    V[:, 0] += 33 * math.sqrt(d - 1)
    assert 1 - bessel_ratio(d, vmf_kappa(V)) == pytest.approx(
        1 - np.linalg.norm(Rows(V).moments.unit_sum) / 400, rel=1e-9, abs=0
    )


@pytest.mark.parametrize("ratio", [1e2, 1e4, 1e6])
def test_isotropy_to_second_order_of_narrow_cones(ratio):
    V = narrow(ratio, d=2)
    # In the plane, angles of rows to any line give the singular values: σ² = (m ± |Σ exp(2iφ)|) / 2.
    V = V[V.any(axis=1)]
    m = len(V)
    with localcontext() as context:
        context.prec = 60
        cosines = exact_cosines(V)
        length = (m + 2 * sum(cosines)).sqrt()
        squares = (m + 2 * sum(2 * c * c - 1 for c in cosines)).sqrt()
        wanted = (m - length + (m - squares) / 4) / (m + length + (m + squares) / 4)
    assert isotropy_second_order(V) == pytest.approx(float(wanted), rel=1e-8, abs=0)
