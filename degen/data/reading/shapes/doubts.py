"""Say what the columns of a log leave open where that is no reason to refuse it."""

from __future__ import annotations

from collections.abc import Sequence

from degen.data.reading.columns import Columns, is_hour, normal_name, plain_name
from degen.data.reading.shapes.plausible import (
    LEAST,
    are_days,
    are_hours,
    are_in_order,
    may_be_moments,
    surely_moments,
)
from degen.data.reading.shapes.roles import Values, as_typed

_LOOKED_AT = 40
"""Maximum number of columns that are tried as times."""


def doubts(names: Sequence[str], columns: Columns, values: Values) -> tuple[str, ...]:
    """Return notes on columns that were found by their usual names and settled."""
    plain = [plain_name(name) for name in names]
    if columns.time is None:
        return _unread_times(plain, columns, values)
    if columns.clock is not None:
        return ()
    times = values(columns.time)
    name = plain[columns.time]
    for at, other in enumerate(plain):
        if is_hour(other) and at != columns.time and are_days(times) and are_hours(values(at)):
            joined = as_typed(plain, columns).replace(f"time={name}", f"time={name}+{other}")
            return (f"'{name}' holds days and '{other}' may be the hour of each: join them with {joined}",)
    if len(times) < LEAST or may_be_moments(times) or are_in_order(values(columns.user), times, ties=True):
        return ()
    without = as_typed(plain, Columns(columns.user, columns.item, None))
    return (
        f"its times are numbers in no order, such as {times[0]}: if '{name}' holds durations or counts, "
        f"leave it out with {without}",
    )


def _unread_times(names: Sequence[str], columns: Columns, values: Values) -> tuple[str, ...]:
    """Return a note on columns that look like times and have no usual name."""
    others = [at for at in range(min(len(names), _LOOKED_AT)) if at not in (columns.user, columns.item)]
    times = [at for at in others if surely_moments(values(at))]
    if times:
        shown = " and ".join(f"'{names[at]}'" for at in times)
        mend = as_typed(names, Columns(columns.user, columns.item, times[0]))
        return (f"{shown} may be times and {_were(times)} not read: name one with {mend}",)
    parts = [name for name in names if normal_name(name) in ("year", "month", "day")]
    if len(parts) == 3:
        return (f"{', '.join(parts)} were not read: write them as one column of dates to have times",)
    return ()


def _were(several: Sequence[int]) -> str:
    return "were" if len(several) > 1 else "was"
