"""The content of a matrix file as a reader returns it, and the options that a reader takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.weights.known_matrix import KnownMatrix
from degen.embeddings.formats.weights.padding import Padding

Counts = npt.NDArray[np.int64]

NO_IDS = "none"
"""Value of `ids` that says that no column holds ids."""


@dataclass(frozen=True)
class Asked:
    """The choices of a user that concern the reading of one file: see `load_matrix`.

    Attributes
    ----------
    key
        name of an array, or of a column of lists.
    ids
        name of the column or array of ids, or its number from 0; `none` for no ids; None to recognize it.
    separator
        sign between the fields of a text; None to recognize it.
    ids_beside
        True where a file beside the matrix has its ids, so that the numbers of a column tell nothing.
    """

    key: str | None = None
    ids: str | None = None
    separator: str | None = None
    ids_beside: bool = False


@dataclass(frozen=True)
class Content:
    """All rows of a matrix file.

    Attributes
    ----------
    values
        [n, d], of any type: they are checked later.
    ids
        the ids of the n rows, or None where the file has none.
    frequency
        int64 [n], at least 0, where a column says how often each row occurs.
    notes
        sentences about what was concluded or left out.
    columns
        for a table, the d names of the columns that hold the dimensions, or the empty string where a column
        has only its number. Empty for an array.
    known
        the known project that wrote the matrix.
    padding
        rows that look like padding, where no project is known.
    """

    values: Values | FileRows
    ids: list[str] | None = None
    frequency: Counts | None = None
    notes: tuple[str, ...] = ()
    columns: Sequence[str] = ()
    known: KnownMatrix | None = None
    padding: Padding | None = None
