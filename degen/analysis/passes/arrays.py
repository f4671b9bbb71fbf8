"""Checks and helpers that treat NumPy arrays and torch tensors alike.

torch is never imported here. Whoever passes a tensor has loaded it already, and its functions then take the
place of NumPy's. A tensor stays on its device. Mistakes in the data (NaN, one dimension, too few rows) are
`UserError`s, because they come from a file or a training that diverged. Mistakes in a call (an unknown
definition, shapes that do not match) are `ValueError`s.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.errors import UserError

Float = npt.NDArray[np.float64]
Array = Any
"""A NumPy array, whatever `numpy.asarray` takes, or a torch tensor."""

_LEAST = 1e-280
"""Squared lengths between this and its inverse have not suffered from underflow or overflow."""

_BLOCK = 8192
"""Number of rows in float64 at once, so that millions of rows need little memory besides their own."""


def is_tensor(x: object) -> bool:
    """True if `x` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def namespace(x: Array) -> ModuleType:
    """Return torch for a tensor, NumPy for anything else."""
    return sys.modules["torch"] if is_tensor(x) else np


def as_kind(array: Float, like: Array) -> Array:
    """Return a NumPy array as the kind that `like` is, on its device."""
    return array if namespace(like) is np else namespace(like).as_tensor(array, device=like.device)


def source_epsilon(x: Array) -> float:
    """Return the relative rounding error of the numbers of `x` as stored; of float64 for integers."""
    return float(namespace(x).finfo(x.dtype).eps if _is_floating(x) else np.finfo(np.float64).eps)


def _is_floating(x: Array) -> bool:
    return bool(x.is_floating_point() if is_tensor(x) else np.issubdtype(x.dtype, np.floating))


def refuse_no_matrix(x: Array, name: str) -> None:
    """Raise `UserError` for text, objects, dates, complex numbers, and other shapes than [n, d]."""
    dtype, shape = getattr(x, "dtype", None), tuple(x.shape)
    needed = "one row of numbers for each item is needed, [n, d]"
    if getattr(dtype, "kind", "f") in "SUOcmM":
        raise UserError(f"{name} holds {dtype}, not real numbers; {needed}")
    if len(shape) != 2 or 0 in shape:
        raise UserError(f"{name} has shape {shape}; {needed}")


def checked_block(x: Array, start: int, name: str = "the matrix") -> Array:
    """Return rows `start` … of a matrix in float64, [b, d], or name the first that is not finite."""
    block = double(x if is_tensor(x) else np.asarray(x))
    finite = namespace(block).isfinite(block).all(axis=1)
    if not finite.all():
        bad = start + int(np.flatnonzero(~np.asarray(finite.tolist()))[0])
        raise UserError(
            f"{name} holds NaN or infinity in row {bad} (counted from 0); remove what is not finite, or "
            "train again with a smaller learning rate"
        )
    return block


def checked(x: Array, name: str = "the matrix") -> Array:
    """Return `x` [n, d] of the same kind on the same device, without gradient.

    A floating type stays, other types become float64. The result may share memory with `x`: do not write in
    it.

    Raises
    ------
    UserError
        if `x` holds no numbers, has not two dimensions, or no row or column. For NaN or infinity the message
        names the row.
    """
    rows = x.detach() if is_tensor(x) else np.asarray(x)
    refuse_no_matrix(rows, name)
    if not _is_floating(rows):
        rows = double(rows)
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


def checked_rows(x: Array, name: str = "the matrix") -> Array:
    """Return `x` [n, d] as `checked` does, in float64."""
    return double(checked(x, name))


def double(rows: Array) -> Array:
    """Return an array or tensor in float64, without a copy where it is float64 already."""
    return np.asarray(rows, dtype=np.float64) if namespace(rows) is np else rows.double()


def to_numpy(rows: Array) -> npt.NDArray[Any]:
    """Return an array or tensor, on any device, as a NumPy array."""
    return rows.cpu().numpy() if is_tensor(rows) else np.asarray(rows)


def unit_rows(rows: Array) -> tuple[Array, Array, Array]:
    """Return the rows [n, d] at length 1, which rows are not zero, bool [n], and their lengths [n].

    Zero rows stay zero. A row whose squares would vanish or overflow is first divided by its largest entry.
    """
    xp = namespace(rows)
    squares = xp.einsum("ij,ij->i", rows, rows)
    safe = (squares > _LEAST) & (squares < 1 / _LEAST)
    length = xp.sqrt(xp.where(safe, squares, 1.0))
    units = rows / length[:, None]
    if not safe.all():
        units[~safe], length[~safe] = _rescaled_units(rows[~safe])
    return units, length > 0, length


def _rescaled_units(rows: Array) -> tuple[Array, Array]:
    xp = namespace(rows)
    largest = xp.amax(abs(rows), axis=1)
    alive = largest > 0
    scaled = rows / xp.where(alive, largest, 1.0)[:, None]
    length = xp.sqrt((scaled * scaled).sum(axis=1))
    return scaled / xp.where(alive, length, 1.0)[:, None], length * largest


def scaled_by(rows: Array, exponent: int) -> Array:
    """Return rows times 2^exponent, in two steps because 2^1074 overflows; for 0 the rows themselves."""
    if not exponent:
        return rows
    half = exponent // 2
    return rows * 2.0**half * 2.0 ** (exponent - half)


def largest_entry(rows: Array) -> float:
    """Return the largest |number| of an array or tensor; NaN or infinity if it holds any."""
    return max(float(rows.max()), -float(rows.min()))
