"""A table whose columns are in memory: from a pickled DataFrame, or from JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.tabular.cells import HEAD, Cells, Column


@dataclass(frozen=True)
class Frame:
    """A table of `columns`, with the `held` cells of each: numbers [n], lists of numbers [n, d], or words."""

    path: Path
    columns: Sequence[Column]
    held: Sequence[Cells]

    def head(self, columns: Sequence[int]) -> list[Cells]:
        """Return the first rows of some columns."""
        return [self.held[at][:HEAD] for at in columns]

    def cells(self, column: int) -> Cells:
        """Return a column."""
        return self.held[column]

    def matrix(self, columns: Sequence[int], ids: int | None) -> tuple[Values, Cells | None]:
        """Return columns as a matrix [n, d], and the cells of another."""
        parts = [np.asarray(self.held[at]) for at in columns]
        values = parts[0] if parts[0].ndim == 2 else np.stack(parts, axis=1)
        return values, None if ids is None else self.held[ids]
