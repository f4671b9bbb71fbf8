"""Parsing of JSON, TOML and UTF-8 text within limits.

Files come from anywhere: cut short, damaged, or made to break a parser. Each function here returns the whole
content or raises `Unreadable`, whatever the bytes are. Callers turn it into a `UserError` that names the file
and the mend.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import Counter
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_DEPTH = 64
"""Maximum depth of nesting of lists and objects."""

MAX_BYTES = 1 << 28
"""Maximum size of a text that is read in one piece: 256 MiB."""


_DOTTED = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")
"""A dotted key of more parts than the limit: the time that tomllib takes grows with their square."""


class Unreadable(ValueError):
    """Content that is not what it should be, or is beyond a limit; the message is a clause that says why."""


class UnreadableLine(Unreadable):
    """A line of JSON Lines that is no JSON object; `number` is its number, from 1."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Return the content of a UTF-8 file.

    Raises
    ------
    Unreadable
        if it cannot be opened, is not UTF-8, or has more than `limit` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if len(content) > limit:
        raise Unreadable(f"it has more than {limit:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is not UTF-8") from error


def parse_json(text: str | bytes, *, unique: bool = False) -> Any:
    """Return the value of a JSON text; NaN, infinities and deep nesting are `Unreadable`.

    With `unique`, a key that stands twice in one object is too; otherwise the last one counts.
    """
    pairs_hook = _unique if unique else None
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=pairs_hook)
    except RecursionError as error:
        raise Unreadable(f"it is nested deeper than {MAX_DEPTH} levels") from error
    except Unreadable:
        raise
    except ValueError as error:
        raise _not_of("JSON", error) from error
    _check_depth(value, text)
    return value


def read_json(path: Path) -> Any:
    """Return the value in a JSON file; see `read_text` and `parse_json`."""
    return parse_json(read_text(path))


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file, one per line; empty lines at the end do not count.

    Raises
    ------
    Unreadable
        as `read_text`.
    UnreadableLine
        if a line is not a JSON object; the clause begins with the number of the line.
    """
    rows = []
    text = read_text(path)
    # Not `splitlines`, which would also part a line at characters that JSON has inside its texts.
    for number, line in enumerate(text.rstrip("\n").split("\n") if text else [], start=1):
        try:
            row = parse_json(line)
        except Unreadable as error:
            raise UnreadableLine(number, f"line {number}: {error}") from error
        if not isinstance(row, dict):
            raise UnreadableLine(number, f"line {number} is not a JSON object")
        rows.append(row)
    return rows


def parse_toml(text: str) -> dict[str, Any]:
    """Return the table of a TOML text; deep nesting and numbers of thousands of digits are `Unreadable`."""
    if _DOTTED.search(text):
        raise Unreadable(f"it is nested deeper than {MAX_DEPTH} levels")
    try:
        value = tomllib.loads(text)
    except RecursionError as error:
        raise Unreadable(f"it is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise _not_of("TOML", error) from error
    _check_depth(value)
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table in a TOML file; see `read_text` and `parse_toml`."""
    return parse_toml(read_text(path))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise Unreadable(f"the key {repeated[:40]!r} stands twice in one object")
    return found


# The header of a .npy is a Python literal: random changes of its bytes have raised each of these errors.
_NO_ARRAY = (
    *(ValueError, TypeError, SyntaxError, TokenError, MemoryError, LookupError, ArithmeticError),
    *(OSError, EOFError, RuntimeError),
)


def read_array(path: Path) -> npt.NDArray[Any]:
    """Return the array of a `.npy` file whose size is that of its header; objects are never unpickled.

    Raises
    ------
    Unreadable
        if the file is damaged, cut short or too long, or holds objects.
    """
    from numpy.lib import format as npy  # not at the top: `degen --help` runs without NumPy

    try:
        with path.open("rb") as file:
            old = npy.read_magic(file) == (1, 0)
            shape, _, dtype = (npy.read_array_header_1_0 if old else npy.read_array_header_2_0)(file)
            if dtype.hasobject:
                raise ValueError("it holds Python objects, which are never unpickled")
            if file.tell() + prod(shape) * dtype.itemsize != path.stat().st_size:
                raise ValueError("it has another size than its header says")
            file.seek(0)
            return npy.read_array(file, allow_pickle=False)
    except _NO_ARRAY as error:
        said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise Unreadable(f"it is no whole .npy file: {said}") from error


def _not_of(language: str, error: ValueError) -> Unreadable:
    """Return what the error of a parser says in a clause; a limit of digits is Python's alone."""
    if "set_int_max_str_digits" in str(error):
        return Unreadable(f"it holds a whole number of more than {sys.get_int_max_str_digits():,} digits")
    return Unreadable(f"it is not {language}: {error}")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _check_depth(value: Any, text: str | bytes | None = None) -> None:
    """Raise `Unreadable` where `value` is nested deeper than `MAX_DEPTH`."""
    if text is not None and _openings(text) <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise Unreadable(f"it is nested deeper than {MAX_DEPTH} levels")


def _openings(text: str | bytes) -> int:
    """Return the number of brackets that open in a JSON text: a bound on its depth that is quick to count."""
    if isinstance(text, str):
        return text.count("[") + text.count("{")
    return text.count(b"[") + text.count(b"{")


def _inside(value: Any) -> list[Any]:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in held if isinstance(inner, dict | list)]
