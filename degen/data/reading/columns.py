"""Which column holds the user, the item and the time: by the usual names, or as the user says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from degen.errors import UserError, nearest

ROLES = ("user", "item", "time")

COLUMNS_EXAMPLE = "`columns='user=NAME,item=NAME,time=NAME'`"
"""What an error tells the user to write."""

# In order of preference, in lower case without `_`, `-` and spaces: asin beside parent_asin is not the item.
_KNOWN: dict[str, tuple[str, ...]] = {
    "user": (
        "userid",
        "user",
        "uid",
        "reviewerid",
        "customerid",
        "customer",
        "visitorid",
        "memberid",
        "personid",
        "accountid",
        "authorid",
        "username",
        "sessionid",
    ),
    "item": (
        "itemid",
        "item",
        "iid",
        "parentasin",
        "asin",
        "movieid",
        "businessid",
        "productid",
        "product",
        "artistid",
        "trackid",
        "songid",
        "bookid",
        "isbn",
        "venueid",
        "poiid",
        "locationid",
        "articleid",
        "newsid",
        "recipeid",
        "gameid",
        "appid",
        "videoid",
        "filmid",
        "courseid",
    ),
    "time": (
        "timestamp",
        "unixreviewtime",
        "time",
        "datetime",
        "date",
        "ts",
        "unixtime",
        "unixtimestamp",
        "eventtime",
        "createdat",
    ),
}
_TYPE = re.compile(r":(token|float)(_seq)?$")


@dataclass(frozen=True)
class Columns:
    """Positions of the user, the item and the time in a list of names or fields; no time means file order."""

    user: int
    item: int
    time: int | None


def parse_columns(text: str) -> dict[str, str]:
    """Return the column of each role from a text such as `user=uid,item=sku,time=when`.

    Raises
    ------
    UserError
        if a part has no `=`, names no role, or user or item is missing.
    """
    columns = {}
    for part in text.split(","):
        role, equals, name = part.partition("=")
        role = role.strip().lower()
        if not equals or not name.strip():
            raise UserError(f"`columns` has the part '{part}'; write it as {COLUMNS_EXAMPLE}")
        columns[role] = name.strip()
    check_roles(columns)
    return columns


def check_roles(columns: dict[str, str]) -> None:
    """Raise a `UserError` unless user and item are there, and nothing but user, item and time."""
    for role in columns:
        if role not in ROLES:
            raise UserError(f"`columns` names '{role}'{nearest(role, ROLES)}")
    if missing := [role for role in ("user", "item") if role not in columns]:
        raise UserError(f"`columns` lacks {' and '.join(missing)}; write it as {COLUMNS_EXAMPLE}")


def plain_name(name: str) -> str:
    """Return a header's name without RecBole's type and without surrounding space."""
    return _TYPE.sub("", name.strip())


def named_columns(names: Sequence[str]) -> Columns | None:
    """Find the columns by their names, or return None where user or item is not among them."""
    places = {role: _known_place(role, names) for role in ROLES}
    if places["user"] is None or places["item"] is None:
        return None
    return Columns(places["user"], places["item"], places["time"])


def _known_place(role: str, names: Sequence[str]) -> int | None:
    normal = [re.sub(r"[_\-\s]", "", plain_name(name).lower()) for name in names]
    return next((normal.index(name) for name in _KNOWN[role] if name in normal), None)


def chosen_columns(
    choice: dict[str, str], names: Sequence[str], where: str, *, numbers_only: bool = False
) -> Columns:
    """Find the columns that the user named or numbered; a role that was not given is not used.

    Parameters
    ----------
    where
        the file, for the error.
    numbers_only
        the file has no header: `names` are fields of its first line.

    Raises
    ------
    UserError
        naming the nearest column where one is not there.
    """
    plain = [plain_name(name) for name in names]
    places = {role: _place(name, plain, where, numbers_only) for role, name in choice.items()}
    return Columns(places["user"], places["item"], places.get("time"))


def _place(name: str, names: Sequence[str], where: str, numbers_only: bool) -> int:
    if not numbers_only and name in names:
        return list(names).index(name)
    if name.isdecimal():
        if int(name) < len(names):
            return int(name)
        raise UserError(f"{where} has {len(names)} columns, so no column {name}; they are numbered from 0")
    if numbers_only:
        raise UserError(f"{where} has no line of column names, so no '{name}'; number its columns from 0")
    raise UserError(f"{where} has no column '{name}'{nearest(name, names)}")


def unnamed(where: str, names: Sequence[str]) -> UserError:
    """The error of a file whose columns are named, but not for user and item."""
    shown = ", ".join(plain_name(name) for name in names[:12])
    return UserError(f"{where} has the columns {shown}: say which is which with {COLUMNS_EXAMPLE}")
