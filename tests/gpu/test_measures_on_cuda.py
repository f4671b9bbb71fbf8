"""Measures of a matrix that lies on a pretended GPU: all of them, and the CPU's numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pretended_cuda import DEVICE, DeviceTensor

import degen
from degen.analysis.passes.engines import rows_on


@pytest.fixture
def V() -> torch.Tensor:
    """Popular rows stand apart; two rows are equal and one is zero."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 6)) + np.linspace(0, 2, 120)[:, None]
    rows[7], rows[40] = rows[3], 0
    return torch.from_numpy(rows)


FREQUENCY = np.random.default_rng(1).zipf(1.5, size=120).clip(max=1000)


@pytest.mark.parametrize("settings", [{}, {"exact_rows": 50}, {"jackknife": True}], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_a_matrix_is_analyzed_as_on_the_cpu(cuda, V, dtype, settings):
    expected = degen.analyze(V.to(dtype), frequency=FREQUENCY, **settings)
    found = degen.analyze(V.to(DEVICE, dtype), frequency=FREQUENCY, **settings)
    assert len(found.values) > 30
    np.testing.assert_equal(found.flat(), expected.flat())


def test_the_matrix_itself_stays_on_the_device(cuda, V, monkeypatch):
    """Sums of its blocks come to the host, and columns of a number for each row; its rows do not."""
    copied = []
    to_cpu = DeviceTensor.cpu
    monkeypatch.setattr(DeviceTensor, "cpu", lambda self: copied.append(tuple(self.shape)) or to_cpu(self))
    degen.analyze(V.to(DEVICE), measures="spectrum,isotropy", frequency=FREQUENCY)
    assert copied
    assert V.shape not in copied


def test_numbers_that_are_not_finite_are_refused_by_row(cuda, V):
    V[11, 2] = torch.nan
    with pytest.raises(degen.UserError, match=r"1 of 120 rows.*row 11 "):
        degen.analyze(V.to(DEVICE))
    kept = degen.analyze(V.to(DEVICE), drop_nonfinite=True, measures="average_cosine,nonfinite_rows")
    assert kept["nonfinite_rows"] == 1
    assert (
        kept["average_cosine"]
        == degen.analyze(V, drop_nonfinite=True, measures="average_cosine")["average_cosine"]
    )


def test_a_file_is_measured_on_the_device_that_is_named(cuda, V, tmp_path):
    np.save(tmp_path / "V.npy", V.float().numpy())
    found = degen.analyze(tmp_path / "V.npy", engine="torch", device="cuda:0")
    assert cuda.waits
    np.testing.assert_equal(
        found.values, degen.analyze(tmp_path / "V.npy", engine="torch", device="cpu").values
    )
    assert rows_on(V.numpy(), "auto", "cuda:0", "V").values.device == DEVICE


def test_single_measures_take_tensors_of_the_device(cuda, V):
    x, y, there = V[:60], V[60:], V.to(DEVICE)
    assert degen.alignment(there[:60], there[60:]) == degen.alignment(x, y)
    assert degen.uniformity(there) == degen.uniformity(V)
    assert degen.average_cosine(there) == degen.average_cosine(V)
    assert degen.effective_rank(there) == degen.effective_rank(V)
    np.testing.assert_array_equal(degen.singular_values(there), degen.singular_values(V))
    np.testing.assert_array_equal(degen.project(there).coordinates, degen.project(V).coordinates)
