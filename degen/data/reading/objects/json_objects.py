"""Parse the JSON objects of a log, one per line or all in one array, without holding the file.

Some of Amazon's and Steam's older files hold Python literals instead. They are parsed as literals and never
evaluated.
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from degen.data.reading.open_log import LONGEST_LINE
from degen.errors import UserError

Placed = tuple[str, dict[str, Any]]
"""An object, and the words for its place in the file, such as `line 3`."""

_CHUNK = 5_000  # objects that are handed over at once
_STEP = 1 << 20  # characters of an array that are read at once

_BETWEEN = re.compile(r"[\s,]*")
# Numbers stay text: an id such as 1e5 or 0.10 must not be rewritten, and a time must not be rounded.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def json_objects(file: io.TextIOBase, path: Path) -> Iterator[list[Placed]]:
    """Yield all objects with their places, in chunks; raise a `UserError` for anything else."""
    start = file.read(_STEP)
    while start and not start.strip():
        start = file.read(_STEP)
    if start.lstrip().startswith("["):
        found = _of_array(start.lstrip()[1:], file, path)
        while chunk := list(islice(found, _CHUNK)):
            yield chunk
        return
    numbered = ((at, text) for at, text in enumerate(_lines(start, file, path), start=1) if text.strip())
    while some := list(islice(numbered, _CHUNK)):
        yield [(f"line {number}", _of_line(text, path, number)) for number, text in some]


def _lines(start: str, file: io.TextIOBase, path: Path) -> Iterator[str]:
    """Yield the lines of a text that begins with `start`, none of them longer than memory may hold."""
    yield from io.StringIO(start + file.readline(LONGEST_LINE))
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise UserError(
                f"{path} has a line of more than {LONGEST_LINE:,} characters; give an object per line"
            )
        yield line


def _of_line(text: str, path: Path, line: int) -> dict[str, Any]:
    try:
        value = _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise UserError(
            f"{path} line {line} is not one JSON object; give one {{…}} on each line, or one array of them"
        )
    return value


def _of_array(text: str, file: io.TextIOBase, path: Path) -> Iterator[Placed]:
    """Yield the objects of an array whose text begins with `text`, after its bracket."""
    at, number = 0, 0
    while True:
        number += 1
        value, text, at = _next_value(text, at, file, f"{path} object {number} of its array")
        if value is None:
            return
        yield f"object {number}", value


def _next_value(
    text: str, at: int, file: io.TextIOBase, where: str
) -> tuple[dict[str, Any] | None, str, int]:
    """Return the next object of an array, or None at its end, with the text in hand and the place in it."""
    step = _STEP
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        try:
            if text[at : at + 1] == "]":
                return None, text, at
            value, end = _DECODER.raw_decode(text, at)
        except RecursionError:
            raise UserError(f"{where} is nested too deeply; mend that object") from None
        except ValueError:
            more = file.read(step)
            if not more or len(text) - at > LONGEST_LINE:
                raise UserError(f"{where} is not JSON, or is cut off; mend that object") from None
            # An object longer than a step is parsed again from its start, with twice as much text each time.
            text, at, step = text[at:] + more, 0, 2 * step
            continue
        if not isinstance(value, dict):
            raise UserError(f"{where} is not one JSON object; each has to be {{…}}, an action or a user")
        return value, text, end
