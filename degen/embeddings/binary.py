"""Arrays from `.npy`, `.npz` and `.safetensors` files, never through pickle."""

from __future__ import annotations

import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from degen.errors import UserError, nearest

_LISTED = 12
_SAFETENSORS = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8")

# The header of a .npy is a Python literal, a .npz is a zip: random changes of bytes have raised each of these
# (RuntimeError: encrypted, or packed by a method that Python lacks).
_DAMAGE = (
    ValueError,
    TypeError,
    SyntaxError,
    TokenError,
    OSError,
    EOFError,
    BadZipFile,
    RuntimeError,
    zlib.error,
)


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Return the array in `path` as a memory map, for which a file cut short is too short at once."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except _DAMAGE as error:
        raise _unreadable(path, "numpy.save") from error


def read_npz(path: Path, key: str | None) -> npt.NDArray[Any]:
    """Return the array `key` of the archive `path`, or its only matrix."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise UserError(f"{path} holds a single array; rename it to end in .npy")
            names = [key] if key in archive.files else archive.files
            arrays = {name: np.asarray(archive[name]) for name in names}
    except _DAMAGE as error:
        raise _unreadable(path, "numpy.savez") from error
    return arrays[_chosen(path, {name: values.shape for name, values in arrays.items()}, key)]


def read_safetensors(path: Path, key: str | None) -> npt.NDArray[Any]:
    """Return the tensor `key` of `path`, or its only matrix; the others are not read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            name = _chosen(path, {name: tuple(file.get_slice(name).get_shape()) for name in names}, key)
            kind = file.get_slice(name).get_dtype()
            if kind not in _SAFETENSORS:
                raise UserError(f"{path}: '{name}' holds {kind}, which NumPy lacks; save it as float32")
            return np.asarray(file.get_tensor(name))
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, "safetensors") from error


def _chosen(path: Path, shapes: dict[str, tuple[int, ...]], key: str | None) -> str:
    """Return `key`, or the name of the only matrix where no key was given."""
    if key is not None:
        if key not in shapes:
            raise UserError(f"{path} has no array '{key}'{nearest(key, shapes)}")
        return key
    matrices = [name for name, shape in shapes.items() if len(shape) == 2]
    if len(matrices) == 1:
        return matrices[0]
    held = [f"{name} {list(shape)}" for name, shape in shapes.items()]
    listed = ", ".join(held[:_LISTED]) + (", …" if len(held) > _LISTED else "")
    if matrices:
        raise UserError(f"{path} holds {len(matrices)} matrices; choose one with --key: {listed}")
    raise UserError(
        f"{path} holds no array of two dimensions; it has: {listed or 'nothing'}; save one row an item"
    )


def _unreadable(path: Path, writer: str) -> UserError:
    return UserError(
        f"{path} is not a {path.suffix} file of numbers: damaged, cut short, or Python objects, which are "
        f"never unpickled; write it again with {writer}"
    )
