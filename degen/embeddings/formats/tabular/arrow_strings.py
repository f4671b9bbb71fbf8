"""Read the strings of Arrow's arrays from the records of a pickle, without pyarrow.

An array of strings has three buffers: bits that say which are there, offsets into the text, and the text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from degen.embeddings.formats.inert_pickle import Call
from degen.embeddings.formats.pickled_arrays import plain_bytes

_OFFSETS: dict[str, Any] = {"string": np.dtype("<i4"), "large_string": np.dtype("<i8")}


def arrow_strings(value: Any) -> list[str] | None:
    """Return the strings of an array, or of the chunks of one, with an empty one for each that is missing.

    Return None for an array of another type. Raise a `ValueError` or `TypeError` where it is damaged.
    """
    if not isinstance(value, Call):
        return None
    if value.name == "pyarrow.lib.chunked_array":
        parts = [arrow_strings(part) for part in value.arguments[0]]
        return None if None in parts else [word for part in parts for word in part or ()]
    if value.name != "pyarrow.lib._restore_array":
        return None
    kind, length, _, first, buffers = value.arguments[0][:5]
    alias = _alias(kind)
    if alias not in _OFFSETS:
        return None
    there, places, text = (None if buffer is None else _buffer(buffer) for buffer in buffers)
    if length == 0:
        return []
    if places is None:
        raise ValueError("an array of strings has no offsets")
    ends = np.frombuffer(places, dtype=_OFFSETS[alias], count=first + length + 1)[first:]
    raw = bytes(text or b"")
    if ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] > len(raw):
        raise ValueError("an offset of strings lies outside the text")
    words = [
        raw[start:end].decode() for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]
    if there is None:
        return words
    bits = np.unpackbits(np.frombuffer(there, dtype=np.uint8), bitorder="little")[first : first + length]
    return [word if bit else "" for word, bit in zip(words, bits.tolist(), strict=True)]


def _alias(kind: Any) -> str:
    named = isinstance(kind, Call) and kind.name == "pyarrow.lib.type_for_alias" and len(kind.arguments) == 1
    return str(kind.arguments[0]) if named else ""


def _buffer(value: Any) -> bytes | bytearray:
    if not isinstance(value, Call) or value.name != "pyarrow.lib.py_buffer":
        raise TypeError("a buffer of strings is none")
    raw = value.arguments[0]
    # Protocols before 5 create an array of bytes from bytes.
    if isinstance(raw, Call) and raw.name.endswith(".bytearray"):
        raw = raw.arguments[0] if raw.arguments else b""
    return plain_bytes(raw)
