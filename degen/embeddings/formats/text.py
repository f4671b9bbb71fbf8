"""Read a matrix from text, one row per line: `.csv`, `.tsv`, or `.txt`, `.vec` and `.emb` with blanks.

A first line of names, or of 0, 1, 2, … as pandas writes it, is a header; `numpy.savetxt` puts `#` before it.
Which columns are ids is decided for all tables alike (`tabular.roles`). A first line `n d` before lines of
more than d fields is word2vec's. Then the last d fields are numbers, and all before them is the id, blanks
included.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from degen.data.reading.columns import named_columns
from degen.embeddings.content import NO_IDS, Asked, Content
from degen.embeddings.file_rows import Values
from degen.embeddings.formats.tabular.cells import HEAD, Cells, Column, Kind
from degen.embeddings.formats.tabular.header import counted_notes, is_header
from degen.embeddings.formats.tabular.lines import (
    Line,
    halves_of_numbers,
    is_decimal_comma,
    is_list,
    is_number,
    named_separator,
    numbered_lines,
    numbers,
    shown_separator,
)
from degen.embeddings.formats.tabular.roles import content_of
from degen.errors import UserError
from degen.files.memory import ALWAYS_FITS, check_fits

_SIZE = re.compile(r"[0-9]{1,12}")

RECBOLE_HEADER = "iid:token\titem_emb:float_seq"
"""First line of RecBole's file of item embeddings, `.itememb`."""


def read_text(path: Path, asked: Asked) -> Content:
    """Return the matrix, float64 [n, d], and the ids of its rows, if any.

    Raise a `UserError` where a line is ragged or holds a word, the file is empty, binary or cut short, or a
    column may hold ids or not.
    """
    separator = shown_separator(path) if asked.separator is None else named_separator(asked.separator)
    table = _open(path, separator)
    if asked.ids is None and named_columns([column.name for column in table.columns]) is not None:
        raise UserError(
            f"{path} looks like a log of interactions: `degen train` takes it as `dataset='{path}'`"
        )
    content = content_of(table, asked if not table.of_words else _of_words(path, asked))
    return replace(content, notes=(*table.notes, *content.notes))


def text_table(path: Path) -> TextTable:
    """Return the table in a text, of which the first lines have been read."""
    return _open(path, shown_separator(path))


def read_itememb(path: Path) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return the matrix, float64 [n, d], and the ids in RecBole's file of item embeddings.

    Its first line names an id:token and a vector:float_seq. Further columns are ignored. Raise a `UserError`
    where it names none, or a line has another number of fields.
    """
    lines = numbered_lines(path, "\t")
    _, header = next(lines, (0, [""]))
    token, sequence = (
        next((column for column, name in enumerate(header) if name.endswith(kind)), None)
        for kind in (":token", ":float_seq")
    )
    if token is None or sequence is None:
        raise UserError(f"{path} line 1 must name an id:token and a vector:float_seq, separated by a tab")
    values, ids, d = array("d"), [], None
    for number, fields in lines:
        row = numbers(path, number, fields[sequence].split()) if len(fields) == len(header) else []
        if not row or len(row) != (d := d or len(row)):
            raise UserError(
                f"{path} line {number} has {len(fields)} fields and {len(row)} numbers where {len(header)} "
                f"and {d or 'some'} are expected; mend that line"
            )
        ids.append(fields[token])
        values.extend(row)
    return np.array(values).reshape(len(ids), d or 0), ids


@dataclass(frozen=True)
class TextTable:
    """A table in a text.

    Attributes
    ----------
    path, separator
        the file, and the sign between fields; None for blanks.
    columns
        the columns, with the names of the header, if any.
    first
        number of the first line of the table, counted from 1.
    rows
        the number that word2vec's first line gives, or None.
    notes
        sentences about what was concluded from the first lines.
    """

    path: Path
    separator: str | None
    columns: Sequence[Column]
    first: int
    rows: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def of_words(self) -> bool:
        """True for word2vec's text, whose first line gives n and d."""
        return self.rows is not None

    def head(self, columns: Sequence[int]) -> list[Cells]:
        """Return the first rows of some columns."""
        lines = list(islice(self._lines(), HEAD))
        return [self._numeric([(number, fields[at]) for number, fields in lines]) for at in columns]

    def cells(self, column: int) -> Cells:
        """Return a column as the words that the file has."""
        found = ((number, fields[column]) for number, fields in self._lines())
        if self.columns[column].kind is Kind.NUMBERS:
            return self._numeric(found)
        return [word for _, word in found]

    def matrix(self, columns: Sequence[int], ids: int | None) -> tuple[Values, Cells | None]:
        """Return columns as a matrix [n, d], and the words of another."""
        values, words, d = array("d"), [], len(columns)
        span = slice(columns[0], columns[-1] + 1) if columns[-1] - columns[0] + 1 == d else None
        checked = ALWAYS_FITS
        for number, fields in self._lines():
            row = fields[span] if span is not None else [fields[at] for at in columns]
            values.extend(numbers(self.path, number, row))
            if ids is not None:
                words.append(fields[ids])
            if 8 * len(values) > checked:
                # The array doubles as it grows, and the old one is there until it is copied.
                check_fits(8 * len(values), f"{self.path} in float64", "write it as .npy in float32")
                checked *= 2
        n = len(values) // d
        if self.rows not in (None, n):
            raise UserError(
                f"{self.path} line 1 promises {self.rows} rows, but {n} follow; write the whole file again"
            )
        whole = np.frombuffer(values).reshape(n, d) if n else np.empty((0, d))
        return whole, None if ids is None else words

    def _numeric(self, cells: Iterator[tuple[int, str]] | list[tuple[int, str]]) -> list[str]:
        words = []
        for number, word in cells:
            if word and not is_number(word):
                numbers(self.path, number, [word])
            words.append(word)
        return words

    def _lines(self) -> Iterator[Line]:
        width = len(self.columns)
        for number, fields in numbered_lines(self.path, self.separator):
            if number < self.first:
                continue
            parts = fields if len(fields) == width else self._joined(fields)
            if parts is None and number == self.first and not any(map(is_number, fields)):
                raise UserError(
                    f"{self.path} is no matrix: line {number} holds no number; give a file with a row of "
                    "numbers per item"
                )
            if parts is None:
                raise UserError(
                    f"{self.path} line {number} has {len(fields)} columns where {width} are expected; give "
                    "every row as many"
                )
            yield number, parts

    def _joined(self, fields: list[str]) -> list[str] | None:
        """Return the fields of a line whose id holds blanks, or None where it cannot be one."""
        width = len(self.columns)
        before = len(fields) - width + 1
        if self.separator is not None or before < 1 or self.columns[0].kind is not Kind.TEXT:
            return None
        # An id with blanks can be told from one number too many only if it does not end in a number, or if
        # the file itself gives d.
        if not self.of_words and is_number(fields[before - 1]):
            return None
        return [" ".join(fields[:before]), *fields[before:]]


def _of_words(path: Path, asked: Asked) -> Asked:
    """Check what is asked of word2vec's text, whose first column is the ids."""
    if asked.ids not in (None, NO_IDS, "0"):
        raise UserError(f"{path} begins with its numbers of rows and columns, so that its ids come first")
    return replace(asked, ids="0")


def _open(path: Path, separator: str | None) -> TextTable:
    """Return the table that the first lines imply."""
    lines = numbered_lines(path, separator)
    first, comment = _after_comments(lines)
    head = [*first, *islice(lines, HEAD)]
    if not head or (len(head) == 1 and comment is None and is_header(head[0][1])):
        raise UserError(f"{path} is empty, or has a header only; write one row of numbers per item")
    (number, names), (second, fields) = head[0], head[min(1, len(head) - 1)]
    # word2vec's first line is `n d`, before lines of an id and d numbers.
    counts = separator is None and len(names) == 2 and all(map(_SIZE.fullmatch, names))
    if counts and len(fields) > int(names[1]) > 1:
        columns = [Column("", Kind.TEXT), *[Column("", Kind.NUMBERS)] * int(names[1])]
        return TextTable(path, separator, columns, second, int(names[0]))
    header, notes = is_header(names), tuple[str, ...]()
    if not header:
        width = len(names)
        fits = comment is not None and len(comment) == width and not any(map(is_number, comment))
        names, begin = (comment if fits and comment else [""] * width), number
    else:
        del head[0]
        begin, notes = second, counted_notes(path, names, [fields for _, fields in head])
        # R leaves out the name of its column of row names, and pandas writes nothing before a blank.
        if separator in (None, "\t") and len(fields) == len(names) + 1:
            names = ["", *names]
    rows = [fields for _, fields in head]
    if separator == "," and halves_of_numbers(rows):
        raise UserError(
            f"{path} has commas between numbers with a decimal comma, as it seems ({','.join(rows[0][:4])}); "
            "write numbers with a point"
        )
    columns = [Column(name.strip(), kind) for name, kind in zip(names, _kinds(rows, names), strict=True)]
    return TextTable(path, separator, columns, begin, notes=notes)


def _after_comments(lines: Iterator[Line]) -> tuple[list[Line], list[str] | None]:
    """Skip lines that begin with `#`; return the next line, if any, and the fields of the last one skipped.

    A line that begins so is a row, with the id `#`, if the next one begins with a word too.
    """
    comment: list[str] | None = None
    while (line := next(lines, None)) is not None:
        _, fields = line
        if not fields[0].startswith("#"):
            return [line], comment
        following = next(lines, None)
        if following is not None:
            lines = chain([following], lines)
            after = following[1]
            of_words = not (is_number(after[0]) or after[0].startswith("#"))
            if of_words and len(after) == len(fields) and all(map(is_number, fields[1:])):
                return [line, *islice(lines, 1)], comment
        word = fields[0].lstrip("#").strip()
        comment = [word, *fields[1:]] if word else fields[1:]
    return [], comment


def _kinds(rows: list[list[str]], names: list[str]) -> list[Kind]:
    """Return the kinds of the columns by the first rows.

    The first column is text as soon as one cell is no number. Others are text if most cells are, in a table
    with a header, or in the last column if the first one holds numbers. Everywhere else a word is an error,
    which is found when the numbers are read.
    """
    width = len(names)
    whole = [fields for fields in rows if len(fields) == width]
    kinds: list[Kind] = []
    for at in range(width):
        cells = [fields[at] for fields in whole]
        if at and at == width - 1 and not any(map(str.strip, cells)):
            kinds.append(Kind.OTHER)  # a separator at the end of each line begins no column
            continue
        words = sum(not any(fits(cell) for fits in (is_number, is_decimal_comma, is_list)) for cell in cells)
        may_be_text = any(names) or (at == width - 1 and kinds[0] is Kind.NUMBERS) if at else True
        # A line break comes from a quotation mark without its partner.
        text = words > 0 if at == 0 else 2 * words > len(cells) and not any("\n" in cell for cell in cells)
        kinds.append(Kind.TEXT if text and may_be_text else Kind.NUMBERS)
    return kinds
