"""Values as CSV, for programs."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.files.writing import atomic_path


def write_columns(path: Path, columns: Mapping[str, Sequence[Any]], digits: int | None = 9) -> Path:
    """Write columns of equal length as CSV with a header, whole or not at all, and return the path.

    Floats have `digits` significant digits, by default nine; as many as they need for None. A value of None
    is left empty.
    """

    def written(value: Any) -> Any:
        return f"{value:.{digits}g}" if digits and isinstance(value, float) else value

    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([written(value) for value in row] for row in zip(*columns.values(), strict=True))
    return path


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], digits: int | None = 9) -> Path:
    """Write rows as `write_columns` does, a column for every key of any row, and return the path."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return write_columns(path, {key: [row.get(key) for row in rows] for key in keys}, digits)
