"""Files that hold several arrays by name: choose one of them, and read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.file_rows import FileRows, Values, numbers_of, storage
from degen.errors import UserError, nearest
from degen.files.memory import check_fits

LARGE = 1 << 28
"""Number of bytes from which a matrix stays in its file."""

_MOST_AXES, _MOST_BYTES = 32, 1 << 62
"""Limits of a shape that NumPy can have."""

_LISTED = 12
"""Maximum number of arrays that an error lists."""


@dataclass(frozen=True)
class StoredArray:
    """An array in a file: its shape, and a function that reads it."""

    shape: tuple[int, ...]
    read: Callable[[], Values | FileRows]


@dataclass(frozen=True)
class ArrayFile:
    """A file of several arrays, none of them read yet.

    Attributes
    ----------
    arrays
        by name: those of a checkpoint are named as in its `state_dict`, such as `item_embedding.weight`.
    about
        the rest of a checkpoint, as data (see `inert_pickle`).
    usual
        the name of the array that the format itself is about, or None.
    ids
        the ids of the rows of some arrays, by the array's name.
    trained
        whether these are a model's weights, whose rows may be padding.
    moments
        the second moments of an optimizer beside the weights, in the order of the weights.
    """

    arrays: Mapping[str, StoredArray]
    about: Mapping[Any, Any] = field(default_factory=dict)
    usual: str | None = None
    ids: Mapping[str, list[str]] = field(default_factory=dict)
    trained: bool = False
    moments: Sequence[StoredArray] = ()


def choose(path: Path, file: ArrayFile, key: str | None, usual: str | None) -> str:
    """Return the name of the array to read.

    `key` is the name, or its end after a dot or a slash. Without a key the array is `usual`, the item matrix
    of the project that is known to have written the file, or else the only matrix. Raise a `UserError` that
    lists the arrays of the file where there is no such array or more than one.
    """
    names = list(file.arrays)
    if key is not None:
        fitting = [name for name in names if name == key] or [
            name for name in names if name.endswith((f".{key}", f"/{key}"))
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise UserError(f"{path} has several arrays '{key}'; give all of a name: {', '.join(fitting)}")
        near = nearest(key, names) if len(names) <= _LISTED else f"; known: {_listed(file.arrays)}"
        raise UserError(f"{path} has no array '{key}'{near}")
    if usual is not None:
        return usual
    matrices = [name for name in names if len(file.arrays[name].shape) == 2]
    if len(matrices) == 1:
        return matrices[0]
    if matrices:
        raise UserError(
            f"{path} holds {len(matrices)} matrices; choose one with `key`: {_listed(file.arrays)}"
        )
    raise UserError(
        f"{path} holds no array of two dimensions; it has: {_listed(file.arrays) or 'nothing'}; save one "
        "row per item"
    )


def _listed(arrays: Mapping[str, StoredArray]) -> str:
    """Return names and shapes in words, matrices first, the longest of them first."""
    order = sorted(arrays.items(), key=lambda item: (len(item[1].shape) != 2, *(-k for k in item[1].shape)))
    held = [f"{name} {list(stored.shape)}" for name, stored in order]
    return ", ".join(held[:_LISTED]) + (", …" if len(held) > _LISTED else "")


def check_shape(shape: Any, itemsize: int) -> tuple[int, ...]:
    """Return a shape that a file states; raise a `ValueError` where no array of such items has it."""
    if not isinstance(shape, list | tuple) or len(shape) > _MOST_AXES:
        raise ValueError("a shape is no list of a few numbers")
    if any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("a shape holds other things than whole numbers")
    # NumPy counts the axes of length 0 as 1 here.
    if prod(max(size, 1) for size in shape) * max(itemsize, 1) >= _MOST_BYTES:
        raise ValueError("an array is larger than any memory")
    return tuple(shape)


def array_in_file(
    path: Path, offset: int, shape: tuple[int, ...], kind: str, *, by_columns: bool = False
) -> Values | FileRows:
    """Return an array that lies in a file as it does in memory, or `FileRows` for a `LARGE` matrix.

    `offset`, `kind` and `by_columns` are as in `FileRows`. Raise an `OSError` where the file is too short.
    """
    size, numeric = prod(shape) * storage(kind).itemsize, storage(kind).kind in "fiu"
    if size >= LARGE and len(shape) == 2 and numeric:
        return FileRows(path, offset, (shape[0], shape[1]), kind, by_columns)
    check_fits(size, f"{path} in memory")
    with path.open("rb") as file:
        raw = np.fromfile(file, dtype=storage(kind), count=prod(shape), offset=offset)
    if len(raw) < prod(shape):
        raise OSError(f"{path} is cut short")
    return numbers_of(raw.reshape(shape, order="F" if by_columns else "C"), kind)
