"""One door to every matrix file: the suffix picks the reader, and what comes out has been checked.

    .npy                    binary.py   an array of two dimensions
    .npz .safetensors       binary.py   one of their arrays, by `key` where several have two dimensions
    .csv .tsv .txt .vec     text.py     one row a line, with or without header and ids; word2vec

A matrix returned here has n ≥ d ≥ 2 and only finite numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.embeddings.binary import read_npy, read_npz, read_safetensors
from degen.embeddings.text import DELIMITERS, read_text
from degen.errors import UserError, nearest

Values = npt.NDArray[Any]

_ARCHIVES: dict[str, Callable[[Path, str | None], Values]] = {
    ".npz": read_npz,
    ".safetensors": read_safetensors,
}
_SUFFIXES = [".npy", *_ARCHIVES, *DELIMITERS]


@dataclass(frozen=True)
class Matrix:
    """Rows of numbers, one an item.

    Attributes
    ----------
    values
        float32 [n, d] where the file holds floats of 32 bits or fewer, else float64; n ≥ d ≥ 2, all finite.
    ids
        the ids of the n rows, or None where the file has none.
    """

    values: Values
    ids: list[str] | None = None


def load_matrix(path: Path | str, key: str | None = None) -> Matrix:
    """Read a matrix [n, d], one row an item.

    Parameters
    ----------
    path
        a file whose suffix names its format.
    key
        which array of a `.npz` or `.safetensors` file; not needed where only one has two dimensions.

    Raises
    ------
    UserError
        one sentence with the mend: no such file or format, damaged, not numbers, ragged (with the line),
        NaN (with the row), not two dimensions, fewer items than dimensions.
    """
    path = Path(path)
    check_file(path, _SUFFIXES)
    suffix = path.suffix.lower()
    if key is not None and suffix not in _ARCHIVES:
        raise UserError(f"{path} holds one matrix only; leave out --key {key}")
    ids = None
    if suffix in _ARCHIVES:
        values = _ARCHIVES[suffix](path, key)
    elif suffix == ".npy":
        values = read_npy(path)
    else:
        values, ids = read_text(path)
    _check_shape(path, values)
    return Matrix(_finite(path, values, ids), ids)


def check_file(path: Path, suffixes: Collection[str]) -> None:
    """Raise a `UserError` unless `path` is a file that ends in one of `suffixes`."""
    if path.suffix.lower() not in suffixes:
        raise UserError(
            f"{path}: its suffix '{path.suffix}' names no format that can be read here"
            f"{nearest(path.suffix, suffixes)}; save it as .npy with numpy.save"
        )
    if not path.is_file():
        raise UserError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; give the path of a file"
        )


def _check_shape(path: Path, values: Values) -> None:
    if values.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {values.dtype}; save real numbers, such as float32")
    if values.ndim != 2:
        raise UserError(f"{path} has shape {list(values.shape)}; save two dimensions, one row an item")
    n, d = values.shape
    if d < 2:
        raise UserError(f"{path} has {n} rows of {d} numbers; give each item at least two dimensions")
    if n < d:
        raise UserError(
            f"{path} has {n} rows of {d} numbers, fewer items than dimensions; give one row for each item "
            "(transpose it if its columns are the items)"
        )


def _finite(path: Path, values: Values, ids: list[str] | None) -> Values:
    """Return `values` as float32 or float64 of this machine, or name the first row that is not finite."""
    small = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    values = values.astype(np.float32 if small else np.float64)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        name = f" (id {ids[bad[0]]!r})" if ids else ""
        others = f" and in {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UserError(
            f"{path} holds NaN or infinity in row {bad[0]}{name}, counted from 0,{others or ' only'}; "
            "remove what is not finite"
        )
    return values
