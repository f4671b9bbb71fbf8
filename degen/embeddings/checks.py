"""Checks of a matrix that has been read: real numbers, two dimensions, finite, no column that is all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from degen.embeddings.file_rows import FileRows, Values, float_type
from degen.embeddings.formats.tabular.lines import DELIMITERS, suffix_of
from degen.errors import UserError

_BLOCK = 4096
"""Rows that are squared at once."""

_BLOCKS = 64
"""Blocks of a matrix in its file that are looked at, evenly spaced."""

_SHARE = 0.99


def as_floats(path: Path, values: Values | FileRows) -> Values | FileRows:
    """Return a matrix of real numbers as float32 or float64 of this machine."""
    if isinstance(values, FileRows):
        return values
    if values.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {values.dtype}; save real numbers, such as float32")
    if values.ndim != 2:
        raise UserError(f"{path} has shape {list(values.shape)}; save two dimensions, one row per item")
    if 0 in values.shape:
        n, d = values.shape
        raise UserError(f"{path} has {n} rows of {d} numbers; save one row of numbers per item")
    return values.astype(float_type(values.dtype.str), copy=False)


def refuse_counts(path: Path, values: Values | FileRows) -> None:
    """Refuse a text with one column of whole numbers: counts of items, and no matrix of embeddings."""
    if suffix_of(path) not in DELIMITERS or isinstance(values, FileRows):
        return
    if values.shape[1] > 1 or len(values) < 2:
        return
    if np.isfinite(values).all() and (values >= 0).all() and (values == np.floor(values)).all():
        raise UserError(
            f"{path} has one column of whole numbers, which looks like counts: give it by "
            "`frequency`, beside a matrix with a row of numbers per item"
        )


def check_finite(path: Path, values: Values, ids: list[str] | None) -> None:
    """Raise a `UserError` naming the first row that is not finite, if there is one."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        name = f" (id {ids[bad[0]]!r})" if ids else ""
        others = f" and in {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UserError(
            f"{path} holds NaN or infinity in row {bad[0]}{name}, counted from 0,{others or ' only'}; "
            "remove what is not finite"
        )


def repeated_notes(path: Path, ids: list[str] | None) -> tuple[str, ...]:
    """Return a note on ids that several rows have, if there are any."""
    if ids is None or len(set(ids)) == len(ids):
        return ()
    [(most, count)] = Counter(ids).most_common(1)
    return (f"{path}: its {len(ids)} rows have {len(set(ids))} different ids; {count} rows are {most!r}",)


def energy_notes(path: Path, values: Values | FileRows, columns: Sequence[str]) -> tuple[str, ...]:
    """Return a warning that names the column with over 99 % of the sum of squares, if there is one.

    Such a column is often an id or a count, and every measure would be a measure of it. A matrix that stays
    in its file is judged by some of its rows. `columns` are the names of those of a table.
    """
    d = values.shape[1]
    if d < 2 or len(values) < 2:
        return ()
    shares = _energy(values)
    column = int(shares.argmax())
    if not shares[column] > _SHARE:
        return ()
    name = f"column {columns[column]!r}" if columns and columns[column] else f"dimension {column}"
    mend = "name the column of ids with `ids`" if columns else "save the matrix without it"
    return (
        f"{path}: {name} carries {100 * shares[column]:.2f} % of the sum of squares, so that every measure "
        f"is of it alone; if it holds ids or counts, {mend}",
    )


def _energy(values: Values | FileRows) -> Values:
    """Return the share of each column in the sum of squares of finite rows, [d]; zeros where that is 0."""
    n, d = values.shape
    starts = list(range(0, n, _BLOCK))
    if isinstance(values, FileRows) and len(starts) > _BLOCKS:
        starts = [n * block // _BLOCKS for block in range(_BLOCKS)]
    largest, total = 0.0, np.zeros(d)
    for start in starts:
        rows = values[start : start + _BLOCK].astype(np.float64, copy=False)
        rows = rows[np.isfinite(rows).all(axis=1)]
        highest = float(np.abs(rows).max(initial=0.0))
        # The sums are of numbers divided by the largest one, as squares of 1e300 are infinite.
        if highest > largest:
            total *= (largest / highest) ** 2
            largest = highest
        if largest > 0:
            scaled = rows / largest
            total += np.einsum("ij,ij->j", scaled, scaled)
    whole = total.sum()
    return total / whole if whole > 0 else total
