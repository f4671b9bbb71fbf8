"""Find the columns of the user, the item and the time, by their usual names or by the user's choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from degen.errors import UserError, counted, nearest

ROLES = ("user", "item", "time")

COLUMNS_EXAMPLE = "`columns='user=NAME,item=NAME,time=NAME'`"
"""The advice of errors about columns."""

NUMBERS_EXAMPLE = "`columns='user=N,item=N,time=N'`"
"""The advice of errors about columns of a file without names; each N is a number from 0."""

JOIN = "+"
"""Sign between the date and the time of day, in two columns, that make one time: `time=date+hour`."""

# In order of preference, in lower case without `_`, `-` and spaces. The order matters: where a file has both
# `parent_asin` and `asin`, the item is the former.
USUAL_NAMES = {
    "user": """
        userid user uid reviewerid customerid customer visitorid memberid personid accountid authorid
        username sessionid session
    """,
    "item": """
        itemid item iid parentasin asin movieid businessid productid product artistid trackid songid
        bookid isbn venueid poiid locationid articleid newsid recipeid gameid appid videoid filmid
        courseid stockcode aid
    """,
    "time": """
        timestamp unixreviewtime time datetime date ts unixtime unixtimestamp eventtime createdat
        utctimestamp utctime dateadded tdat lastwatchdt transactiondt transactiondate eventdate invoicedate
        purchasedate orderdate viewdate ratingdate reviewdate listenedat playedat watchedat checkintime
        visittime clicktime
    """,
}
"""Usual names of the columns of each role, separated by blanks, the preferred first."""

_HOURS = ("hour", "hours", "hh", "hr", "hourofday")
"""Names of columns that hold the hour of a day."""

_TYPE = re.compile(r":(token|float)(_seq)?$")
_MARKED = re.compile(r"[#%]+\s*(?=\w)")


@dataclass(frozen=True)
class Columns:
    """Positions of the user, the item and the time among the fields of a line, from 0.

    Without a time, the order of the file is the order in time. Where `time` holds dates alone, `clock` is the
    column of the time of day, or None. With `hours`, that is the hour alone.
    """

    user: int
    item: int
    time: int | None
    clock: int | None = None
    hours: bool = False

    def pick(self, fields: Sequence[str]) -> list[str]:
        """Return the fields of user, item and, where there are such, time and time of day."""
        positions = (self.user, self.item, self.time, self.clock)
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
    """Return a column's name without space around it, a comment's sign before it and RecBole's type."""
    return _TYPE.sub("", _MARKED.sub("", name.strip(), count=1))


def normal_name(name: str) -> str:
    """Return a column's name in lower case without `_`, `-` and spaces, in which usual names are compared."""
    return re.sub(r"[_\-\s]", "", plain_name(name).lower())


def is_hour(name: str) -> bool:
    """Return whether a column is named as one that holds the hour of a day."""
    return normal_name(name) in _HOURS


def positions_of(role: str, names: Sequence[str]) -> list[int]:
    """Return the positions of all columns with a usual name for a role, the most usual name first."""
    normal = [normal_name(name) for name in names]
    return [at for name in USUAL_NAMES[role].split() for at, other in enumerate(normal) if other == name]


def named_columns(names: Sequence[str]) -> Columns | None:
    """Find the columns by their usual names; return None unless both user and item are found."""
    user, item, time = (next(iter(positions_of(role, names)), None) for role in ROLES)
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
    choice: dict[str, str],
    names: Sequence[str],
    where: str,
    *,
    numbers_only: bool = False,
    numbers_first: bool = False,
) -> Columns:
    """Find the columns that the user chose for each role by name or by number from 0.

    `names` are the fields of the first line. With `numbers_only` they are values of a file without header, so
    that only numbers can choose among them. With `numbers_first` nobody said that they are names, so that a
    number is a position even where a column has that number as its name. Raise a `UserError` where a column
    does not exist, or is chosen for two roles.
    """
    plain = [plain_name(name) for name in names]

    def position(name: str) -> int:
        by_number = numbers_only or (numbers_first and name.isdecimal())
        return _position(name, plain, where, by_number)

    roles = [choice["user"], choice["item"], *_time_parts(choice.get("time"), plain)]
    places = [position(name) for name in roles]
    if len(set(places)) < len(places):
        raise UserError(f"`columns` gives one column of {where} two roles; name another for each")
    hours = len(places) > 3 and is_hour(plain[places[3]])
    time, clock = [*places[2:], None, None][:2]
    return Columns(places[0], places[1], time, clock, hours)


def _time_parts(name: str | None, names: Sequence[str]) -> list[str]:
    """Return the column of the time, if any, and that of the time of day, if it stands apart."""
    if name is None:
        return []
    date, join, clock = name.partition(JOIN)
    return [date.strip(), clock.strip()] if join and name not in names else [name]


def _position(name: str, names: Sequence[str], where: str, numbers_only: bool) -> int:
    if not numbers_only and name in names:
        return list(names).index(name)
    if name.isdecimal():
        if int(name) < len(names):
            return int(name)
        count = counted(len(names), "column")
        raise UserError(f"{where} has {count}, so no column {name}; they are numbered from 0")
    if numbers_only:
        raise UserError(
            f"{where} has no line of column names, so no '{name}'; number its columns from 0, or pass "
            "`header=True` if its first line names them"
        )
    raise UserError(f"{where} has no column '{name}'{nearest(name, names)}")
