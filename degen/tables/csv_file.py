"""Values as CSV, for programs and spreadsheets.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula. A text that does, such as the
name of an item, has an apostrophe before it, which spreadsheets take for the mark of a text; numbers have
none. `plain_text` takes it away again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from degen.files.outputs import output_path
from degen.shown import shown

_FORMULA = re.compile(r"'*[=+\-@]")


def write_columns(path: Path, columns: Mapping[str, Iterable[Any]], digits: int | None = 9) -> Path:
    """Write columns of equal length as CSV with a header, whole or not at all, and return the path.

    Floats have `digits` significant digits, by default nine; as many as they need for None. A value of None
    is left empty. Texts are safe in spreadsheets (`safe_text`).
    """

    def written(value: Any) -> Any:
        if isinstance(value, str):
            return safe_text(value)
        return f"{value:.{digits}g}" if digits and isinstance(value, float) else value

    with output_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(safe_text, columns))
        writer.writerows([written(value) for value in row] for row in zip(*columns.values(), strict=True))
    return path


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], digits: int | None = 9) -> Path:
    """Write rows as `write_columns` does, a column for every key of any row, and return the path."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return write_columns(path, {key: [row.get(key) for row in rows] for key in keys}, digits)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that `write_rows` wrote: numbers as int or float, empty cells as None."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _value(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def _value(cell: str | None) -> Any:
    for kind in (int, float):
        with suppress(ValueError, TypeError):
            return kind(cell)  # type: ignore[arg-type]
    return plain_text(cell) if cell else None


def safe_text(text: str) -> str:
    r"""Return a text that no spreadsheet runs: an apostrophe before a formula, controls escaped.

    >>> safe_text("=1+1"), safe_text("-3.5"), safe_text("a\x1b"), plain_text(safe_text("=1+1"))
    ("'=1+1", '-3.5', 'a\\x1b', '=1+1')
    """
    return shown(f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text)


def plain_text(cell: str) -> str:
    """Return the text of a cell that `safe_text` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
