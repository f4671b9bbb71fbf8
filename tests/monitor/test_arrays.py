"""Arrays of every framework; stand-ins with their protocols play those that are not installed here."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from degen.errors import UserError
from degen.monitor.arrays import as_rows, float32_array

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


class LikeJax:
    """JAX's arrays on the CPU: both protocols, and neither NumPy's nor torch's class."""

    def __init__(self, values: np.ndarray):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __dlpack__(self, **options):
        return self.values.__dlpack__()

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class OnlyDlpack:
    def __init__(self, values: np.ndarray):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__()

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class LikeCupy(OnlyDlpack):
    """CuPy's arrays refuse to become NumPy's by themselves."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")


@pytest.mark.parametrize(
    "array",
    [VALUES, VALUES.tolist(), VALUES.astype(np.float16), LikeJax(VALUES), OnlyDlpack(VALUES)],
    ids=["numpy", "lists", "float16", "jax", "dlpack"],
)
def test_what_numpy_can_read_becomes_numpys(array):
    rows = as_rows(array, "x")
    assert isinstance(rows, np.ndarray)
    np.testing.assert_allclose(rows, VALUES, rtol=1e-3)


def test_jaxs_own_arrays_where_it_is_installed():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    for kind, near in ((jax.numpy.float32, 0), (jax.numpy.bfloat16, 1e-2)):
        rows = as_rows(jax.numpy.asarray(VALUES, dtype=kind), "x")
        assert isinstance(rows, np.ndarray)
        np.testing.assert_allclose(float32_array(rows), VALUES, rtol=near)


def test_what_refuses_numpy_goes_to_torch_by_dlpack():
    rows = as_rows(LikeCupy(VALUES), "x")
    assert isinstance(rows, torch.Tensor)
    np.testing.assert_array_equal(float32_array(rows), VALUES)


def test_what_refuses_numpy_is_said_so_without_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    with pytest.raises(UserError, match=r"item_embeddings cannot be read by NumPy .*copy it to the CPU"):
        as_rows(LikeCupy(VALUES), "item_embeddings")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_a_parameter_of_torch_stays_a_tensor_and_keeps_its_gradient(dtype):
    weight = torch.nn.Parameter(torch.tensor(VALUES, dtype=dtype))
    rows = as_rows(weight, "x")
    assert isinstance(rows, torch.Tensor)
    assert not rows.requires_grad
    assert weight.requires_grad
    written = float32_array(rows)
    assert written.dtype == np.float32
    np.testing.assert_allclose(written, VALUES, rtol=1e-2)


def test_a_tensor_stays_on_its_device():
    assert as_rows(torch.zeros(2, 2), "x").device == torch.zeros(2, 2).device


@pytest.mark.parametrize("x", [torch.nn.Embedding(3, 2), "weights", None, object(), [[1, 2], [3]], 3.0])
def test_what_is_no_matrix_is_named(x):
    with pytest.raises(UserError, match=r"^item_embeddings .*\[n, d\]"):
        as_rows(x, "item_embeddings")


def test_what_is_not_finite_is_named_with_its_row():
    bad = VALUES.copy()
    bad[2, 1] = np.nan
    for array in (bad, torch.from_numpy(bad), LikeJax(bad)):
        with pytest.raises(UserError, match=r"item_embeddings holds NaN or infinity in row 2"):
            as_rows(array, "item_embeddings")
