"""Build NumPy arrays and lists from the records of `inert_pickle`."""

from __future__ import annotations

import re
from math import prod
from typing import Any

import numpy as np

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.inert_pickle import Call
from degen.embeddings.formats.named_arrays import check_shape

_OF_BYTES = {"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"}
ARRAYS = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", *_OF_BYTES}
"""Functions that a pickle of an array calls: with shape, type and bytes as its state or as arguments.

The latter are those of protocol 5.
"""

_LONGEST_ID = 64
"""Maximum number of bits of an integer that is an id."""

_TYPE = re.compile(r"f[248]|[iu][1248]|U\d{1,6}")


def plain_list(value: Any) -> list[str] | None:
    """Return a list, or a one-dimensional NumPy array of strings or objects, as strings; else None."""
    if isinstance(value, Call) and value.name in ARRAYS:
        array = array_of(value)
        # An array of objects is pickled as a list.
        objects = value.state[4] if isinstance(value.state, tuple) and len(value.state) > 4 else None
        value = array.tolist() if array is not None and array.ndim == 1 else objects
    plain = isinstance(value, list | tuple) and all(_is_name(each) for each in value)
    return [str(each) for each in value] if plain else None


def _is_name(value: Any) -> bool:
    """Return whether a value is a string, or an integer of 64 bits; longer ones are costly to write out."""
    return isinstance(value, str) or (isinstance(value, int) and value.bit_length() <= _LONGEST_ID)


def array_shape(call: Call) -> tuple[int, ...] | None:
    """Return the shape of the array of numbers or strings that a call describes; None if it has none."""
    described = _described(call)
    return described[0] if described else None


def array_of(call: Call) -> Values | None:
    """Return the NumPy array of numbers or strings that a call describes; None if it describes none."""
    described = _described(call)
    if described is None:
        return None
    shape, numbers, by_columns, raw = described
    return np.frombuffer(plain_bytes(raw), dtype=numbers).reshape(shape, order="F" if by_columns else "C")


def _described(call: Call) -> tuple[tuple[int, ...], np.dtype[Any], bool, Any] | None:
    """Return shape, type, order and bytes, which fit each other; the bytes may still be encoded as text."""
    if call.name in _OF_BYTES and len(call.arguments) > 3 and call.arguments[3] in ("C", "F"):
        raw, dtype, shape, order = call.arguments[:4]
        by_columns = order == "F"
    elif call.name in ARRAYS and isinstance(call.state, tuple) and len(call.state) > 4:
        _, shape, dtype, by_columns, raw = call.state[:5]
    else:
        return None
    numbers = _type(dtype)
    if numbers is None or not isinstance(shape, tuple):
        return None
    try:
        whole = prod(check_shape(shape, numbers.itemsize)) * numbers.itemsize
    except ValueError:
        return None
    text = raw.arguments[0] if _is_encoded(raw) else raw
    if not isinstance(text, str if _is_encoded(raw) else bytes | bytearray) or len(text) != whole:
        return None
    return shape, numbers, by_columns is True, raw


def _type(dtype: Any) -> np.dtype[Any] | None:
    """Return the NumPy type that a pickle describes, or None where it is none of numbers or strings."""
    if not isinstance(dtype, Call) or dtype.name != "numpy.dtype" or not dtype.arguments:
        return None
    kind = dtype.arguments[0]
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "|"
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind) or order not in ("<", ">", "|"):
        return None
    return np.dtype(f"{order}{kind}")


def _is_encoded(raw: Any) -> bool:
    """Return whether bytes are stored as text, as protocols of Python 2 store them."""
    encoded = isinstance(raw, Call) and raw.name == "_codecs.encode" and len(raw.arguments) == 2
    return encoded and isinstance(raw.arguments[0], str) and raw.arguments[1] == "latin1"


def plain_bytes(raw: Any) -> bytes | bytearray:
    """Return bytes unchanged, or those stored as text; raise a `TypeError` for anything else."""
    if _is_encoded(raw):
        raw = raw.arguments[0].encode("latin1", errors="replace")
    if not isinstance(raw, bytes | bytearray):
        raise TypeError(f"{type(raw).__name__} stands where bytes should")
    return raw
