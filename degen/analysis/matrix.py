"""What every measure asks of its rows, in a form that takes NumPy arrays and torch tensors alike.

torch is never imported here: where the caller has a tensor, torch is already loaded, and its module is used
in place of NumPy's. A tensor stays on its device. Mistakes in the data (NaN, one dimension, too few rows)
are `UserError`s, because they come from a file or from a training that diverged; mistakes in a call (an
unknown definition, shapes that do not belong together) are `ValueError`s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.errors import UserError

Float = npt.NDArray[np.float64]
Array = Any
"""A NumPy array, whatever `numpy.asarray` takes, or a torch tensor."""

_BLOCK = 8192
"""Rows in float64 at once, so that a measure of millions of rows needs little beside them."""


def namespace(x: Array) -> ModuleType:
    """Return the module whose functions take `x`: torch for a tensor, NumPy for all else."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def checked(x: Array, name: str = "the matrix") -> Array:
    """Return `x` [n, d] as it is, or in float64 if its numbers are of no floating type; same kind, same
    device, no gradient, not a copy where that can be helped: do not write in it.

    Raises
    ------
    UserError
        if `x` has not two dimensions, has no row or no column, or a row holds NaN or infinity (it is named).
    """
    rows = _floating(x)
    if rows.ndim != 2 or 0 in rows.shape:
        raise UserError(
            f"{name} has shape {tuple(rows.shape)}; one row of numbers for each item is needed, [n, d]"
        )
    xp, starts = namespace(rows), range(0, len(rows), _BLOCK)
    finite = xp.concatenate([xp.isfinite(rows[start : start + _BLOCK]).all(axis=1) for start in starts])
    if not finite.all():
        bad = np.flatnonzero(~np.asarray(finite.tolist()))
        others = f" and {len(bad) - 1} other rows" if len(bad) > 1 else ""
        raise UserError(
            f"{name} holds NaN or infinity in row {bad[0]} (counted from 0){others}; remove "
            "what is not finite, or train again with a smaller learning rate"
        )
    return rows


def _floating(x: Array) -> Array:
    if namespace(x) is not np:
        return x.detach() if x.is_floating_point() else x.detach().double()
    rows = np.asarray(x)
    return rows if np.issubdtype(rows.dtype, np.floating) else np.asarray(rows, dtype=np.float64)


def checked_rows(x: Array, name: str = "the matrix") -> Array:
    """Return `x` [n, d] `checked`, all of it in float64."""
    return _double(checked(x, name))


def float64_blocks(rows: Array, size: int = _BLOCK) -> Iterator[Array]:
    """Yield `rows` [n, d] in float64, `size` of them at a time, same kind, same device."""
    for start in range(0, len(rows), size):
        yield _double(rows[start : start + size])


def _double(rows: Array) -> Array:
    return np.asarray(rows, dtype=np.float64) if namespace(rows) is np else rows.double()


def as_matrix(V: Array, name: str = "the matrix") -> Float:
    """Return `V` as a checked float64 NumPy array [n, d]; see `checked`."""
    return to_numpy(checked_rows(V, name))


def to_numpy(rows: Array) -> Float:
    """Return float64 rows as a NumPy array, from whatever device."""
    return rows if isinstance(rows, np.ndarray) else np.asarray(rows.cpu())


def unit_rows(rows: Array) -> tuple[Array, Array]:
    """Return the rows [n, d] at length 1, and which of them were not zero, bool [n]; zero rows stay zero.

    Each row is first divided by its largest entry, so that squares of very small or very large rows cannot
    vanish or overflow.
    """
    xp = namespace(rows)
    largest = xp.amax(abs(rows), axis=1)
    alive = largest > 0
    scaled = rows / xp.where(alive, largest, 1.0)[:, None]
    length = xp.sqrt((scaled * scaled).sum(axis=1))
    return scaled / xp.where(alive, length, 1.0)[:, None], alive
