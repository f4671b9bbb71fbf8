"""Lines of a text and their fields: packed or not, with the separator that the first lines show."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from degen.errors import UserError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": None, ".vec": None, ".emb": None}
"""Usual separator of fields by suffix; None is any number of blanks."""

PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
"""Suffixes of packed texts, and the function that opens them."""

LONGEST_LINE = 1 << 26
"""Maximum number of characters of a line."""

Line = tuple[int, list[str]]

_OTHERS = (",", ";", "\t", "|")
_NAMES = {"tab": "\t", "blank": None, " ": None, "comma": ",", "semicolon": ";", "pipe": "|"}
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_LEFT_SIDE, _RIGHT_SIDE = re.compile("-?(0|[1-9][0-9]*)"), re.compile("[0-9]+([eE][-+]?[0-9]+)?")
"""The sides of a decimal comma."""

_FEWEST_SIDES = 4

_QUOTED = r'"(?:[^"\\]|\\.|"")+"'
_BETWEEN = re.compile(r"[\s,;|]+")
_FIRST = 32
"""Number of lines that are looked at to find the separator."""


def suffix_of(path: Path) -> str:
    """Return the suffix that names the format, in lower case: `.csv` for `vectors.csv.gz`.

    Only text is read packed: of `vectors.npy.gz` the suffix is `.gz`.
    """
    suffix, inner = path.suffix.lower(), Path(path.stem).suffix.lower()
    return inner if suffix in PACKED and inner in DELIMITERS else suffix


def named_separator(text: str) -> str | None:
    """Return a separator from what a user typed; raise a `UserError` where it is no sign or known word."""
    if text in _NAMES:
        return _NAMES[text]
    text = text.replace("\\t", "\t")
    if len(text) != 1 or text.isalnum() or text in "\"'\r\n.-+":
        raise UserError(f"`separator` takes one sign, tab or blank, not {text!r}")
    return text


def numbered_lines(path: Path, separator: str | None = "") -> Iterator[Line]:
    """Yield the number (from 1) and the fields of each line that is not blank.

    `separator` is a sign, or None for blanks; by default it is the one that the first lines show.
    """
    if separator == "":
        separator = shown_separator(path)
    with _reading(path) as lines:
        first = list(islice(lines, _FIRST))
        lines = chain(first, lines)
        # With blanks or tabs only R quotes: an id of another writer may begin with a quotation mark.
        quoted = separator not in (None, "\t") or _is_quoted(first, separator or " ")
        if not quoted and separator is None:
            split: Iterator[Line] = enumerate(map(str.split, lines), start=1)
        else:
            if separator in (None, "\t"):
                lines = (line.replace('\\"', '""') for line in lines)
            reader = csv.reader(
                lines,
                delimiter=separator or " ",
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                skipinitialspace=separator is None,
            )
            split = ((reader.line_num, fields) for fields in reader)
        yield from (line for line in split if line[1])


def _is_quoted(first: list[str], separator: str) -> bool:
    """Return whether text is quoted as by R: all names of the first line, or the first field of each."""
    lines = [line.strip() for line in first if line.strip()]
    if len(lines) < 2:
        return False
    names = re.fullmatch(rf"{_QUOTED}({separator}+{_QUOTED})+", lines[0])
    return names is not None or all(re.match(rf"{_QUOTED}{separator}", line) for line in lines)


def shown_separator(path: Path) -> str | None:
    """Return the separator that the first lines show: the usual one of the suffix where it fits."""
    usual = DELIMITERS.get(suffix_of(path), "\t")  # .itememb has tabs
    with _reading(path) as lines:
        first = [line.rstrip("\r\n") for line in islice(lines, _FIRST) if line.strip()]
    # The first line may be a header, with or without the sign of a comment.
    rows = [line for line in first if not line.startswith("#")] or first
    if not rows:
        return usual
    row = rows[min(1, len(rows) - 1)]
    if (sign := _of_decimal_commas(row)) is not None:
        return sign
    tabs = row.split("\t")
    if usual is None and _fits(row, "\t") and all(tabs) and not any(map(is_list, tabs)):
        return "\t"  # an id may hold blanks
    candidates = (usual, *(other for other in (*_OTHERS, None) if other != usual))
    fitting = (sign for sign in candidates if _fits(row, sign))
    present = (sign for sign in candidates if sign is not None and sign in rows[0])
    return next(fitting, usual if usual is None or usual in rows[0] else next(present, usual))


def _fits(row: str, separator: str | None) -> bool:
    """Return whether a separator cuts a row into at least two fields, all numbers but for one or two."""
    fields = row.split(separator)
    numeric = sum(map(is_number, fields))
    return len(fields) > 1 and numeric >= len(fields) - 2 and numeric * 2 >= len(fields)


def _of_decimal_commas(row: str) -> str | None:
    """Return the sign between numbers with a decimal comma, or None where there are none."""
    for sign in (";", "\t", "|"):
        fields = row.split(sign)
        if len(fields) > 1 and 2 * sum(map(is_decimal_comma, fields)) >= len(fields):
            return sign
    return None


def is_decimal_comma(field: str) -> bool:
    """Return whether a field is a number with a decimal comma, which is not read."""
    return _DECIMAL_COMMA.fullmatch(field.strip()) is not None


def halves_of_numbers(rows: list[list[str]]) -> bool:
    """Return whether pairs of fields, but for a first id, are the two sides of a decimal comma.

    All are whole, and several right sides begin with 0 (`0,05`) where no left side does.
    """
    width = len(rows[0])
    if width < _FEWEST_SIDES or any(len(fields) != width for fields in rows):
        return False
    left = [field for fields in rows for field in fields[width % 2 :: 2]]
    right = [[fields[at] for fields in rows] for at in range(width % 2 + 1, width, 2)]
    if not all(map(_LEFT_SIDE.fullmatch, left)):
        return False
    sides = all(_RIGHT_SIDE.fullmatch(field) for column in right for field in column)
    zeros = sum(any(field[0] == "0" and len(field) > 1 for field in column) for column in right)
    return sides and zeros > 1


def is_list(field: str) -> bool:
    """Return whether a field holds several numbers, as `[0.5, 1.5]` or `0.5 1.5`; the id `12 34` does not."""
    parts = _BETWEEN.split(field.strip("[](){} \t"))
    marked = field.lstrip()[:1] in ("[", "(") or "." in field
    return marked and len(parts) > 1 and all(map(is_number, parts))


def is_number(field: str) -> bool:
    """Return whether a field is a number as files have them, `nan` and `inf` included."""
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # Python's own 1_000 is an id


def numbers(path: Path, number: int, fields: list[str]) -> list[float]:
    """Return the fields of line `number` as floats; raise a `UserError` naming one that is not a number."""
    try:
        values = list(map(float, fields))
    except ValueError as error:
        raise _no_number(path, number, fields) from error
    if "_" in "".join(fields):
        raise _no_number(path, number, fields)
    return values


def _no_number(path: Path, number: int, fields: list[str]) -> UserError:
    word = next(field for field in fields if not is_number(field))
    mend = "mend or remove that line"
    if is_decimal_comma(word):
        mend = "write numbers with a point, not with a decimal comma"
    elif is_list(word):
        mend = "write each number into a column of its own, or lists into a .parquet"
    return UserError(f"{path} line {number}: {word[:40]!r} is not a number; {mend}")


@contextmanager
def _reading(path: Path) -> Iterator[Iterator[str]]:
    """Open a text, packed or not, as its lines; raise a `UserError`, here or later, if it is damaged."""
    unpack = PACKED.get(path.suffix.lower())
    try:
        with (
            path.open("rb") if unpack is None else unpack(path, "rb") as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file,
        ):
            yield _lines(path, file)
    except EOFError as error:
        raise UserError(f"{path} is packed and cut short; copy it again") from error
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is packed and damaged ({error}); copy it again") from error
    except OSError as error:  # bz2 reports damage so
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        byte = f"byte {error.object[error.start]:#04x}"
        raise UserError(
            f"{path} is not text in UTF-8 ({byte} is none of its signs); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise UserError(f"{path} is not readable as text ({error}); save it again as text") from error


def _lines(path: Path, file: IO[str]) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise UserError(f"{path} has a line of more than {LONGEST_LINE:,} characters; it is no table")
        yield line
