"""A table of a row per item, and the matrix in it.

    Table ─ roles ─► ids, frequency, dimensions ─► Content

Tables differ in where they lie (`text`, `arrow_table`, `frame`). Which columns are ids and which are
dimensions is decided in one place, `roles`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from degen.embeddings.file_rows import Values

HEAD = 256
"""Number of rows by which columns that cannot be ids are told before the table is read."""

LISTED = 6
"""Maximum number of columns that a note names."""

Cells = Values | list[str]
"""The cells of a column: numbers in their own type, or the words of a text."""


class Kind(Enum):
    """The kind of a column's cells."""

    NUMBERS = "numbers"
    TEXT = "text"
    LISTS = "lists"
    OTHER = "other"


@dataclass(frozen=True)
class Column:
    """A column: its name, empty where it has none, its kind, and whether pandas kept its index in it."""

    name: str
    kind: Kind
    index: bool = False


class Table(Protocol):
    """A table in a file. Every method raises a `UserError` where the file is damaged.

    Empty cells of numbers are NaN, or an empty word, except in a matrix and in ids, where they are refused.
    """

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """The columns, in the order of the file."""
        ...

    def head(self, columns: Sequence[int]) -> list[Cells]:
        """Return the first rows, at most `HEAD`, of some columns of numbers."""
        ...

    def cells(self, column: int) -> Cells:
        """Return all cells of a column of numbers or text."""
        ...

    def matrix(self, columns: Sequence[int], ids: int | None) -> tuple[Values, Cells | None]:
        """Return columns of numbers, or one of lists, as a matrix [n, d], and the cells of another."""
        ...


def named(columns: Sequence[Column], column: int) -> str:
    """Return a column as a sentence calls it: by its name, or by its number where it has none."""
    name = columns[column].name
    return f"column {name!r}" if name else f"column {column}"


def as_numbers(cells: Cells) -> Values:
    """Return the cells of a column of numbers as an array [n], with NaN for empty ones."""
    return np.array([float(cell or "nan") for cell in cells]) if isinstance(cells, list) else cells


def are_counts(values: Values) -> npt.NDArray[np.bool_]:
    """Return which numbers are whole, and 0 or more, and fit into 64 bits."""
    valid: npt.NDArray[np.bool_] = (
        np.isfinite(values) & (values >= 0) & (values < 2**63) & (values == np.floor(values))
    )
    return valid


def as_ids(cells: Cells) -> list[str]:
    """Return cells as ids; whole numbers that lost their type (`12.0`) are written as whole numbers."""
    if isinstance(cells, list):
        plain = [cell.removesuffix(".0") for cell in cells]
        return (
            plain if all(cell.endswith(".0") for cell in cells) and all(map(str.isdecimal, plain)) else cells
        )
    if cells.dtype.kind == "f" and (cells == np.floor(cells)).all():
        return [str(int(cell)) for cell in cells.tolist()]
    return [str(cell) for cell in cells.tolist()]
