"""Array libraries that can compute the passes: NumPy, PyTorch on a device, or Dask.

numpy   in this process, one block of rows in float64 at a time
torch   the same on a device, or where a tensor lies
dask    chunks of rows as tasks, on threads of this process or on the cluster of the active client
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from degen.analysis.passes.arrays import Array, is_tensor
from degen.analysis.passes.rows import Rows
from degen.progress import tell

ENGINES = ("auto", "numpy", "torch", "dask")


@dataclass(frozen=True, eq=False)
class StreamedRows:
    """Rows [n, d] that are read in slices, as of a file.

    Attributes
    ----------
    values
        anything with `shape`, `dtype`, `len` and slices of rows.
    task
        what the progress bar calls the reading.
    device
        PyTorch device that the rows are moved to, or None for NumPy.
    """

    values: Any
    task: str
    device: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        n, d = self.values.shape
        return n, d

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers in memory."""
        dtype: np.dtype[Any] = self.values.dtype
        return dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Array:
        if isinstance(rows, slice):
            tell(self.task, rows.indices(len(self))[1], len(self))
        return _moved(self.values[rows], self.device)


def rows_on(values: Any, engine: str, device: Any, name: str, **about: Any) -> Rows:
    """Return `Rows` whose passes an engine computes.

    Parameters
    ----------
    values
        [n, d]: array, tensor, Dask array, or anything that gives rows by slices, such as a file.
    engine
        one of `ENGINES`. `auto` takes Dask for a Dask array, PyTorch for a tensor or with a device, and NumPy
        for anything else.
    device
        `torch.device` that the rows are moved to; None leaves them where they are.
    name
        of the matrix, for the progress bar.
    **about
        the other attributes of `Rows`.
    """
    lazy = hasattr(values, "dask")
    if engine == "dask" or (engine == "auto" and lazy):
        from degen.analysis.passes.dask_rows import dask_rows

        return dask_rows(values, **about)
    if lazy:
        values = values.compute()
    if engine == "numpy" and is_tensor(values):
        values = values.cpu().numpy()
    if isinstance(values, np.ndarray) or is_tensor(values):
        return Rows(_moved(values, device), **about)
    return Rows(StreamedRows(values, f"measuring {name}", device), **about)


def _moved(values: Array, device: Any) -> Array:
    if device is None:
        return values
    torch = sys.modules["torch"]  # loaded, for `device` is an object of it
    return torch.as_tensor(values if is_tensor(values) else np.ascontiguousarray(values), device=device)
