"""Recognise logs without column names by the values of their columns.

    session, ISO time, item, category                   Yoochoose's clicks; its buys with price and quantity
    user, ISO time, latitude, longitude, place          Gowalla and Brightkite of SNAP
    user, place, …, latitude, longitude, offset, time   Foursquare
    user, item, category, pv|buy|cart|fav, seconds      Taobao's UserBehavior
    impression, user, time, history, N4-1 N5-0          MIND's behaviours: refused, no line is one action
    user (40 hexadecimal digits), artist, name, plays   LastFM-360K: refused, it has no time

Any other table of more than four columns is refused with what its columns seem to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from degen.data.reading.columns import NUMBERS_EXAMPLE, Columns
from degen.data.reading.shapes.head import FileHead
from degen.data.reading.shapes.plausible import may_be_moments, mostly_dates, mostly_stamps
from degen.errors import UserError

_TRIED = 200
_NUMBER = re.compile(r"\d+")
_DEGREES = re.compile(r"-?\d{1,3}\.\d+")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_IMPRESSIONS = re.compile(r"(\S+-[01]( |$))+")
_BEHAVIOUR = re.compile(r"pv|buy|cart|fav")

Test = Callable[[Sequence[str]], bool]


def _all(pattern: re.Pattern[str]) -> Test:
    return lambda values: all(map(pattern.fullmatch, values))


class _Shape(NamedTuple):
    name: str
    fields: str
    columns: Columns
    tests: dict[int, Test]
    width: int


_numbers, _degrees = _all(_NUMBER), _all(_DEGREES)
_KNOWN = (
    _Shape(
        "Yoochoose's clicks",
        "session, time, item, category",
        Columns(0, 2, 1),
        {0: _numbers, 1: mostly_dates, 2: _numbers},
        4,
    ),
    _Shape(
        "Yoochoose's buys",
        "session, time, item, price, quantity",
        Columns(0, 2, 1),
        {0: _numbers, 1: mostly_dates, 2: _numbers, 3: _numbers, 4: _numbers},
        5,
    ),
    _Shape(
        "SNAP's check-ins",
        "user, time, latitude, longitude, place",
        Columns(0, 4, 1),
        {1: mostly_dates, 2: _degrees, 3: _degrees},
        5,
    ),
    _Shape(
        "Taobao's UserBehavior",
        "user, item, category, behaviour, time",
        Columns(0, 1, 4),
        {0: _numbers, 1: _numbers, 3: _all(_BEHAVIOUR), 4: mostly_stamps},
        5,
    ),
    _Shape(
        "Foursquare's check-ins",
        "user, place, category, its name, latitude, longitude, offset, time",
        Columns(0, 1, 7),
        {4: _degrees, 5: _degrees, 7: mostly_dates},
        8,
    ),
)

_REFUSED: tuple[tuple[int, dict[int, Test], str], ...] = (
    (
        5,
        {0: _numbers, 4: _all(_IMPRESSIONS)},
        "holds impressions and histories, as MIND's behaviors.tsv does, so that no line is one action; "
        "write the items that were clicked (those that end in -1) as lines of user, item and time, and give "
        "that file",
    ),
    (
        4,
        {0: _all(_SHA1), 3: _numbers},
        "holds counts of plays, as LastFM-360K does, and no times, so that nobody's actions have an order; "
        "`columns='user=0,item=2'` reads the artists in the order of the file",
    ),
)


def known_shape(head: FileHead, where: str) -> tuple[str, Columns] | None:
    """Return the summary and the columns of a log whose form is known, or None.

    Raise a `UserError` for a known form that is no log.
    """
    width, column = head.width, head.column

    def fits(tests: Iterable[tuple[int, Test]]) -> bool:
        return all(test(column(at)[:_TRIED]) for at, test in tests)

    for needed, tests, why in _REFUSED:
        if width == needed and fits(tests.items()) and not mostly_stamps(column(width - 1)):
            raise UserError(f"{where} {why}")
    for shape in _KNOWN:
        if width == shape.width and fits(shape.tests.items()):
            return f"{shape.name} ({shape.fields})", shape.columns
    return None


def unknown_shape(head: FileHead, where: str) -> UserError:
    """Return the error for a table without names, which shows its first line and its columns of times."""
    shown = ", ".join(f"{at}: {value[:30]}" for at, value in enumerate(head.first[:10]))
    more = ", …" if head.width > 10 else ""
    times = [at for at in range(head.width) if may_be_moments(head.column(at))]
    seem = ""
    if times:
        seem = f"; column{'s' * (len(times) > 1)} {', '.join(map(str, times))} may be times"
    if head.one_row_per_user:
        seem += "; if each line is a user and the items of that user, pass `input_format='sequences'`"
    return UserError(
        f"{where} has {head.width} columns and no names; say which is which with {NUMBERS_EXAMPLE}, by "
        f"numbers from 0; its first line has {shown}{more}{seem}"
    )
