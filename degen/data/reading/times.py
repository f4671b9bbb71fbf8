"""Read times as int64, whether a file has whole numbers, numbers with decimals, or dates.

    1369699200            whole numbers, in any unit, stay as they are
    1369699200.5, 1.3e9   read exactly, as decimals; if any has a fraction, the whole log counts in millionths
    2018-01-01 09:30:00   ISO 8601, read as seconds since 1970-01-01, in UTC where no zone is given
    28/07/2018 9:30 AM    other dates, by a pattern (`time_patterns`)

Only the order of times matters later. No time passes through a float, because float32 rounds a time stamp of
today to a multiple of 128 seconds, so that actions minutes apart would tie.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

import numpy as np

from degen.data.interactions import Times
from degen.data.long_arrays import Column
from degen.data.reading.shapes.time_units import moment_of, unlike_moments
from degen.data.reading.time_patterns import EPOCH, MILLION, DateColumn, NoPattern, fitting, since_1970
from degen.errors import UserError

_LARGEST = 2**63 - 1
_SMALLEST_EXPONENT = -400
"""Decimal exponents below this are refused: they are no times, and their digits would take memory."""

_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_UNPADDED = re.compile(r"(\d{4}-\d\d-\d\d[ T])(\d:)")

Kind = Literal["number", "date"]


class UnreadableTime(ValueError):
    """A value that is no time: `index` is its position in the chunk, `value` the text found there.

    `pattern` is the pattern of dates that it does not fit, if one was told or fits all times before it.
    """

    def __init__(self, index: int, value: str, pattern: str | None = None) -> None:
        super().__init__(f"'{value}' at {index}")
        self.index = index
        self.value = value
        self.pattern = pattern

    def at(self, where: str, column: str = "") -> UserError:
        """Return the error to raise for this value, which stands at `where`, such as `log.csv line 3`."""
        named = f" in '{column}'" if column else ""
        if self.pattern is not None:
            return UserError(
                f"{where} has the time '{self.value}'{named}, which does not fit the pattern "
                f"'{self.pattern}'; mend that line, or give the pattern of all times with `time_format`"
            )
        return UserError(
            f"{where} has the time '{self.value}'{named}; times are numbers, or dates like 2018-01-31 "
            "09:30:00, alike in every line; name another column, or none, with `columns`, or the pattern of "
            "the dates with `time_format`"
        )


def parse_time(text: str) -> tuple[Kind, Decimal]:
    """Return the kind of time that a text is, and its exact value: the number, or seconds since 1970.

    Raise a `ValueError` if it is neither a finite number nor an ISO date.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        if _THOUSANDS.fullmatch(text.strip()):
            return parse_time(text.replace(",", ""))
        iso = _UNPADDED.sub(r"\g<1>0\2", text.strip().removesuffix(" UTC"), count=1)
        return "date", Decimal(since_1970(datetime.fromisoformat(iso))) / MILLION
    if not number.is_finite() or (number and not _SMALLEST_EXPONENT < number.adjusted() < 20):
        raise ValueError(f"{text} is not a finite int64")
    if abs(number) > _LARGEST:
        raise ValueError(f"{text} is not a finite int64")
    return "number", number


def _iso_dates(column: Sequence[str]) -> Times | None:
    """Return texts as microseconds since 1970, int64 `[n]`, if all are ISO dates with hyphens, or None.

    No number with a hyphen is a date too, so this is `parse_time`, several times as fast.
    """
    texts = [text.removesuffix(" UTC") for text in column] if column and column[0].endswith("UTC") else column
    try:
        moments = [datetime.fromisoformat(text) for text in texts if "-" in text]
    except ValueError:
        return None
    if len(moments) < len(column) or not moments:
        return None
    return np.fromiter(map(since_1970, moments), dtype=np.int64, count=len(moments))


def is_time(text: str) -> bool:
    """Return whether `parse_time` can read the text."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Return whether a text is a date of any form, and not a number."""
    try:
        return parse_time(text)[0] == "date"
    except ValueError:
        return any(sign in text for sign in "/-.:, ") and bool(fitting(text))


class TimeColumn:
    """The times of a log, collected chunk by chunk in one unit: millionths from the first fraction on.

    `pattern` is the user's pattern of dates; None tells numbers, ISO 8601 and other dates apart by the first.
    """

    def __init__(self, pattern: str | None = None) -> None:
        self._column = Column(np.int64)
        self._kind: Kind | None = None
        self._fractions = False
        self._dates = None if pattern is None else DateColumn([pattern])

    @property
    def texts_only(self) -> bool:
        """True if numbers have to be given as the texts that they are, because a pattern is to read them."""
        return self._dates is not None

    def add(self, column: Sequence[str]) -> None:
        """Read a column of texts.

        Raise an `UnreadableTime` at the first value that is no time, is a date among numbers, or a number
        among dates, and a `UserError` if fractions meet numbers too large to be counted in millionths.
        """
        if self._dates is None and self._kind is None and column and not is_time(column[0]):
            patterns = fitting(column[0])
            self._dates = DateColumn(patterns) if patterns else None
        if self._dates is None:
            self._add_numbers_or_iso(column)
            return
        try:
            self._dates.add(column)
        except NoPattern as error:
            raise UnreadableTime(error.index, column[error.index], self._dates.patterns[0]) from error

    def _add_numbers_or_iso(self, column: Sequence[str]) -> None:
        if self._kind != "date":
            try:
                values = np.fromiter(map(int, column), dtype=np.int64, count=len(column))
            except (ValueError, OverflowError):
                pass
            else:
                self.add_integers(values)
                return
        dates = None if self._kind == "number" else _iso_dates(column)
        if dates is not None:
            self._kind = "date"
            fractions = bool((dates % MILLION).any())
            self._append(dates if fractions else dates // MILLION, fractions)
            return
        exact = []
        for index, text in enumerate(column):
            try:
                kind, value = parse_time(text)
            except ValueError as error:
                raise UnreadableTime(index, text) from error
            self._kind = self._kind or kind
            if kind != self._kind:
                raise UnreadableTime(index, text)
            exact.append(value)
        fractions = any(value % 1 for value in exact)
        scaled = [int(value * MILLION) if fractions else int(value) for value in exact]
        try:
            times = np.array(scaled, dtype=np.int64)
        except OverflowError as error:
            index = scaled.index(max(scaled, key=abs))
            raise UnreadableTime(index, str(exact[index])) from error
        self._append(times, fractions)

    def add_integers(self, values: Times) -> None:
        """Take whole numbers, int64 `[n]`; raise an `UnreadableTime` after dates."""
        if self._kind == "date" and len(values):
            raise UnreadableTime(0, str(values[0]))
        self._kind = "number"
        self._append(values, fractions=False)

    def _append(self, values: Times, fractions: bool) -> None:
        """Append values in the common unit; the first fraction converts all earlier values to millionths."""
        if fractions and not self._fractions:
            self._fractions = True
            earlier = self._column.finish()
            self._column.append(_millionths(earlier))
        elif self._fractions and not fractions:
            values = _millionths(values)
        self._column.append(values)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was inferred of the times."""
        if self._dates is not None:
            return (self._dates.note,)
        dates = ("dates were read as seconds since 1970 in UTC",) if self._kind == "date" else ()
        return (*dates, "times have fractions and are kept to a millionth") if self._fractions else dates

    def times(self) -> Times:
        """Return all times, int64 `[n]`. The column is empty afterwards.

        Raise a `UserError` if dates can be read in several ways and no line of the file decides.
        """
        return self._column.finish() if self._dates is None else self._dates.finish()

    def doubts(self, times: Times) -> list[str]:
        """Return notes on numbers that `times` returned where most are moments and not all in one unit."""
        if self._dates is not None or self._kind != "number":
            return []
        return unlike_moments(times, MILLION if self._fractions else 1)

    def shown(self, value: int) -> str:
        """Return one of the times for a reader: a date wherever it is one, or a number that may well be."""
        millionths = self._fractions or (self._dates is not None and self._dates.millionths)
        if self._kind == "date" or self._dates is not None:
            return _date_of(value if millionths else value * MILLION)
        plain = value // MILLION if self._fractions else value
        moment = moment_of(plain)
        return str(plain) if moment is None else _date_of(moment)


def _date_of(microseconds: int) -> str:
    try:
        moment = EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return str(microseconds)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _millionths(values: Times) -> Times:
    if np.abs(values).max(initial=0) > _LARGEST // MILLION:
        raise UserError(
            "some times have fractions and others are too large to be kept to a millionth; use one unit"
        )
    return values * MILLION
