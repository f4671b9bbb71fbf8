"""Read logs with one JSON object per line: Amazon's reviews, Yelp's, and any other with known names.

Some of Amazon's older files hold Python literals instead. They are parsed as literals and never evaluated.
"""

from __future__ import annotations

import ast
import json
from itertools import islice
from pathlib import Path
from typing import Any

from degen.data.interactions import Interactions
from degen.data.reading.columns import find_columns
from degen.data.reading.ids import IdCoder
from degen.data.reading.open_log import open_text
from degen.data.reading.times import TimeColumn, UnreadableTime
from degen.errors import UserError

_CHUNK = 5_000
# Numbers stay text: an id such as 1e5 or 0.10 must not be rewritten, and a time must not be rounded.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


def read_json_lines(path: Path, choice: dict[str, str] | None, encoding: str) -> Interactions:
    """Read a log of JSON lines, with the user's choice of keys or else by their usual names.

    Raise a `UserError` where a line is not an object, lacks a user or an item, or has an unreadable time.
    """
    users, items, times = IdCoder(), IdCoder(), TimeColumn()
    keys: list[str] | None = None
    line = 0
    with open_text(path, encoding) as file:
        while lines := list(islice(file, _CHUNK)):
            numbered = [(line + i, text) for i, text in enumerate(lines, start=1) if text.strip()]
            line += len(lines)
            objects = [(number, _object(text, path, number)) for number, text in numbered]
            if keys is None and objects:
                names = list(objects[0][1])
                keys = find_columns(names, choice, str(path)).pick(names)
            if keys is None:
                continue
            users.add([_text(value, keys[0], path, number) for number, value in objects])
            items.add([_text(value, keys[1], path, number) for number, value in objects])
            if len(keys) > 2:
                _add_times(times, keys[2], objects, path)
    ordered = keys is not None and len(keys) > 2
    fields = () if keys is None else (f"its fields are {', '.join(keys)}",)
    values = times.times() if ordered else None
    return Interactions(*users.finish(), *items.finish(), values, (*fields, *times.notes))


def _object(text: str, path: Path, line: int) -> dict[str, Any]:
    try:
        value = _DECODER.decode(text.strip())
    except ValueError:
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise UserError(
            f"{path} line {line} is not one JSON object; each line needs one, {{…}}, without commas between"
        )
    return value


def _text(value: dict[str, Any], key: str, path: Path, line: int) -> str:
    field = value.get(key)
    if field is None or field == "" or isinstance(field, dict | list | bool):
        raise UserError(
            f"{path} line {line} has no '{key}'; remove that line, or name another field with `columns`"
        )
    return str(field)


def _add_times(times: TimeColumn, key: str, objects: list[tuple[int, dict[str, Any]]], path: Path) -> None:
    try:
        times.add([_text(value, key, path, number) for number, value in objects])
    except UnreadableTime as error:
        raise error.at(f"{path} line {objects[error.index][0]}", key) from error
