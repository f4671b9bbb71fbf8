"""The first lines of a text file, split into fields, from which `guess_format` draws its conclusions."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from degen.data.reading.columns import named_columns
from degen.data.reading.table import Row, is_blank, not_csv, split_rows
from degen.data.reading.times import is_time

HEAD_BYTES = 1 << 20
"""Maximum number of bytes that are looked at."""

_LINES = 20_000
"""Maximum number of lines that are looked at."""

_TRIED = 500
"""Maximum number of values of a column that are tried as times or ratings."""

_SEPARATORS = ("::", "\t", ",", ";", "|")
_TYPED = re.compile(r"[^:\s]+:(token|float)(_seq)?")
_LARGE = 1_000_000
"""Numbers from here on are time stamps, smaller ones may be ratings or indices."""


@dataclass(frozen=True)
class FileHead:
    """The first lines of a file; blank lines and a last line that was cut off are left out."""

    path: Path
    lines: list[str]

    @classmethod
    def of(cls, path: Path, start: bytes) -> FileHead:
        """Split the first `HEAD_BYTES` bytes of a file into lines."""
        lines = start.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").split("\n")
        if len(start) == HEAD_BYTES and len(lines) > 1:
            lines.pop()
        return cls(path, [line for line in lines if line.strip()][:_LINES])

    @cached_property
    def separator(self) -> str | None:
        """The separator that more than half of the lines have, or None for spaces."""
        half = len(self.lines) / 2
        return next((s for s in _SEPARATORS if sum(s in line for line in self.lines) > half), None)

    @cached_property
    def rows(self) -> list[Row]:
        """The fields of each line."""
        lines = split_rows((line + "\n" for line in self.lines), self.separator)
        rows: list[Row] = []
        try:
            rows.extend(row for _, row in lines if not is_blank(row))
        except csv.Error as error:
            raise not_csv(self.path, len(rows), error) from error
        return rows

    @cached_property
    def widths(self) -> Counter[int]:
        """Number of rows per number of fields."""
        return Counter(len(row) for row in self.rows)

    @cached_property
    def width(self) -> int:
        """The most common number of fields."""
        return self.widths.most_common(1)[0][0]

    @property
    def first(self) -> Row:
        """The fields of the first line."""
        return self.rows[0]

    @cached_property
    def typed(self) -> bool:
        """True if the first line is `name:type …`, as RecBole writes it."""
        return all(_TYPED.fullmatch(field.strip()) for field in self.first)

    @cached_property
    def has_header(self) -> bool:
        """True if the first line names columns: it has known names, or words above a column of numbers."""
        if self.typed or named_columns(self.first) is not None:
            return True
        others = self.rows[1 : 1 + _TRIED]
        body = [row for row in others if len(row) == len(self.first)]
        if any(map(is_time, self.first)) or len(set(self.first)) < len(self.first):
            return False
        if not body or len(body) < 0.9 * len(others):
            return False
        return any(mostly_times([row[index] for row in body]) for index in range(len(self.first)))

    def column(self, index: int) -> list[str]:
        """The values of one field, of all rows with the most common number of fields."""
        return [row[index] for row in self.rows if len(row) == self.width]

    @cached_property
    def one_row_per_user(self) -> bool:
        """True if no first field occurs twice."""
        users = [row[0] for row in self.rows]
        return len(set(users)) == len(users)


def mostly_times(values: list[str]) -> bool:
    """Return whether more than half of the first values are numbers or dates."""
    tried = values[:_TRIED]
    return sum(map(is_time, tried)) > len(tried) / 2


def mostly_stamps(values: list[str]) -> bool:
    """Return whether more than half of the first values are dates, or numbers too large for ratings."""
    tried = values[:_TRIED]
    return sum(is_time(value) and not (_number(value) < _LARGE) for value in tried) > len(tried) / 2


def are_ratings(values: list[str]) -> bool:
    """Return whether all of the first values are numbers from 0 to 10 in steps of a half."""
    return all(0 <= _number(value) <= 10 and (2 * _number(value)).is_integer() for value in values[:_TRIED])


def _number(text: str) -> float:
    """Return the value of a number, and infinity for any other text, such as a date."""
    try:
        return float(text)
    except ValueError:
        return float("inf")
