"""An item matrix that a known project wrote, and the names of weights that tell a project."""

from __future__ import annotations

import re
from dataclasses import dataclass

from degen.embeddings.formats.named_arrays import ArrayFile

FIRST = (0,)
BOTH = (0, -1)

Cores = tuple[tuple[int, int], ...]
"""Filters of a log: the minimum number of actions per user and per item of each."""


@dataclass(frozen=True)
class KnownMatrix:
    """A matrix that a known project wrote, by its name in the file.

    Attributes
    ----------
    key, project
        the name of the matrix in the file, and the project.
    rows
        numbers of the rows that are not items; negative ones count from the end.
    doubt
        a clause on which other row may not be an item.
    cores
        the filters that may have been applied to the log where the project numbers items by their first
        appearance in it.
    ids
        those of all rows.
    usual
        whether it is taken where no other matrix of the file is, and nobody says which.
    """

    key: str
    project: str
    rows: tuple[int, ...]
    doubt: str = ""
    cores: Cores = ()
    ids: list[str] | None = None
    usual: bool = True


def ending(file: ArrayFile, name: str) -> list[str]:
    """Return the matrices named `name`, or `….name` as in a wrapped model."""
    return [key for key in matrices(file) if key == name or key.endswith(f".{name}")]


def matrices(file: ArrayFile) -> list[str]:
    """Return the names of the arrays of two dimensions."""
    return [key for key, stored in file.arrays.items() if len(stored.shape) == 2]


def has(file: ArrayFile, name: str) -> bool:
    """Return whether a weight is named `name`, or begins with it if it ends in a dot; wrapped or not."""
    if not name:
        return False
    pattern = re.compile(rf"(.*\.)?{re.escape(name)}{'.*' if name.endswith('.') else ''}")
    return any(pattern.fullmatch(key) for key in file.arrays)
