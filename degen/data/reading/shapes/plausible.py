"""Judge from the first values of a column whether they can be times, ratings, counts or dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from degen.data.reading.ids import MISSING
from degen.data.reading.shapes.time_units import moment_of
from degen.data.reading.time_patterns import are_clocks
from degen.data.reading.times import TimeColumn, UnreadableTime, is_date, is_time
from degen.errors import UserError

_TRIED = 500
"""Maximum number of values of a column that are tried as times or ratings."""

_TRIED_AS_DATES = 20
"""Maximum number of values that are tried by every pattern of dates, which takes long."""

_LARGE = 1_000_000
"""Numbers from here on are time stamps, smaller ones may be ratings or indices."""

LEAST = 50
"""Rows from which a column of small numbers is judged. Fewer might look like times, or not, by chance."""

_LEAST_USERS = 20
"""Lines from which columns are judged by the values that they share. Fewer might share none by chance."""

_FEW = 0.5
"""Share of different values among the lines up to which a column repeats a few."""

_HUGE = 1e19
"""Numbers from here on are no times in any unit."""

_EXCEPTIONS = 0.02
"""Share of lines that may break a rule, since any log may have a few bad ones."""

_DAY = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")


def is_stated(value: str) -> bool:
    """Return whether a text is a number or a date of any form, which no column has as its name."""
    return is_time(value) or (any(map(str.isdecimal, value)) and is_date(value))


def mostly_times(values: Sequence[str]) -> bool:
    """Return whether more than half of the first values are numbers or dates."""
    return _mostly(is_time, values[:_TRIED])


def mostly_stamps(values: Sequence[str]) -> bool:
    """Return whether more than half of the first values are dates, or numbers too large for ratings.

    Large numbers that no clock of our age gives, such as those of categories, have to differ mostly.
    """
    if may_be_moments(values):
        return True
    tried = values[:_TRIED]
    large = _mostly(lambda value: is_time(value) and not _number(value) < _LARGE, tried)
    return large and len(set(tried)) > len(tried) / 2


def may_be_moments(values: Sequence[str]) -> bool:
    """Return whether more than half of the first values are dates, or times since 1970 of our age."""
    return _mostly(_is_moment, values[:_TRIED]) or mostly_dates(values)


def surely_moments(values: Sequence[str]) -> bool:
    """Return whether the first values are dates, or all of them times since 1970 of our age."""
    return bool(values) and (all(map(_is_moment, values[:_TRIED])) or mostly_dates(values))


def are_percents(values: Sequence[str]) -> bool:
    """Return whether the first values are whole numbers from 0 to 100."""
    return all(0 <= _number(value) <= 100 and _number(value).is_integer() for value in values[:_TRIED])


def _is_moment(value: str) -> bool:
    if _DAY.fullmatch(value):
        return True
    number = _number(value)
    return abs(number) < _HUGE and moment_of(int(number)) is not None


def mostly_dates(values: Sequence[str]) -> bool:
    """Return whether more than half of the first values are dates of any form, and no numbers."""
    return _mostly(is_date, values[:_TRIED_AS_DATES])


def mostly_missing(values: Sequence[str]) -> bool:
    """Return whether more than half of the values are what tables write where there is none."""
    return _mostly(MISSING.__contains__, values)


def _mostly(test: Callable[[str], bool], values: Sequence[str]) -> bool:
    return sum(map(test, values)) > len(values) / 2


def are_ratings(values: Sequence[str]) -> bool:
    """Return whether all of the first values are numbers from 0 to 10 in steps of a half."""
    return all(0 <= _number(value) <= 10 and (2 * _number(value)).is_integer() for value in values[:_TRIED])


def are_days(values: Sequence[str]) -> bool:
    """Return whether the first values are dates without a time of day."""
    tried = values[:_TRIED_AS_DATES]
    return bool(tried) and all(
        _DAY.fullmatch(value) or (":" not in value and is_date(value)) for value in tried
    )


def are_times_of_day(values: Sequence[str]) -> bool:
    """Return whether the first values are times of a day, such as 9:30 or 0930."""
    return are_clocks(values[:_TRIED])


def are_fractions(values: Sequence[str]) -> bool:
    """Return whether the first values are small numbers, some with a fraction or below 0."""
    numbers = [_number(value) for value in values[:_TRIED]]
    small = all(abs(number) < _LARGE for number in numbers)
    return small and any(number < 0 or not number.is_integer() for number in numbers)


def are_constant(values: Sequence[str]) -> bool:
    """Return whether many values are all one small number."""
    return len(values) >= LEAST and len(set(values)) == 1 and abs(_number(values[0])) < _LARGE


def are_hours(values: Sequence[str]) -> bool:
    """Return whether the first values are whole numbers from 0 to 23."""
    return bool(values) and all(value.isdecimal() and int(value) < 24 for value in values[:_TRIED])


def are_of_users(users: Sequence[str], values: Sequence[str]) -> bool:
    """Return whether each of several users has one value in two lines or more on average."""
    known: dict[str, str] = {}
    if any(known.setdefault(user, value) != value for user, value in zip(users, values, strict=True)):
        return False
    return 1 < len(known) <= len(users) / 2


def own_words(columns: Sequence[Sequence[str]]) -> int:
    """Return how many columns repeat a few values that no other column has, which items of users do not."""
    kinds = [set(column) for column in columns]
    lines = len(columns[0])
    if lines < _LEAST_USERS:
        return 0
    return sum(
        len(words) <= _FEW * lines and all(map(words.isdisjoint, kinds[:at] + kinds[at + 1 :]))
        for at, words in enumerate(kinds)
    )


def share_tied(users: Sequence[str], values: Sequence[str]) -> float:
    """Return the share of lines whose value occurs again for the same user, among users of several lines."""
    pairs, lines = Counter(zip(users, values, strict=True)), Counter(users)
    several = [(pair, count) for pair, count in pairs.items() if lines[pair[0]] > 1]
    total = sum(count for _, count in several)
    return sum(count for _, count in several if count > 1) / total if total else 0.0


def are_in_order(users: Sequence[str], values: Sequence[str], *, ties: bool = False) -> bool:
    """Return whether numbers may number actions: they rise from line to line of a user.

    They also have to rise from line to line of the file, or users have to have two lines or more on average.
    With `ties`, equal numbers rise too.
    """
    last: dict[str, float] = {}
    before: float | None = None
    lines = pairs = falls = falls_of_users = 0
    for user, value in zip(users, values, strict=True):
        number = _number(value)
        if not number < _HUGE:  # any other text is named with its line when it is read
            continue
        lines += 1
        falls += before is not None and _falls(before, number, ties)
        if user in last:
            pairs += 1
            falls_of_users += _falls(last[user], number, ties)
        before = last[user] = number
    if not lines or falls_of_users > _EXCEPTIONS * pairs:
        return False
    return falls <= _EXCEPTIONS * lines or pairs > len(last)


def _falls(before: float, number: float, ties: bool) -> bool:
    return before > number or (not ties and before == number)


def are_same_days(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two columns of dates have mostly the same days, as far as both can be read."""
    days: list[list[str]] = []
    for values in (one, other):
        column = TimeColumn()
        try:
            # The reader keeps 20170728 as a number.
            column.add([_as_iso(value) for value in values[:_TRIED]])
            days.append([column.shown(time)[:10] for time in column.times().tolist()])
        except (UnreadableTime, UserError):
            return True
    same = sum(1 for first, second in zip(*days, strict=True) if first == second)
    return same >= len(days[0]) / 2


def _as_iso(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if _DAY.fullmatch(value) else value


def _number(text: str) -> float:
    """Return the value of a number, and infinity for any other text, such as a date."""
    try:
        return float(text)
    except ValueError:
        return float("inf")
