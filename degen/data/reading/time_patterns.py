"""Dates that are neither numbers nor ISO 8601, by the patterns of `datetime.strptime`.

    2017/07/28 10:15, 28 Jul 2017, Wed Mar 22 09:25:14 -0700 2017, 11/25/2019 9:05:58 AM

A pattern has to fit every time of a log. Of 03/04/2019 it cannot be told whether the day or the month comes
first, so both readings are kept until a later line, such as 11/25/2019, rules one of them out. Where none
does, the log is refused, with the patterns to choose among.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import product

import numpy as np

from degen.data.interactions import Times
from degen.data.long_arrays import Column
from degen.errors import UserError

MILLION = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)

_DATES = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y"),
    *("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y"),
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_WHOLE = (
    *("%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z"),
    *("%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %H:%M:%S %z"),
    *("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"),  # hours below 10 may lack the zero that ISO 8601 wants
)
PATTERNS = (*(date + clock for date, clock in product(_DATES, _CLOCKS)), *_WHOLE)
"""Patterns that are tried where the user names none."""

_REMEMBERED = 1 << 16
"""Maximum number of texts whose value is kept, since dates without a time of day occur again and again."""


class NoPattern(ValueError):
    """A text that no pattern fits which fits all texts before it; `index` is its position in the chunk."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def check_pattern(pattern: str) -> None:
    """Raise a `UserError` unless `pattern` is one that `datetime.strptime` knows and holds a date."""
    sample = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        with warnings.catch_warnings():
            # Python 3.13 warns of a day without a year before it is judged below.
            warnings.simplefilter("ignore", DeprecationWarning)
            known = datetime.strptime(sample.strftime(pattern), pattern)
    except (ValueError, re.error):
        known = None
    if known is None or (known.month, known.day) != (2, 3):
        raise UserError(
            f"`time_format` '{pattern}' is no pattern of dates; write it as Python's strptime does, such as "
            "`time_format='%d/%m/%Y %H:%M:%S'`"
        )


def fitting(text: str) -> list[str]:
    """Return the patterns that a text fits.

    >>> fitting("2017/07/28"), fitting("3/4/2019 9:05")
    (['%Y/%m/%d'], ['%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M'])
    """
    text = text.strip()
    return [pattern for pattern in _BY_FORM.get(_form(text), ()) if _moment(text, pattern) is not None]


def _form(text: str) -> str:
    """Return a text with `0` for each run of digits, `a` for each word and `z` for an offset from UTC."""
    return _WORD.sub("a", _DIGITS.sub("0", _OFFSET.sub(" ±", text))).replace("±", "z")


_OFFSET = re.compile(r" [+-]\d\d:?\d\d")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")
# `strptime` compiles a pattern anew where it has seen five others since: texts of another form are not tried.
_SAMPLE = datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
_BY_FORM: dict[str, list[str]] = {}
for _pattern in PATTERNS:
    _BY_FORM.setdefault(_form(_SAMPLE.strftime(_pattern)), []).append(_pattern)


class DateColumn:
    """The times of a log as int64, chunk by chunk, by each pattern that fits all of them so far.

    They count seconds since 1970 in UTC, or millionths of a second where the pattern has `%f`.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._columns = {pattern: Column(np.int64) for pattern in patterns}
        self._known: dict[str, dict[str, int | None]] = {pattern: {} for pattern in patterns}
        self._decisive: str | None = None
        self._first: str | None = None

    @property
    def patterns(self) -> list[str]:
        """The patterns that fit all texts so far."""
        return list(self._columns)

    def add(self, texts: Sequence[str]) -> None:
        """Read a column of texts; raise a `NoPattern` where no pattern is left."""
        furthest = 0
        read: dict[str, list[int]] = {}
        for pattern in self.patterns:
            values: list[int | None] = [self._value(text, pattern) for text in texts]
            if None in values:
                furthest = max(furthest, values.index(None))
            else:
                read[pattern] = [value for value in values if value is not None]
        if texts and not read:
            raise NoPattern(furthest)
        if len(read) < len(self._columns):
            self._decisive = texts[furthest]
        self._columns = {pattern: self._columns[pattern] for pattern in read} or self._columns
        self._first = self._first or next(iter(texts), None)
        for pattern, times in read.items():
            self._columns[pattern].append(np.array(times, dtype=np.int64))

    def _value(self, text: str, pattern: str) -> int | None:
        known = self._known[pattern]
        if text not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[text] = _moment(text.strip(), pattern)
        return known[text]

    @property
    def millionths(self) -> bool:
        """True if the times count millionths of a second."""
        return "%f" in self.patterns[0]

    @property
    def note(self) -> str:
        """The sentence that says how the dates were read."""
        why = f" ('{self._decisive}' fits no other)" if self._decisive else ""
        unit = "millionths of a second" if self.millionths else "seconds"
        return f"dates were read by the pattern '{self.patterns[0]}'{why}, as {unit} since 1970 in UTC"

    def finish(self) -> Times:
        """Return all times, int64 `[n]`; raise a `UserError` where two patterns fit and give other times."""
        times = {pattern: column.finish() for pattern, column in self._columns.items()}
        first = times[self.patterns[0]]
        if any(not np.array_equal(first, other) for other in times.values()):
            choices = " or ".join(f"`time_format='{pattern}'`" for pattern in times)
            raise UserError(f"dates such as '{self._first}' can be read in several ways; pass {choices}")
        return first


def _moment(text: str, pattern: str) -> int | None:
    """Return the time of a text that fits a pattern, in the unit of `DateColumn`, or None."""
    if text.isdecimal() and len(text) != _digits(pattern):
        return None  # of 1112017 it cannot be told whether the day has one digit or the month
    try:
        moment = datetime.strptime(text, pattern)
    except ValueError:
        return None
    return since_1970(moment) if "%f" in pattern else since_1970(moment) // MILLION


@cache
def _digits(pattern: str) -> int:
    return len(_SAMPLE.strftime(pattern))


def since_1970(moment: datetime) -> int:
    """Return the microseconds from 1970 to a moment, which is taken to be in UTC where it has no zone."""
    passed = moment - (EPOCH if moment.tzinfo is not None else _EPOCH_WITHOUT_ZONE)
    return (passed.days * 86_400 + passed.seconds) * MILLION + passed.microseconds


# ---------------------------------------------------------------------------------------- times of the day


_OF_DAY = re.compile(r"\s*([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?\s*")
_HHMM = re.compile(r"(\d|[01]?\d[0-5]\d|2[0-3][0-5]\d|[0-5]\d)")
_HHMMSS = re.compile(r"\d|[0-5]\d|[0-5]?\d[0-5]\d|([01]?\d|2[0-3])[0-5]\d[0-5]\d")


def are_clocks(texts: Sequence[str]) -> bool:
    """Return whether all texts are times of a day: `9:30`, `09:30:15`, `930` or `93015`."""
    return bool(texts) and (
        all(map(_OF_DAY.fullmatch, texts))
        or all(map(_HHMM.fullmatch, texts))
        or all(map(_HHMMSS.fullmatch, texts))
    )


class Clock:
    """Join dates and times of the day that stand in two columns into one text each.

    With `hours`, numbers of one or two digits are hours. With `plain`, nothing is changed.
    """

    def __init__(self, plain: bool, hours: bool = False) -> None:
        self._plain = plain
        self._hours = hours
        self._digits: int | None = None

    def join(self, dates: Sequence[str], clocks: Sequence[str]) -> list[str]:
        """Return `date time` of each line; digits alone are written as ISO 8601 does, unless `plain`."""
        if self._plain:
            return [f"{date} {clock}" for date, clock in zip(dates, clocks, strict=True)]
        if self._digits is None and clocks:
            # Without leading zeros 930 is 9:30, or 0:09:30 where other lines have five or six digits.
            self._digits = 4 if max(map(len, clocks)) <= 4 else 6
        return [f"{_date(date)} {self._clock(clock)}" for date, clock in zip(dates, clocks, strict=True)]

    def _clock(self, text: str) -> str:
        if not text.isdecimal():
            return text
        if self._hours and len(text) <= 2:
            return f"{text.zfill(2)}:00"
        digits = text.zfill(self._digits or 4)
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text.isdecimal() and len(text) == 8 else text
