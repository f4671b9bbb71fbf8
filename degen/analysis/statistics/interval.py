"""A value with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value with its uncertainty.

    Attributes
    ----------
    value, low, high
        the estimate, and the ends of its interval.
    standard_error
        of the estimate.
    noise
        what it is of: `seeds` or `items`.
    method
        how it was found.
    """

    value: float
    low: float
    high: float
    standard_error: float
    noise: str
    method: str
