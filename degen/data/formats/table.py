"""One action a line: RecBole's .inter, pairs, MovieLens, Amazon's ratings and any CSV, told apart by `sniff`.

Lines are split and coded a few thousand at a time, so that memory holds integers and each id once. The number
of a bad line is found by a second pass, which only an error needs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path

from degen.data.columns import Columns
from degen.data.interactions import IdCoder, Interactions
from degen.data.sources import open_text
from degen.data.times import TimeColumn, UnreadableTime
from degen.errors import UserError

CHUNK = 5_000
_QUOTING = (",", ";")

Row = list[str]


def split_rows(lines: Iterable[str], separator: str | None) -> Iterator[Row]:
    """Split lines into fields; None is any white space. Commas and semicolons may be quoted."""
    if separator is None:
        return map(str.split, lines)
    if len(separator) > 1:
        return (line.rstrip("\n").split(separator) for line in lines)
    if separator in _QUOTING:
        return csv.reader(lines, delimiter=separator)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


def is_blank(row: Row) -> bool:
    """Whether a row is that of a line without any text."""
    return not row or (len(row) == 1 and not row[0].strip())


class TableReader:
    """Reads one table; `width` is the number of fields that each line must have."""

    def __init__(
        self, path: Path, separator: str | None, columns: Columns, width: int, *, header: bool
    ) -> None:
        self.path = path
        self.separator = separator
        self.columns = columns
        self.width = width
        self.header = header

    def read(self, encoding: str) -> Interactions:
        """Read the whole file.

        Raises
        ------
        UserError
            naming the line: of another width, without a user or an item, or with an unreadable time.
        """
        users, items = IdCoder(), IdCoder()
        times = None if self.columns.time is None else TimeColumn()
        for first, rows in self._chunks(encoding):
            kept = self._checked(rows, first, encoding)
            users.add(list(map(itemgetter(self.columns.user), kept)))
            items.add(list(map(itemgetter(self.columns.item), kept)))
            if "" in users or "" in items:
                self._refuse_empty(rows, first, encoding)
            if times is not None:
                self._add_times(times, kept, rows, first, encoding)
        notes = () if times is None else times.notes
        values = None if times is None or not users.ids else times.times()
        return Interactions(users.codes(), items.codes(), values, users.ids, items.ids, notes)

    def _chunks(self, encoding: str) -> Iterator[tuple[int, list[Row]]]:
        """Yield the number of rows before each chunk, the header's included, and the chunk."""
        with open_text(self.path, encoding) as file:
            reader = split_rows(file, self.separator)
            first = 0
            if self.header:
                first = 1 + sum(1 for _ in _until(reader))
            try:
                while rows := list(islice(reader, CHUNK)):
                    yield first, rows
                    first += len(rows)
            except csv.Error as error:
                line = getattr(reader, "line_num", first)
                raise UserError(
                    f"{self.path} line {line} is not CSV ({error}); look for a quotation mark left open"
                ) from error

    def _checked(self, rows: list[Row], first: int, encoding: str) -> list[Row]:
        if set(map(len, rows)) == {self.width}:
            return rows
        for index, row in enumerate(rows):
            if len(row) != self.width and not is_blank(row):
                line = self._line(first + index, encoding)
                raise UserError(
                    f"{self.path} line {line} has {_fields(len(row))} where {self.width} were expected; "
                    "mend that line, or name the format with --input-format"
                )
        return [row for row in rows if not is_blank(row)]

    def _refuse_empty(self, rows: list[Row], first: int, encoding: str) -> None:
        for index, row in enumerate(rows):
            for role, place in (("user", self.columns.user), ("item", self.columns.item)):
                if not is_blank(row) and row[place] == "":
                    line = self._line(first + index, encoding)
                    raise UserError(
                        f"{self.path} line {line} has no {role}; remove that line, or give it an id"
                    )

    def _add_times(
        self, times: TimeColumn, kept: list[Row], rows: list[Row], first: int, encoding: str
    ) -> None:
        place = self.columns.time
        assert place is not None
        try:
            times.add(list(map(itemgetter(place), kept)))
        except UnreadableTime as error:
            before = [index for index, row in enumerate(rows) if not is_blank(row)]
            line = self._line(first + before[error.index], encoding)
            raise UserError(
                f"{self.path} line {line} has the time '{error.value}'; times are numbers, or dates like "
                "2018-01-31 09:30:00, the same in every line; --columns names another column, or none"
            ) from error

    def _line(self, row: int, encoding: str) -> int:
        """Number of the line on which a row ends, from 1; a row in quotation marks may have several lines."""
        with open_text(self.path, encoding) as file:
            reader = split_rows(file, self.separator)
            for _ in islice(reader, row + 1):
                pass
            return int(getattr(reader, "line_num", row + 1))


def _until(reader: Iterator[Row]) -> Iterator[Row]:
    """Yield the blank rows before the header, and take the header off."""
    for row in reader:
        if not is_blank(row):
            return
        yield row


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
