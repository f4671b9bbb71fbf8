"""Tell dates that are written in digits alone, such as 06082017, from numbers.

As numbers, days of 2017 that begin with the day of the month are in the order of that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from degen.data.reading.shapes.plausible import are_days
from degen.errors import UserError

_TRIED = 500
"""Maximum number of values that are tried."""

_PATTERNS = {
    8: ("%d%m%Y", "%m%d%Y", "%Y%d%m"),
    6: ("%y%m%d", "%d%m%y", "%m%d%y", "%y%d%m"),
    4: ("%m%d", "%d%m"),
}
"""Patterns of dates by their number of digits. Numbers by `%Y%m%d` are in the order of time."""

_ENOUGH = 10
"""Different numbers of six digits that are dates by chance in one of a million columns."""

_FIRST, _LAST = 1990, 2100
"""Years of dates."""


def check_digits(values: Sequence[str], column: str, where: str, without: str) -> None:
    """Refuse dates in digits alone whose order as numbers is not that of time.

    `column` names the column in words. `without` is the user's choice of columns that leaves it out.
    """
    tried = values[:_TRIED]
    width, patterns = _dates(tried)
    if not patterns or (width == 6 and "%y%m%d" in patterns and _begins_with_year(tried)):
        return
    if width == 4:
        raise UserError(
            f"{where} has days without a year, such as {tried[0]}, in {column}; write dates with their year, "
            f"or leave the column out with {without}"
        )
    choices = " or ".join(f"`time_format='{pattern}'`" for pattern in patterns)
    lost = next((value for value in tried if len(value) < width), None)
    lead = (
        ""
        if lost is None
        else f"write {lost} as {lost.zfill(width)} and all others with {width} digits, then "
    )
    raise UserError(
        f"{where} has dates in digits alone, such as {tried[0]}, in {column}, whose order is not that of "
        f"time; {lead}pass {choices}"
    )


def _dates(values: Sequence[str]) -> tuple[int, list[str]]:
    """Return the number of digits of dates, and the patterns by which all values are dates."""
    if not values or not all(value.isdecimal() and value.isascii() for value in values) or are_days(values):
        return 0, []
    width = max(map(len, values))
    shortest = min(map(len, values))
    zeros = any(value[0] == "0" for value in values)
    if width not in (4, 6, 7, 8) or shortest < width - 1:
        return 0, []
    width += width == 7  # the days before the tenth lost their zeros
    if (width == 4 and not (zeros and shortest == 4)) or (
        width == 6 and not zeros and len(set(values)) < _ENOUGH
    ):
        return 0, []
    texts = [value.zfill(width) for value in set(values)]
    return width, [pattern for pattern in _PATTERNS[width] if all(_is_date(text, pattern) for text in texts)]


def _is_date(text: str, pattern: str) -> bool:
    try:
        # Without a year, February has 29 days in a leap year only.
        day = (
            datetime.strptime(f"{text} 2000", f"{pattern} %Y")
            if len(text) == 4
            else datetime.strptime(text, pattern)
        )
    except ValueError:
        return False
    return _FIRST <= day.year < _LAST


def _begins_with_year(values: Sequence[str]) -> bool:
    """Return whether the first two of six digits vary less than the last two, as years do."""
    return len({value[:-4] for value in values}) < len({value[-2:] for value in values})
