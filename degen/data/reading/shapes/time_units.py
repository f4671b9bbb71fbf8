"""Units of time stamps: seconds, milliseconds, microseconds or nanoseconds since 1970, told by their size."""

from __future__ import annotations

import numpy as np

from degen.data.interactions import Times
from degen.data.long_arrays import blocks
from degen.data.reading.time_patterns import MILLION

_UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": MILLION, "nanoseconds": 1_000 * MILLION}
_YEAR_1990, _YEAR_2100 = 631_152_000, 4_102_444_800
"""Seconds from 1970 to these years."""


def moment_of(number: int) -> int | None:
    """Return the microseconds since 1970 that a number is likely to mean, or None if it is likely no date.

    Seconds, milliseconds, microseconds and nanoseconds of the years 1990 to 2100 do not overlap.
    """
    unit = _unit(number)
    return None if unit is None else number * MILLION // _UNITS[unit]


def unlike_moments(times: Times, per_unit: int = 1) -> list[str]:
    """Return notes on times, int64 `[n]`, that are in another unit than most, or in none, among moments.

    Times are multiples of 1 / `per_unit`.
    """
    if not len(times):
        return []
    counts = dict.fromkeys(_UNITS, 0)
    odd: int | None = None
    smallest, largest = int(times.min()) // per_unit, int(times.max()) // per_unit
    if _unit(smallest) is not None and _unit(smallest) == _unit(largest):
        return []
    for part in blocks(len(times)):
        values = times[part] // per_unit
        told = np.zeros(len(values), dtype=bool)
        for name, unit in _UNITS.items():
            fits = (values >= _YEAR_1990 * unit) & (values < _YEAR_2100 * unit)
            counts[name] += int(fits.sum())
            told |= fits
        if odd is None and not told.all():
            odd = int(values[told.argmin()])
    moments = sum(counts.values())
    if moments <= len(times) / 2:
        return []
    notes = []
    units = [f"{count:,} in {name}" for name, count in counts.items() if count]
    if len(units) > 1:
        notes.append(f"its times are in several units ({', '.join(units)}), so their order is wrong: use one")
    if odd is not None:
        notes.append(
            f"{len(times) - moments:,} of {len(times):,} times are no moments from 1990 to 2100, such as "
            f"{odd}: remove these lines if their times are missing"
        )
    return notes


def _unit(number: int) -> str | None:
    return next(
        (name for name, unit in _UNITS.items() if _YEAR_1990 * unit <= number < _YEAR_2100 * unit), None
    )
