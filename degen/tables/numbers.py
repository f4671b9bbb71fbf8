"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

NOTHING = "–"
"""Text in place of a value that does not exist."""


def number(value: float | None) -> str:
    """Return four significant digits, whole numbers in full, a dash for None and NaN.

    >>> number(0.123456), number(-3.0), number(12101.0), number(2.5e-9), number(math.inf), number(None)
    ('0.1235', '-3', '12,101', '2.5e-09', '∞', '–')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == round(value) and abs(value) < 1e12:
        return f"{value:z,.0f}"
    size = abs(value)
    if size < 1e-4 or size >= 1e6:
        return f"{value:.4g}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(size)))}f}"


def four_decimals(value: Any) -> str:
    """Return a float with four decimals, a whole number with commas, and a dash for None.

    >>> four_decimals(0.0425), four_decimals(12101), four_decimals(12101.55), four_decimals("beauty")
    ('0.0425', '12,101', '12,101.5', 'beauty')
    """
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def with_error(value: float, error: float) -> str:
    """Return a value and its error, both to the second digit of the error.

    >>> with_error(-3.874612, 0.00031)
    '-3.87461 ± 0.00031'
    """
    if not (math.isfinite(value) and 0 < error < math.inf):
        return number(value)
    digits = _decimals(error)
    return f"{value:z,.{digits}f} ± {error:,.{digits}f}"


def between(low: float, high: float) -> str:
    """Return an interval, both ends to the second digit of half its width.

    >>> between(-2.1234, -2.0021), between(-0.0001, 0.25)
    ('-2.123 to -2.002', '0.00 to 0.25')
    """
    half = (high - low) / 2
    if not 0 < half < math.inf:
        return f"{number(low)} to {number(high)}"
    return " to ".join(f"{end:z,.{_decimals(half)}f}" for end in (low, high))


def _decimals(error: float) -> int:
    """Return how many decimals show two digits of an error above 0."""
    return min(max(0, 1 - math.floor(math.log10(error))), 12)
