"""Check columns that were found by their usual names against their values.

A name is not always enough. A column of users may be empty, a date and a time of day make one time only
together, and of artist, album and track each may be the item. What the values tell is put right here. What
they do not tell is refused, with the option that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from degen.data.reading.columns import (
    COLUMNS_EXAMPLE,
    NUMBERS_EXAMPLE,
    Columns,
    normal_name,
    plain_name,
    positions_of,
)
from degen.data.reading.shapes.digits import check_digits
from degen.data.reading.shapes.plausible import (
    LEAST,
    are_constant,
    are_days,
    are_in_order,
    are_of_users,
    are_percents,
    are_ratings,
    are_same_days,
    are_times_of_day,
    may_be_moments,
    mostly_missing,
    share_tied,
)
from degen.errors import UserError

_MUSIC = ("artist", "artistid", "album", "albumid", "track", "trackid", "song", "songid")
"""Names of which a log of music may have several, each a possible item."""

_CLOCKS = ("time", "timeofday", "eventtime", "clock", "hhmm", "hhmmss")
"""Names of columns that may hold the time of day beside a date."""

_WITHIN = "timeframe"
"""Name of a column of times that count from the start of a session."""

Values = Callable[[int], Sequence[str]]
"""The first values of a column, by its position."""


def settle_roles(
    names: Sequence[str], columns: Columns, values: Values, where: str, *, dated: bool = False
) -> Columns:
    """Return the columns of a log named `where`, with the time of day if there is one.

    Times are `dated` if the user gave the pattern of their dates.

    Raise a `UserError` if most users are missing, two columns may be the item, or the times cannot be times.
    """
    plain = [plain_name(name) for name in names]
    _check_users(plain, columns, values, where)
    _check_one_item(plain, columns, where)
    if columns.time is None:
        return columns
    joined = _with_clock(plain, columns, values)
    if joined.clock is None:
        if not dated:
            _check_times(plain, columns, values, where)
        _check_one_time(plain, columns, values, where)
    return joined


def as_typed(names: Sequence[str], columns: Columns) -> str:
    """Return columns as the user would give them."""
    time = "" if columns.time is None else f",time={names[columns.time]}"
    return f"`columns='user={names[columns.user]},item={names[columns.item]}{time}'`"


def _check_users(names: Sequence[str], columns: Columns, values: Values, where: str) -> None:
    if not mostly_missing(values(columns.user)):
        return
    others = [
        other
        for other in positions_of("user", names)
        if other != columns.user and not mostly_missing(values(other))
    ]
    mend = f", with {COLUMNS_EXAMPLE}"
    if others:
        normal = [normal_name(name) for name in names]
        # Diginetica's milliseconds within a session are its order. The date of all of a session is the same.
        within = normal.index(_WITHIN) if _WITHIN in normal else columns.time
        mend = f", as in {as_typed(names, replace(columns, user=others[0], time=within))}"
    raise UserError(
        f"{where} has no value in most lines of '{names[columns.user]}'; name another column of users{mend}"
    )


def _check_one_item(names: Sequence[str], columns: Columns, where: str) -> None:
    normal = [normal_name(name) for name in names]
    kinds = {
        name.removesuffix("id").replace("song", "track"): at
        for at, name in reversed(list(enumerate(normal)))
        if name in _MUSIC
    }
    if normal[columns.item] in _MUSIC and len(kinds) > 1:
        shown = " and ".join(names[at] for at in sorted(kinds.values()))
        raise UserError(
            f"{where} has the columns {shown}, each of which may be the item; choose one, as in "
            f"{as_typed(names, columns)}"
        )
    for role in ("user", "item"):
        name = normal[getattr(columns, role)]
        if normal.count(name) > 1:
            raise UserError(
                f"{where} has two columns named like '{name}'; choose the {role} by its number from 0, as in "
                f"{NUMBERS_EXAMPLE}"
            )


def _with_clock(names: Sequence[str], columns: Columns, values: Values) -> Columns:
    """Return the columns with date and time of day, where the time is only one of the two."""
    normal = [normal_name(name) for name in names]
    clocks = [at for at, name in enumerate(normal) if name in _CLOCKS and are_times_of_day(values(at))]
    if not clocks or (columns.time not in clocks and not are_days(values(columns.time or 0))):
        return columns
    days = [at for at in positions_of("time", names) if at not in clocks and are_days(values(at))]
    return replace(columns, time=days[0], clock=clocks[0]) if days else columns


def _check_one_time(names: Sequence[str], columns: Columns, values: Values, where: str) -> None:
    """Refuse two columns of times on different days; of the same days, the more usual name is taken."""
    assert columns.time is not None
    times = values(columns.time)
    for other in positions_of("time", names):
        if other == columns.time or not (may_be_moments(times) and may_be_moments(values(other))):
            continue
        if not are_same_days(times, values(other)):
            raise UserError(
                f"{where} has the columns {names[columns.time]} and {names[other]}, which are times of "
                f"different days; choose one, as in {as_typed(names, columns)}"
            )


def _check_times(names: Sequence[str], columns: Columns, values: Values, where: str) -> None:
    assert columns.time is not None
    times = values(columns.time)
    name = names[columns.time]
    without = as_typed(names, replace(columns, time=None))
    check_digits(times, f"'{name}'", where, without)
    if len(times) < LEAST:
        return
    mend = f"leave it out with {without}, or keep it with {as_typed(names, columns)}"
    if are_constant(times):
        raise UserError(
            f"{where} has {times[0]} in all of the first lines of '{name}', which can hardly be times; {mend}"
        )
    users = values(columns.user)
    if are_ratings(times) and share_tied(users, times) > 0.5:
        raise UserError(
            f"{where} has small numbers in '{name}' that repeat within users, as ratings and counts do; "
            f"{mend}"
        )
    if may_be_moments(times):
        return
    found = f"{where} has numbers such as {times[0]} in '{name}'"
    if are_of_users(users, times):
        raise UserError(f"{found}, one for all lines of each user, as ages are; {mend}")
    if are_in_order(users, times, ties=True):
        return
    if are_times_of_day(times):
        raise UserError(f"{found}, in no order, which may be times of day without a date, or counts; {mend}")
    if are_percents(times):
        raise UserError(f"{found}, in no order, which may be ages, percents or counts; {mend}")
