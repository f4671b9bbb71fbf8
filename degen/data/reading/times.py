"""Read times as int64, whether a file has whole numbers, numbers with decimals, or dates.

    1369699200            whole numbers, in any unit, stay as they are
    1369699200.5, 1.3e9   read exactly, as decimals; if any has a fraction, the whole log counts in millionths
    2018-01-01 09:30:00   ISO 8601, read as seconds since 1970-01-01, in UTC where no zone is given

Only the order of times matters later. No time passes through a float, because float32 rounds a time stamp of
today to a multiple of 128 seconds, so that actions minutes apart would tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

import numpy as np

from degen.data.interactions import Times
from degen.data.long_arrays import Column
from degen.errors import UserError

MILLION = 1_000_000
_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Kind = Literal["number", "date"]


class UnreadableTime(ValueError):
    """A value that is no time: `index` is its position in the chunk, `value` the text found there."""

    def __init__(self, index: int, value: str) -> None:
        super().__init__(f"'{value}' at {index}")
        self.index = index
        self.value = value

    def at(self, where: str, column: str = "") -> UserError:
        """Return the error to raise for this value, which stands at `where`, such as `log.csv line 3`."""
        named = f" in '{column}'" if column else ""
        return UserError(
            f"{where} has the time '{self.value}'{named}; times are numbers, or dates like 2018-01-31 "
            "09:30:00, alike in every line; name another column, or none, with `columns`"
        )


def parse_time(text: str) -> tuple[Kind, Decimal]:
    """Return the kind of time that a text is, and its exact value: the number, or seconds since 1970.

    Raise a `ValueError` if it is neither a finite number nor an ISO date.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return "date", Decimal((moment - _EPOCH) // timedelta(microseconds=1)) / MILLION
    if not number.is_finite() or abs(number) > _LARGEST:
        raise ValueError(f"{text} is not a finite int64")
    return "number", number


def is_time(text: str) -> bool:
    """Return whether `parse_time` can read the text."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


class TimeColumn:
    """The times of a log, collected chunk by chunk in one unit: millionths from the first fraction on."""

    def __init__(self) -> None:
        self._column = Column(np.int64)
        self._kind: Kind | None = None
        self._fractions = False

    def add(self, column: Sequence[str]) -> None:
        """Read a column of texts.

        Raise an `UnreadableTime` at the first value that is no time, is a date among numbers, or a number
        among dates, and a `UserError` if fractions meet numbers too large to be counted in millionths.
        """
        if self._kind != "date":
            try:
                values = np.fromiter(map(int, column), dtype=np.int64, count=len(column))
            except (ValueError, OverflowError):
                pass
            else:
                self.add_integers(values)
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
        dates = ("dates were read as seconds since 1970 in UTC",) if self._kind == "date" else ()
        return (*dates, "times have fractions and are kept to a millionth") if self._fractions else dates

    def times(self) -> Times:
        """Return all times, int64 `[n]`. The column is empty afterwards."""
        return self._column.finish()


def _millionths(values: Times) -> Times:
    if np.abs(values).max(initial=0) > _LARGEST // MILLION:
        raise UserError(
            "some times have fractions and others are too large to be kept to a millionth; use one unit"
        )
    return values * MILLION
