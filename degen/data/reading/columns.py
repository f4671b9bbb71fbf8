"""Find the columns of the user, the item and the time, by their usual names or by the user's choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from degen.errors import UserError, nearest

ROLES = ("user", "item", "time")

COLUMNS_EXAMPLE = "`columns='user=NAME,item=NAME,time=NAME'`"
"""The advice of errors about columns."""

# In order of preference, in lower case without `_`, `-` and spaces. The order matters: where a file has both
# `parent_asin` and `asin`, the item is the former.
_USUAL_NAMES = {
    "user": """
        userid user uid reviewerid customerid customer visitorid memberid personid accountid authorid
        username sessionid
    """,
    "item": """
        itemid item iid parentasin asin movieid businessid productid product artistid trackid songid
        bookid isbn venueid poiid locationid articleid newsid recipeid gameid appid videoid filmid
        courseid
    """,
    "time": """
        timestamp unixreviewtime time datetime date ts unixtime unixtimestamp eventtime createdat
    """,
}
_TYPE = re.compile(r":(token|float)(_seq)?$")


@dataclass(frozen=True)
class Columns:
    """Positions of the user, the item and the time among the fields of a line, from 0.

    Without a time, the order of the file is the order in time.
    """

    user: int
    item: int
    time: int | None

    def pick(self, fields: Sequence[str]) -> list[str]:
        """Return the fields of user, item and, where there is one, time."""
        positions = (self.user, self.item, self.time)
        return [fields[position] for position in positions if position is not None]


def parse_columns(text: str) -> dict[str, str]:
    """Return the column of each role from a text such as `user=uid,item=sku,time=when`.

    Raise a `UserError` if a part has no `=`, a role is unknown, or user or item is missing.
    """
    columns = {}
    for part in text.split(","):
        role, _, name = part.partition("=")
        if not name.strip():
            raise UserError(f"`columns` has the part '{part}'; write it as {COLUMNS_EXAMPLE}")
        columns[role.strip().lower()] = name.strip()
    check_roles(columns)
    return columns


def check_roles(columns: dict[str, str]) -> None:
    """Raise a `UserError` unless `columns` has user and item, and nothing else but time."""
    for role in columns:
        if role not in ROLES:
            raise UserError(f"`columns` names '{role}'{nearest(role, ROLES)}")
    if missing := [role for role in ("user", "item") if role not in columns]:
        raise UserError(f"`columns` lacks {' and '.join(missing)}; write it as {COLUMNS_EXAMPLE}")


def plain_name(name: str) -> str:
    """Return a column's name without surrounding space and without RecBole's type (`:token`)."""
    return _TYPE.sub("", name.strip())


def named_columns(names: Sequence[str]) -> Columns | None:
    """Find the columns by their usual names; return None unless both user and item are found."""
    normal = [re.sub(r"[_\-\s]", "", plain_name(name).lower()) for name in names]
    user, item, time = (
        next((normal.index(name) for name in _USUAL_NAMES[role].split() if name in normal), None)
        for role in ROLES
    )
    return None if user is None or item is None else Columns(user, item, time)


def find_columns(names: Sequence[str], choice: dict[str, str] | None, where: str) -> Columns:
    """Find columns in a header, by the user's choice or, where there is none, by their usual names.

    Raise a `UserError` where a chosen column does not exist, or none has a usual name of users or of items.
    """
    columns = named_columns(names) if choice is None else chosen_columns(choice, names, where)
    if columns is None:
        shown = ", ".join(plain_name(name) for name in names[:12])
        raise UserError(f"{where} has the columns {shown}: say which is which with {COLUMNS_EXAMPLE}")
    return columns


def chosen_columns(
    choice: dict[str, str], names: Sequence[str], where: str, *, numbers_only: bool = False
) -> Columns:
    """Find the columns that the user chose for each role by name or by number from 0.

    `names` are the fields of the first line. With `numbers_only` they are values of a file without header, so
    that only numbers can choose among them. Raise a `UserError` where a column does not exist.
    """
    plain = [plain_name(name) for name in names]
    positions = {role: _position(name, plain, where, numbers_only) for role, name in choice.items()}
    return Columns(positions["user"], positions["item"], positions.get("time"))


def _position(name: str, names: Sequence[str], where: str, numbers_only: bool) -> int:
    if not numbers_only and name in names:
        return list(names).index(name)
    if name.isdecimal():
        if int(name) < len(names):
            return int(name)
        count = "1 column" if len(names) == 1 else f"{len(names)} columns"
        raise UserError(f"{where} has {count}, so no column {name}; they are numbered from 0")
    if numbers_only:
        raise UserError(f"{where} has no line of column names, so no '{name}'; number its columns from 0")
    raise UserError(f"{where} has no column '{name}'{nearest(name, names)}")
