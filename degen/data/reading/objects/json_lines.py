"""Read logs of JSON objects: Amazon's reviews, Yelp's, Goodreads', and any other with known names.

An object is an action: `{"user_id": "u", "book_id": "b", "date_added": "…"}`. Or it is a user with a list of
actions, as in OTTO's sessions: `{"session": 1, "events": [{"aid": 5, "ts": 1659304800025}, …]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.actions import Actions
from degen.data.reading.columns import chosen_columns, find_columns, is_hour, named_columns, positions_of
from degen.data.reading.ids import missing_ids
from degen.data.reading.objects.json_objects import Placed, json_objects
from degen.data.reading.open_log import open_text
from degen.data.reading.shapes.doubts import doubts
from degen.data.reading.shapes.roles import settle_roles
from degen.data.reading.times import UnreadableTime
from degen.data.reading.told import Told
from degen.errors import UserError


class _Keys(NamedTuple):
    """The keys of user, item, time and time of day, and of the list in which the actions of a user are."""

    roles: list[str]
    inside: str | None = None
    notes: tuple[str, ...] = ()


def read_json_lines(path: Path, told: Told, encoding: str) -> Interactions:
    """Read a log of JSON objects, with the user's choice of keys or else by their usual names.

    Raise a `UserError` where something is no object, lacks an item, or has an unreadable time.
    """
    keys: _Keys | None = None
    actions: Actions | None = None
    with open_text(path, encoding, longest=None) as file:
        for objects in json_objects(file, path):
            if keys is None and objects:
                keys = _find_keys(objects, told, str(path))
            if keys is None:
                continue
            hours = is_hour(keys.roles[-1]) and len(keys.roles) > 3
            timed = len(keys.roles) > 2
            actions = actions or Actions(path, timed=timed, pattern=told.time_format, hours=hours)
            _add(actions, keys, objects, path)
    if keys is None or actions is None:
        return Actions(path, timed=False).finish()
    inside = "" if keys.inside is None else f", in the list {keys.inside} of each user"
    return actions.finish([f"its fields are {', '.join(keys.roles)}{inside}", *keys.notes])


def _find_keys(objects: Sequence[Placed], told: Told, where: str) -> _Keys:
    """Return the keys by the first objects of a file."""
    choice = told.columns
    names = list(objects[0][1])
    rows = [value for _, value in objects]
    if choice is not None:
        # `item=events.aid` names the key `aid` of the objects in the list `events`.
        prefix, dot, _ = choice["item"].partition(".")
        inside = prefix if dot and choice["item"] not in names and prefix in names else None
    elif named_columns(names) is None:
        inside = next(filter(None, map(_list_of_actions, rows)), None)
    else:
        inside = None
    if inside is not None:
        rows = _rows_inside(objects, inside)[1]
        names = [*(name for name in names if name != inside), *_inner_names(rows, names)]
        choice = choice and {role: name.removeprefix(f"{inside}.") for role, name in choice.items()}
    if choice is not None:
        return _Keys(chosen_columns(choice, names, where).pick(names), inside)

    def values(at: int) -> list[str]:
        return ["" if (value := row.get(names[at])) is None else str(value) for row in rows]

    dated = told.time_format is not None
    columns = settle_roles(names, find_columns(names, None, where), values, where, dated=dated)
    return _Keys(columns.pick(names), inside, () if dated else doubts(names, columns, values))


def _list_of_actions(value: dict[str, Any]) -> str | None:
    """Return the one key of an object whose list holds objects that name items, or None."""
    lists = [
        key
        for key, inner in value.items()
        if isinstance(inner, list)
        and inner
        and all(isinstance(action, dict) for action in inner)
        and positions_of("item", list(inner[0]))
    ]
    return lists[0] if len(lists) == 1 else None


def _inner_names(rows: Sequence[dict[str, Any]], outer: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(chain.from_iterable(rows[:1])) if name not in outer]


def _rows_inside(objects: Sequence[Placed], inside: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the place and the fields of each action, with those of its user where it has none of its own."""
    places, rows = [], []
    for place, value in objects:
        for action in value.get(inside) or ():
            places.append(place)
            rows.append({**value, **action} if isinstance(action, dict) else value)
    return places, rows


def _add(actions: Actions, keys: _Keys, objects: Sequence[Placed], path: Path) -> None:
    if keys.inside is None:
        places, rows = [place for place, _ in objects], [value for _, value in objects]
    else:
        places, rows = _rows_inside(objects, keys.inside)
    users = _texts(rows, keys.roles[0], path, places, present=False)
    missing = missing_ids(users)
    if missing is not None:
        actions.leave_out(int(missing.sum()), places[int(np.flatnonzero(missing)[0])])
        kept = np.flatnonzero(~missing).tolist()
        users, places, rows = (
            [users[at] for at in kept],
            [places[at] for at in kept],
            [rows[at] for at in kept],
        )
    columns = [_texts(rows, key, path, places, present=True) for key in keys.roles[1:]]
    actions.add(users, columns[0])
    if len(columns) > 1:
        try:
            actions.add_times(columns[1], columns[2] if len(columns) > 2 else None)
        except UnreadableTime as error:
            raise error.at(f"{path} {places[error.index]}", keys.roles[2]) from error


def _texts(
    rows: Sequence[dict[str, Any]], key: str, path: Path, places: Sequence[str], *, present: bool
) -> list[str]:
    """Return a field of all rows as texts, empty where it is missing; raise where it has to be `present`."""
    fields = [row.get(key) for row in rows]
    if set(map(type, fields)) <= {str} and not (present and "" in fields):
        return fields  # type: ignore[return-value]
    for field, place in zip(fields, places, strict=True):
        if present and (field is None or field == ""):
            raise UserError(
                f"{path} {place} has no '{key}'; remove that line, or name another field with `columns`"
            )
        if isinstance(field, dict | list | bool):
            raise UserError(
                f"{path} {place} has a {type(field).__name__} as '{key}'; name a field of text or numbers "
                "with `columns`"
            )
    return ["" if field is None else str(field) for field in fields]
