"""The first lines of a text file, split into fields, from which `guess_format` draws its conclusions."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from degen.data.reading.columns import named_columns
from degen.data.reading.ids import MISSING
from degen.data.reading.shapes.plausible import is_stated, mostly_dates, mostly_times
from degen.data.reading.table import Row, is_blank, not_csv, split_rows
from degen.errors import UserError

HEAD_BYTES = 1 << 20
"""Maximum number of bytes that are looked at."""

_LINES = 20_000
"""Maximum number of lines that are looked at."""

_TRIED = 500
"""Maximum number of rows below the first that are looked at to tell whether it names columns."""

_SEPARATORS = ("::", "\t", ",", ";", "|")
_TYPED = re.compile(r"[^:\s]+:(token|float)(_seq)?")
_COMMENT = re.compile(r"([#%])(\s|\1|$)")


@dataclass(frozen=True)
class FileHead:
    """The first lines of a file; blank lines, comments and a last line that was cut off are left out.

    `comments` is the number of lines at the start of the file, comments and blank lines between them, that
    stand before the first of `lines`. `given` is the separator that the user named, if `is_given`.
    """

    path: Path
    lines: list[str]
    comments: int = 0
    given: str | None = None
    is_given: bool = False

    @classmethod
    def of(
        cls,
        path: Path,
        start: bytes,
        separator: str | None = None,
        *,
        is_given: bool = False,
        may_be_marked: bool = True,
    ) -> FileHead:
        """Split the first `HEAD_BYTES` bytes of a file into lines; raise a `UserError` if all are blank.

        Lines at its start are comments only if it `may_be_marked`.
        """
        lines = start.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").split("\n")
        if len(start) == HEAD_BYTES and len(lines) > 1:
            lines.pop()
        if not any(map(str.strip, lines)):
            raise UserError(f"{path} is empty; it should hold one interaction, or one user, per line")
        whole = cls(path, [line for line in lines if line.strip()][:_LINES], 0, separator, is_given)
        marked = whole._marked() if may_be_marked else 0
        if not marked:
            return whole
        comments = next(at for at, line in enumerate(lines) if line == whole.lines[marked])
        return cls(path, whole.lines[marked:], comments, separator, is_given)

    def _marked(self) -> int:
        """Return the number of lines at the start that are comments, as SNAP (`# `) and KONECT (`% `) write.

        A line `#user,item,time` names the columns. An id may begin with a sign of comments too.
        """
        marked = next((at for at, line in enumerate(self.lines) if line[0] not in "#%"), 0)
        if not marked:
            return 0
        body = FileHead(self.path, self.lines[marked:], 0, self.given, self.is_given)
        last = _fields(self.lines[marked - 1], body.separator)
        if len(last) == body.width and named_columns(last) is not None:
            marked -= 1
        for at, line in enumerate(self.lines[:marked]):
            if _COMMENT.match(line) is None and len(_fields(line, body.separator)) == body.width:
                return at
        return marked

    @cached_property
    def separator(self) -> str | None:
        """The separator that more than half of the lines have, or None for spaces."""
        if self.is_given:
            return self.given
        half = len(self.lines) / 2
        usual = [sign for sign in _SEPARATORS if sum(sign in line for line in self.lines) > half]
        # Where a text between semicolons holds commas, semicolons split all lines alike and commas do not.
        alike = (sign for sign in usual[1:] if _same_width(self.lines, sign))
        if len(usual) > 1 and usual[0] == "," and not _same_width(self.lines, ","):
            return next(alike, ",")
        doubled = "\t\t"
        if usual[:1] == ["\t"] and all("\t" not in line.replace(doubled, "") for line in self.lines):
            return doubled
        return next(iter(usual), None)

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
        if not self.may_name or not body or len(body) < 0.9 * len(others):
            return False
        return any(
            _timed([row[index] for row in body])
            for index in range(len(self.first))
            if self.first[index].strip() not in MISSING
        )

    @property
    def may_name(self) -> bool:
        """True if the first line can name columns: its fields differ, and none is a number or a date."""
        return not any(map(is_stated, self.first)) and len(set(self.first)) == len(self.first)

    def column(self, index: int) -> list[str]:
        """The values of one field, of all rows with the most common number of fields."""
        return [row[index] for row in self.rows if len(row) == self.width]

    def below(self, index: int) -> list[str]:
        """The values of one field below a first line of names, of all rows as long as that."""
        return [row[index] for row in self.rows[1:] if len(row) == len(self.first)]

    @cached_property
    def one_row_per_user(self) -> bool:
        """True if no first field occurs twice."""
        users = [row[0] for row in self.rows]
        return len(set(users)) == len(users)


def _fields(line: str, separator: str | None) -> Row:
    """Return the fields of one line, or none where it is no line of a table."""
    try:
        return next(split_rows([line + "\n"], separator), (0, []))[1]
    except csv.Error:
        return []


def _timed(values: list[str]) -> bool:
    return mostly_times(values) or mostly_dates(values)


def _same_width(lines: list[str], separator: str) -> bool:
    """Return whether a separator splits nearly all lines into as many fields as the first."""
    try:
        widths = [len(row) for _, row in split_rows((line + "\n" for line in lines), separator)]
    except csv.Error:
        return False
    return widths.count(widths[0]) > 0.95 * len(lines)
