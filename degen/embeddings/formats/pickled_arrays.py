"""Build NumPy arrays and lists from the records of `inert_pickle`."""

from __future__ import annotations

import re
from math import prod
from typing import Any

import numpy as np

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.inert_pickle import Call

ARRAYS = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
"""Functions that a pickle of an array calls; shape, type and bytes are then set as its state."""

_TYPE = re.compile(r"[fiu][1248]|U\d{1,6}")


def plain_list(value: Any) -> list[str] | None:
    """Return a list, or a one-dimensional NumPy array of strings or objects, as strings; else None."""
    if isinstance(value, Call) and value.name in ARRAYS:
        array = array_of(value)
        # An array of objects is pickled as a list.
        objects = value.state[4] if isinstance(value.state, tuple) and len(value.state) > 4 else None
        value = array.tolist() if array is not None and array.ndim == 1 else objects
    plain = isinstance(value, list | tuple) and all(isinstance(each, str | int) for each in value)
    return [str(each) for each in value] if plain else None


def array_of(call: Call) -> Values | None:
    """Return the NumPy array of numbers or strings that a call describes; None if it describes none."""
    if not isinstance(call.state, tuple) or len(call.state) < 5:
        return None
    _, shape, dtype, by_columns, raw = call.state[:5]
    raw = _bytes(raw)
    if (
        not isinstance(dtype, Call)
        or not isinstance(shape, tuple)
        or any(type(size) is not int or size < 0 for size in shape)
    ):
        return None
    kind = str(dtype.arguments[0]) if dtype.name == "numpy.dtype" and dtype.arguments else ""
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "|"
    if not _TYPE.fullmatch(kind) or order not in ("<", ">", "|"):
        return None
    numbers = np.dtype(f"{order}{kind}")
    if not isinstance(raw, bytes) or len(raw) != prod(shape) * numbers.itemsize:
        return None
    return np.frombuffer(raw, dtype=numbers).reshape(shape, order="F" if by_columns else "C")


def _bytes(raw: Any) -> Any:
    """Return bytes unchanged, and decode the text that protocols of Python 2 make of them."""
    encoded = isinstance(raw, Call) and raw.name == "_codecs.encode" and len(raw.arguments) == 2
    if encoded and isinstance(raw.arguments[0], str) and raw.arguments[1] == "latin1":
        return raw.arguments[0].encode("latin1", errors="replace")
    return raw
