"""Arrays that lie in a file under names: what they are, which of them is meant, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.file_rows import FileRows, Values, numbers_of, storage
from degen.errors import UserError, nearest

LARGE = 1 << 28
"""Bytes from which a matrix stays in its file."""

_LISTED = 12
"""Maximum number of arrays that an error lists."""


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, not read yet."""

    shape: tuple[int, ...]
    read: Callable[[], Values | FileRows]


@dataclass(frozen=True)
class ArrayFile:
    """What a file of several arrays holds.

    Attributes
    ----------
    arrays
        by name; those of a checkpoint as `state_dict` calls them, `item_embedding.weight`.
    about
        what else is in a checkpoint, as plain data: nothing in it was ever called.
    """

    arrays: Mapping[str, StoredArray]
    about: Mapping[Any, Any] = field(default_factory=dict)


def choose(path: Path, found: ArrayFile, key: str | None, usual: str | None) -> str:
    """Return the name of the array meant by `key` (all of a name, or its end after a dot); without a key
    `usual`, where the project that wrote the file is known, or the only matrix.

    Raises
    ------
    UserError
        listing what is in the file, where there is no such array or more than one.
    """
    names = list(found.arrays)
    if key is not None:
        fitting = [name for name in names if name == key] or [n for n in names if n.endswith(f".{key}")]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise UserError(f"{path} has several arrays '{key}'; give all of a name: {', '.join(fitting)}")
        near = nearest(key, names) if len(names) <= _LISTED else f"; known: {_listed(found.arrays)}"
        raise UserError(f"{path} has no array '{key}'{near}")
    if usual is not None:
        return usual
    matrices = [name for name in names if len(found.arrays[name].shape) == 2]
    if len(matrices) == 1:
        return matrices[0]
    if matrices:
        raise UserError(
            f"{path} holds {len(matrices)} matrices; choose one with `key`: {_listed(found.arrays)}"
        )
    raise UserError(
        f"{path} holds no array of two dimensions; it has: {_listed(found.arrays) or 'nothing'}; save one "
        "row an item"
    )


def _listed(arrays: Mapping[str, StoredArray]) -> str:
    """Names and shapes, matrices first and the longest of them first."""
    order = sorted(arrays.items(), key=lambda item: (len(item[1].shape) != 2, *(-k for k in item[1].shape)))
    held = [f"{name} {list(stored.shape)}" for name, stored in order]
    return ", ".join(held[:_LISTED]) + (", …" if len(held) > _LISTED else "")


def array_in_file(
    path: Path, offset: int, shape: tuple[int, ...], kind: str, *, by_columns: bool = False
) -> Values | FileRows:
    """Return the array that lies in a file as it does in memory; a `LARGE` matrix is left there.

    Raises
    ------
    OSError
        where the file is shorter.
    """
    size, numeric = prod(shape) * storage(kind).itemsize, storage(kind).kind in "fiu"
    if size >= LARGE and len(shape) == 2 and numeric:
        return FileRows(path, offset, (shape[0], shape[1]), kind, by_columns)
    with path.open("rb") as file:
        raw = np.fromfile(file, dtype=storage(kind), count=prod(shape), offset=offset)
    if len(raw) < prod(shape):
        raise OSError(f"{path} is cut short")
    return numbers_of(raw.reshape(shape, order="F" if by_columns else "C"), kind)
