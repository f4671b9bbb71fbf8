"""Arrays of any framework as checked rows of numbers."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import Array, checked, namespace
from degen.errors import UserError


def as_rows(x: Any, name: str) -> Array:
    """Return finite `x` [n, d] as a PyTorch tensor on its device without gradient, or as a NumPy array.

    Parameters
    ----------
    x
        a PyTorch tensor, an object with `__array__` (NumPy, JAX, TensorFlow) or `__dlpack__` (CuPy), or
        nested lists. An array on a GPU that offers only DLPack stays there if PyTorch is loaded.
    name
        name of the array in messages.
    """
    if namespace(x) is not np:
        return checked(x, name)
    if hasattr(x, "__dlpack__") and not isinstance(x, np.ndarray):
        x = _from_dlpack(x, name)
    try:
        return checked(x, name)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{name} is {type(x).__name__}, which is not a matrix of numbers ({error}); give an array [n, d]"
        ) from None


def _from_dlpack(x: Any, name: str) -> Array:
    """Return an array that offers DLPack as a NumPy array, or as a PyTorch tensor if it is on a GPU."""
    try:
        return np.asarray(x) if hasattr(x, "__array__") else np.from_dlpack(x)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        torch = sys.modules.get("torch")
        if torch is not None:
            return torch.from_dlpack(x)
        raise UserError(f"{name} cannot be read by NumPy ({error}); copy it to the CPU first") from None


def float32_array(rows: Array) -> npt.NDArray[np.float32]:
    """Return checked rows as a NumPy array of float32, copied from their device."""
    on_cpu = rows if namespace(rows) is np else rows.float().cpu().numpy()
    return np.asarray(on_cpu, dtype=np.float32)
