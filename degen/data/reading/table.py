"""Read logs with one action per line: RecBole's .inter, pairs, MovieLens, Amazon's ratings and any CSV.

A file is read in blocks of whole lines. NumPy splits plain blocks (`line_blocks`). Python's `csv` splits all
others line by line, and with them all that follows the first quotation mark of a CSV, which may hold line
ends. Memory holds one block, 16 bytes per action (user, item and time as integers), and each id once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from degen.data.interactions import Interactions
from degen.data.reading.actions import Actions
from degen.data.reading.columns import Columns
from degen.data.reading.ids import missing_ids
from degen.data.reading.line_blocks import Block
from degen.data.reading.open_log import open_text
from degen.data.reading.times import UnreadableTime
from degen.errors import UserError, counted

_BLOCK = 1 << 22
"""Characters that are read at once."""

_CHUNK = 5_000
"""Lines that are split one by one before they are passed on."""

_QUOTING = (",", ";")
"""Separators of CSV, between which quotation marks have a meaning."""

Row = list[str]


def split_rows(lines: Iterable[str], separator: str | None) -> Iterator[tuple[int, Row]]:
    """Yield each row's fields, with the number of its last line, from 1.

    A separator None is any white space. Between commas or semicolons, a quoted field may hold line ends.
    """
    if separator is None:
        return enumerate(map(str.split, lines), start=1)
    if len(separator) > 1:
        return enumerate((line.rstrip("\n").split(separator) for line in lines), start=1)
    quoted = separator in _QUOTING
    reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    return ((reader.line_num, row) for row in reader)


def not_csv(path: Path, line: int, error: csv.Error) -> UserError:
    """Return the error for a table whose rows cannot be told apart after `line`."""
    return UserError(
        f"{path} after line {line} is not CSV ({error}); "
        "look for a quotation mark left open, and for line ends other than those of text"
    )


def is_blank(row: Row) -> bool:
    """Return whether a row comes from a line without any text."""
    return not row or (len(row) == 1 and not row[0].strip())


@dataclass(frozen=True)
class Rows:
    """Lines that were split one by one, with the methods of a `Block` that `TableReader` needs."""

    numbers: list[int]
    rows: list[Row]

    def __len__(self) -> int:
        return len(self.rows)

    def line(self, index: int) -> int:
        """Return the number in the file, from 1, of one of the lines."""
        return self.numbers[index]

    def take(self, lines: npt.NDArray[np.int64]) -> Rows:
        """Return some of the lines, given by their places among them."""
        places = lines.tolist()
        return Rows([self.numbers[place] for place in places], [self.rows[place] for place in places])

    def empty(self, column: int) -> int | None:
        """Return the first line whose field is empty, or None."""
        return next((index for index, row in enumerate(self.rows) if row[column] == ""), None)

    def texts(self, column: int) -> list[str]:
        """Return one field of all lines as strings."""
        return [row[column] for row in self.rows]


@dataclass(frozen=True)
class TableReader:
    """The reader of one table, each of whose lines must have `width` fields.

    `comments` lines at its start are skipped, and the next one too if it is a `header`.
    """

    path: Path
    separator: str | None
    columns: Columns
    width: int
    header: bool = False
    comments: int = 0
    time_format: str | None = None

    def read(self, encoding: str) -> Interactions:
        """Read the whole file; raise a `UserError` for a line without an item, or of another shape."""
        timed, hours = self.columns.time is not None, self.columns.hours
        actions = Actions(self.path, timed=timed, pattern=self.time_format, hours=hours)
        with open_text(self.path, encoding) as file:
            for part in self._parts(file):
                self._add(actions, part)
        return actions.finish()

    def _add(self, actions: Actions, part: Block | Rows) -> None:
        users = part.words(self.columns.user) if isinstance(part, Block) else part.texts(self.columns.user)
        if (missing := missing_ids(users)) is not None:
            actions.leave_out(int(missing.sum()), f"line {part.line(int(missing.argmax()))}")
            part = part.take(np.flatnonzero(~missing))
            if len(part):
                self._add(actions, part)
            return
        empty = part.empty(self.columns.item)
        if empty is not None:
            raise UserError(
                f"{self.path} line {part.line(empty)} has no item; remove that line, or give it one"
            )
        item = self.columns.item
        actions.add(users, part.words(item) if isinstance(part, Block) else part.texts(item))
        if self.columns.time is not None:
            self._add_times(actions, part, self.columns.time)

    def _parts(self, file: io.TextIOWrapper) -> Iterator[Block | Rows]:
        """Yield all lines in order, split by NumPy where that is exact and one by one elsewhere."""
        before = self.comments
        for _ in range(before):
            file.readline()
        if self.header:
            # Read past the header and blank lines before it.
            rows = split_rows(iter(file.readline, ""), self.separator)
            before += next((line for line, row in rows if not is_blank(row)), 0)
        while text := file.read(_BLOCK) + file.readline():
            if self.separator in _QUOTING and '"' in text:
                yield from self._line_by_line(chain(io.StringIO(text), file), before)
                return
            # The last line of the file may lack its line end.
            text = text if text.endswith("\n") else f"{text}\n"
            block = Block.split(text, self.separator, self.width, before)
            if block is not None:
                yield block
            else:
                yield from self._line_by_line(io.StringIO(text), before)
            before += text.count("\n")

    def _line_by_line(self, lines: Iterable[str], before: int) -> Iterator[Rows]:
        """Yield lines that are split one by one; `before` is the number of lines before them."""
        rows = split_rows(lines, self.separator)
        line = before
        try:
            while chunk := list(islice(rows, _CHUNK)):
                kept = [(before + number, row) for number, row in chunk if not is_blank(row)]
                line = before + chunk[-1][0]
                self._check_widths(kept)
                yield Rows([number for number, _ in kept], [row for _, row in kept])
        except csv.Error as error:
            raise not_csv(self.path, line, error) from error

    def _check_widths(self, rows: list[tuple[int, Row]]) -> None:
        for line, row in rows:
            if len(row) != self.width:
                fields = counted(len(row), "field")
                raise UserError(
                    f"{self.path} line {line} has {fields} where {self.width} were expected; "
                    "mend that line, or name the format with `input_format`"
                )

    def _add_times(self, actions: Actions, part: Block | Rows, column: int) -> None:
        clock = self.columns.clock
        integers = None
        if isinstance(part, Block) and clock is None and not actions.wants_texts:
            integers = part.integers(column)
        try:
            if integers is None:
                actions.add_times(part.texts(column), None if clock is None else part.texts(clock))
            else:
                actions.add_times(integers)
        except UnreadableTime as error:
            raise error.at(f"{self.path} line {part.line(error.index)}") from error
