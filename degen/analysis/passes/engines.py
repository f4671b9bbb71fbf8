"""What measures a matrix: NumPy, PyTorch on a device, or Dask's workers.

numpy   in this process, a block of rows in float64 at a time
torch   the same on a device; by default where a tensor lies, or where `--device` names a GPU
dask    chunks of rows as tasks: threads of this process, or the cluster of an active client
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from degen.analysis.passes.arrays import Array, is_tensor
from degen.analysis.passes.rows import Rows
from degen.embeddings import FileRows
from degen.progress import tell

ENGINES = ("auto", "numpy", "torch", "dask")


@dataclass(frozen=True, eq=False)
class Streamed:
    """Rows [n, d] of a file, told of as they are read, and put on a device if one is given."""

    values: FileRows
    what: str
    device: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers in memory."""
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Array:
        if isinstance(rows, slice):
            tell(self.what, rows.indices(len(self))[1], len(self))
        return _moved(self.values[rows], self.device)


def rows_on(values: Any, engine: str, device: str, name: str, **about: Any) -> Rows:
    """Return `Rows` whose passes an engine computes.

    Parameters
    ----------
    values
        [n, d]: array, tensor, Dask array or `FileRows`.
    engine
        of `ENGINES`; `auto` takes PyTorch for a tensor or a CUDA device, Dask for a Dask array, else NumPy.
    device
        `auto`, `cpu`, `cuda` or `cuda:N`; on `cpu` and `auto` NumPy needs no PyTorch.
    name
        of the matrix, for the bar.
    **about
        the other attributes of `Rows`.

    Raises
    ------
    UserError
        where the device or Dask is not there.
    """
    lazy = hasattr(values, "dask")
    if engine == "dask" or (engine == "auto" and lazy):
        from degen.analysis.passes.dask_rows import dask_rows

        return dask_rows(values, **about)
    if lazy:
        values = values.compute()
    place = None
    if engine == "torch" or (engine == "auto" and device.startswith("cuda")):
        from degen.device import pick_device

        place = pick_device(device) if device != "auto" or not is_tensor(values) else values.device
    elif engine == "numpy" and is_tensor(values):
        values = values.cpu().numpy()
    if isinstance(values, FileRows):
        return Rows(Streamed(values, f"measuring {name}", place), **about)
    return Rows(_moved(values, place), **about)


def _moved(values: Array, device: Any) -> Array:
    if device is None:
        return values
    import torch

    return torch.as_tensor(values if is_tensor(values) else np.ascontiguousarray(values), device=device)
