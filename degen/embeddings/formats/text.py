"""Read a matrix from text, one row per line: `.csv`, `.tsv`, or `.txt` and `.vec` with blanks between fields.

A first line of names, or of 0, 1, 2, … as pandas writes it, is a header. The first column holds ids if it
is not numeric, or if its header is a name of ids ("", id, item, item_id, …). A first line `n d` before lines
of more than d fields is word2vec's. Then the last d fields are numbers, and all before them is the id, blanks
included.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from degen.errors import UserError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": None, ".vec": None}
"""Separator of fields by suffix; None is any number of blanks."""

ID_NAMES = {"", "id", "ids", "index", "iid", "item", "item_id", "itemid", "key", "name", "token", "word"}
"""Names of a column of ids, in lower case."""

RECBOLE_HEADER = "iid:token\titem_emb:float_seq"
"""First line of RecBole's file of item embeddings, `.itememb`."""

Line = tuple[int, list[str]]


def read_text(path: Path) -> tuple[npt.NDArray[np.float64], list[str] | None]:
    """Return the matrix, float64 [n, d], and the ids of its rows, if any.

    Raise a `UserError` where a line is ragged or holds a word, or the file is empty, binary or cut short.
    """
    lines = numbered_lines(path)
    head = list(islice(lines, 2))
    if not head or (len(head) == 1 and _is_header(head[0][1])):
        raise UserError(f"{path} is empty, or has a header only; write one row of numbers per item")
    (_, first), (_, second) = head[0], head[-1]
    # word2vec's first line is `n d`, before lines of an id and d numbers.
    blanks, counts = DELIMITERS[path.suffix.lower()] is None, all(map(str.isdecimal, first))
    sized = blanks and counts and len(first) == 2 and len(second) > int(first[1]) > 1
    layout = _Layout(True, True, int(first[1]), rows=int(first[0])) if sized else _layout(first, second)
    values, ids = array("d"), []
    for number, fields in chain(head[layout.header :], lines):
        parts = layout.split(fields)
        if parts is None:
            raise UserError(
                f"{path} line {number} has {len(fields)} columns where {layout.d + layout.ids} are expected; "
                "give every row the same number"
            )
        ids.append(parts[0])
        values.extend(numbers(path, number, parts[1]))
    n = len(ids)
    if layout.rows not in (None, n):
        raise UserError(
            f"{path} line 1 promises {layout.rows} rows, but {n} follow; write the whole file again"
        )
    return np.array(values).reshape(n, layout.d), ids if layout.ids else None


def read_itememb(path: Path) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return the matrix, float64 [n, d], and the ids in RecBole's file of item embeddings.

    Its first line names an id:token and a vector:float_seq. Further columns are ignored. Raise a `UserError`
    where it names none, or a line has another number of fields.
    """
    lines = numbered_lines(path)
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


def numbered_lines(path: Path) -> Iterator[Line]:
    """Yield the number (from 1) and the fields of each line that is not blank."""
    delimiter = DELIMITERS.get(path.suffix.lower(), "\t")  # .itememb has tabs
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            if delimiter == "," and "," not in first and ";" in first:
                delimiter = ";"  # as some spreadsheets write it
            lines: Iterator[Line] = enumerate(map(str.split, file), start=1)
            if delimiter is not None:
                # A tab-separated file has no quoting: an id may begin with a quotation mark.
                tabs = delimiter == "\t"
                reader = csv.reader(
                    file, delimiter=delimiter, quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
                )
                lines = ((reader.line_num, fields) for fields in reader)
            yield from (line for line in lines if line[1])
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not readable as UTF-8 text ({error}); save it again as text") from error


def numbers(path: Path, number: int, fields: list[str]) -> list[float]:
    """Return the fields of line `number` as floats; raise a `UserError` naming one that is not a number."""
    try:
        return list(map(float, fields))
    except ValueError as error:
        word = next(field for field in fields if not is_number(field))
        raise UserError(
            f"{path} line {number}: {word[:40]!r} is not a number; mend or remove that line"
        ) from error


def is_number(field: str) -> bool:
    """Return whether Python reads `field` as a float, `nan` and `inf` included."""
    try:
        float(field)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class _Layout:
    """The layout that the first two lines imply; `rows` is the number that word2vec's first line gives."""

    header: bool
    ids: bool
    d: int
    rows: int | None = None

    def split(self, fields: list[str]) -> tuple[str, list[str]] | None:
        """Return the id and the numbers of a line, or None where it has too few or too many fields."""
        before = len(fields) - self.d
        # An id with blanks can be told from one number too many only where the file itself gives d.
        fits = before == self.ids if self.rows is None else before >= 1
        return (" ".join(fields[:before]), fields[before:]) if fits else None


def _layout(first: list[str], second: list[str]) -> _Layout:
    header = _is_header(first)
    row = second if header else first
    ids = not is_number(row[0]) or (header and first[0].strip().lower() in ID_NAMES)
    return _Layout(header, ids, len(first) - ids)


def _is_header(fields: list[str]) -> bool:
    """Return whether a first line holds names, or the column numbers that pandas writes instead."""
    rest = fields if is_number(fields[0]) else fields[1:]
    if not any(map(is_number, rest)):
        return True
    # With only two numbers, the line may well be data.
    return len(rest) > 2 and any(rest == [*map(str, range(start, start + len(rest)))] for start in (0, 1))
