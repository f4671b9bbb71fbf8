"""Rows of numbers from any framework's array."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import Array, checked, namespace
from degen.errors import UserError


def as_rows(x: Any, name: str) -> Array:
    """Return `x` [n, d], checked: a torch tensor on its device and without gradient, else a NumPy array.

    Parameters
    ----------
    x
        a torch tensor; whatever has `__array__` (NumPy, JAX, TensorFlow) or `__dlpack__` (CuPy), or nested
        lists. What lies on a GPU and offers DLPack alone stays there if PyTorch is loaded.
    name
        what a message calls it.

    Raises
    ------
    UserError
        if `x` is no array, has not two dimensions, or holds NaN or infinity.
    """
    if namespace(x) is not np:
        return checked(x, name)
    if hasattr(x, "__dlpack__") and not isinstance(x, np.ndarray):
        x = _from_dlpack(x, name)
    try:
        return checked(x, name)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{name} is {type(x).__name__}, which is no matrix of numbers ({error}); give an array [n, d]"
        ) from None


def _from_dlpack(x: Any, name: str) -> Array:
    """Return an array that offers DLPack as NumPy's, or as torch's where it lies on a GPU."""
    try:
        return np.asarray(x) if hasattr(x, "__array__") else np.from_dlpack(x)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        torch = sys.modules.get("torch")
        if torch is not None:
            return torch.from_dlpack(x)
        raise UserError(f"{name} cannot be read by NumPy ({error}); copy it to the CPU first") from None


def float32_array(rows: Array) -> npt.NDArray[np.float32]:
    """Return checked rows as float32 in NumPy, from whatever device."""
    on_cpu = rows if namespace(rows) is np else rows.float().cpu().numpy()
    return np.asarray(on_cpu, dtype=np.float32)
