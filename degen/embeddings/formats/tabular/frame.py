"""A table whose columns are in memory: from a pickled DataFrame, or from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.content import Content
from degen.embeddings.file_rows import Values
from degen.embeddings.formats.tabular.cells import HEAD, Cells, Column, Kind
from degen.errors import UserError


@dataclass(frozen=True)
class Held:
    """The cells of a column: numbers [n], vectors [n, d] or words; None where their kind is not read."""

    kind: Kind
    cells: Cells | None


@dataclass(frozen=True)
class Frame:
    """A table of `columns`, with what is `held` in each."""

    path: Path
    columns: Sequence[Column]
    held: Sequence[Held]

    def head(self, columns: Sequence[int]) -> list[Cells]:
        """Return the first rows of some columns."""
        return [self.cells(at)[:HEAD] for at in columns]

    def cells(self, column: int) -> Cells:
        """Return a column."""
        cells = self.held[column].cells
        return np.empty(0) if cells is None else cells

    def matrix(self, columns: Sequence[int], ids: int | None) -> tuple[Values, Cells | None]:
        """Return columns as a matrix [n, d], and the cells of another."""
        parts = [np.asarray(self.cells(at)) for at in columns]
        values = parts[0] if parts[0].ndim == 2 else np.stack(parts, axis=1)
        return values, None if ids is None else self.cells(ids)


def frame(path: Path, held: Mapping[str, Held], *, named: bool = True) -> Frame:
    """Return a table of columns by name; raise a `UserError` unless all are of one length."""
    lengths = {name: len(each.cells) for name, each in held.items() if each.cells is not None}
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise UserError(
            f"{path} has {lengths[shortest]} cells in '{shortest}' and {lengths[longest]} in '{longest}'; "
            "give every column the same number"
        )
    columns = [Column(name if named else "", each.kind) for name, each in held.items()]
    return Frame(path, columns, list(held.values()))


def held_of(cells: Sequence[Any]) -> Held:
    """Return a column of Python's values: text, numbers, or a vector in each cell."""
    if all(isinstance(cell, str) or cell is None for cell in cells):
        return Held(Kind.TEXT, [cell or "" for cell in cells])
    if all(_is_number(cell) or cell is None for cell in cells):
        return Held(Kind.NUMBERS, np.array([np.nan if cell is None else cell for cell in cells]))
    rows = [row for row in map(_vector, cells) if row is not None]
    if len(rows) < len(cells) or len({len(row) for row in rows}) > 1:
        return Held(Kind.OTHER, None)
    return Held(Kind.LISTS, np.stack(rows))


def vectors(path: Path, ids: list[str], held: Held) -> Content:
    """Return the matrix of a vector for each id, with a note that says so."""
    values = np.asarray(held.cells)
    return Content(values, ids, notes=(f"{path}: {len(ids)} ids with {values.shape[1]} numbers each",))


def _is_number(value: Any) -> bool:
    """Return whether a value is a number of 64 bits; truth values are none."""
    return type(value) is float or (type(value) is int and -(2**63) <= value < 2**63)


def _vector(cell: Any) -> Values | None:
    """Return a vector as an array; None where the cell is none."""
    if isinstance(cell, np.ndarray):
        return cell if cell.ndim == 1 and cell.dtype.kind in "fiu" else None
    plain = isinstance(cell, list | tuple) and len(cell) > 0 and all(map(_is_number, cell))
    return np.array(cell, dtype=np.float64) if plain else None
