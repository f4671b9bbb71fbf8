"""Tell padding rows of a checkpoint by the rows themselves.

A first or last row that is all zeros, as `torch.nn.Embedding(padding_idx=…)` leaves it, or that the optimizer
beside the weights has never updated, is padding if no other row is so. Where others are, items that nobody
bought may look the same: then the row stays, and the note says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degen.embeddings.file_rows import FileRows, Index, Values
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray
from degen.errors import UserError

_BLOCK = 1 << 16
"""Rows that are looked at once."""

_FEWEST = 3
"""Minimum number of rows of a matrix of which an end can be told from the others."""


@dataclass(frozen=True)
class Padding:
    """The numbers of rows that are left out, or of none, and a clause that says why."""

    rows: tuple[int, ...]
    reason: str


def padding_at_ends(file: ArrayFile, name: str, values: Values | FileRows) -> Padding | None:
    """Return the padding among the first and last row of a matrix, or None where neither looks like it."""
    if values.ndim != 2 or len(values) < _FEWEST or values.dtype.kind not in "fiu":
        return None
    moments = _moments(file, name)
    seen = [(values, _EMPTY), *([(moments, _IDLE)] if moments is not None else [])]
    found = [_told(_zero_rows(matrix), len(values), what) for matrix, what in seen]
    rows = tuple(sorted({row for padding in found if padding for row in padding.rows}))
    reasons = [padding.reason for padding in found if padding and (padding.rows or not rows)]
    return Padding(rows, "; ".join(reasons)) if reasons else None


_EMPTY = "all zeros, as padding is"
_IDLE = "never trained, by the optimizer beside the weights"


def _told(rows: Index, n: int, what: str) -> Padding | None:
    """Return the ends among the rows that look like padding: only if no row between does."""
    ends = tuple(int(row) for row in rows if row in (0, n - 1))
    if not ends:
        return None
    which = " and ".join({0: "the first", n - 1: "the last"}[row] for row in ends)
    verb = "row is" if len(ends) == 1 else "row are"
    if others := len(rows) - len(ends):
        return Padding(
            (), f"{which} {verb} {what}, but so are {others} others: kept, as it cannot be told from an item"
        )
    return Padding(ends, f"{which} {verb} {what}")


def _zero_rows(values: Values | FileRows) -> Index:
    """Return the numbers of the rows that are all zeros, or none where neither the first nor the last is."""
    if values[0:1].any() and values[len(values) - 1 :].any():
        return np.empty(0, dtype=np.int64)
    found = []
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        found.append(start + np.flatnonzero(~block.any(axis=1)))
    return np.concatenate(found)


def _moments(file: ArrayFile, name: str) -> Values | FileRows | None:
    """Return the optimizer's second moments of a matrix, or None where they are not there for certain.

    An optimizer numbers the weights in the order of the model. Among weights of one shape that order tells
    which is which, if there are as many moments of that shape.
    """
    shape = file.arrays[name].shape
    alike = [key for key, stored in file.arrays.items() if stored.shape == shape]
    moments = [stored for stored in file.moments if stored.shape == shape]
    if len(alike) != len(moments):
        return None
    return _read(moments[alike.index(name)])


def _read(stored: StoredArray) -> Values | FileRows | None:
    try:
        values = stored.read()
    except UserError:
        return None
    return values if values.ndim == 2 and values.dtype.kind in "fiu" else None
