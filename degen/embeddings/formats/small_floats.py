"""Floats of 8 and 16 bits that NumPy lacks: the bytes that hold them, and their values as float32.

    bfloat16                          the upper half of a float32
    float8_e4m3fn, float8_e5m2        a sign, 4 or 5 bits of exponent and 3 or 2 of mantissa
    float8_e4m3fnuz, float8_e5m2fnuz  the same without negative zero and infinity
    float8_e8m0fnu                    a power of two

Each value of these types is one of float32, so that nothing is rounded.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

BFLOAT16 = "bfloat16"

# Bits of the mantissa, bias of the exponent, and the bytes that are not numbers or are infinite.
_WITH_INFINITY = {0x7C: np.inf, 0xFC: -np.inf} | dict.fromkeys((0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF), np.nan)
_LAYOUTS: dict[str, tuple[int, int, dict[int, float]]] = {
    "float8_e4m3fn": (3, 7, {0x7F: np.nan, 0xFF: np.nan}),
    "float8_e5m2": (2, 15, _WITH_INFINITY),
    "float8_e4m3fnuz": (3, 8, {0x80: np.nan}),
    "float8_e5m2fnuz": (2, 16, {0x80: np.nan}),
}
_POWERS = "float8_e8m0fnu"

SMALL_FLOATS = (BFLOAT16, *_LAYOUTS, _POWERS)


def small_storage(kind: str) -> np.dtype[Any]:
    """Return the type of the little-endian integers that have the bytes of `kind`, one of `SMALL_FLOATS`."""
    return np.dtype("<u2" if kind == BFLOAT16 else "u1")


def small_values(stored: Values, kind: str) -> Values:
    """Return the float32 values of integers that hold `kind`, one of `SMALL_FLOATS`."""
    if kind == BFLOAT16:
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    values: npt.NDArray[np.float32] = _table(kind)[stored]
    return values


@cache
def _table(kind: str) -> npt.NDArray[np.float32]:
    """Return the value of each of the 256 bytes."""
    codes = np.arange(256)
    if kind == _POWERS:
        table = np.ldexp(np.ones(256), codes - 127)
        table[255] = np.nan
        return table.astype(np.float32)
    bits, bias, special = _LAYOUTS[kind]
    exponent, fraction = (codes & 0x7F) >> bits, (codes & ((1 << bits) - 1)) / (1 << bits)
    # The lowest exponent holds numbers without the leading one.
    magnitude = np.ldexp(fraction + (exponent > 0), np.maximum(exponent, 1) - bias)
    table = np.where(codes & 0x80, -magnitude, magnitude)
    table[list(special)] = list(special.values())
    found: npt.NDArray[np.float32] = table.astype(np.float32)
    return found
