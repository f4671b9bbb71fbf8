"""Values of measures: undefined ones, sampled ones with a standard error, and intervals."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from degen.errors import UserError


class Undefined(UserError):
    """A measure has no value for a matrix; the message gives the reason."""


class Estimate(float):
    """A sampled value.

    Attributes
    ----------
    standard_error
        standard error of the value, > 0.
    sample
        what it was computed from, such as `1,000,000 of 73,210,050 pairs`.
    """

    standard_error: float
    sample: str

    def __new__(cls, value: float, standard_error: float, sample: str) -> Estimate:
        """Make a float that carries its uncertainty."""
        estimate = super().__new__(cls, value)
        estimate.standard_error, estimate.sample = standard_error, sample
        return estimate


@dataclass(frozen=True)
class Interval:
    """A value with its uncertainty.

    Attributes
    ----------
    value, low, high
        the estimate, and the ends of its interval.
    standard_error
        standard error of the estimate.
    noise
        source of the uncertainty: `seeds` or `items`.
    method
        name of the method.
    """

    value: float
    low: float
    high: float
    standard_error: float
    noise: str
    method: str


def _is_number(found: Any, *_: Any) -> bool:
    return isinstance(found, Real) or (getattr(found, "ndim", None) == 0 and not isinstance(found, str))


def _is_per_bucket(found: Any, _rows: Any, buckets: Any) -> bool:
    with suppress(Exception):  # anyone's result, which may be anything
        values = np.asarray(found)
        return values.dtype.kind in "fiub" and values.shape == (len(buckets.names),)
    return False


Wanted = tuple[str, Callable[..., bool]]
"""The result that a registered function must return, in words and as a check; see `degen.modules.Own`."""

NUMBER: Wanted = ("one number", _is_number)
PER_BUCKET: Wanted = ("one number per bucket", _is_per_bucket)
