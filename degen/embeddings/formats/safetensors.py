"""Arrays in a `.safetensors` file: JSON at its start says where each lies."""

from __future__ import annotations

import json
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from degen.embeddings.file_rows import BFLOAT16, FileRows, Values, storage
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray, array_in_file
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.errors import UserError

_KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": BFLOAT16,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
}
"""The format's types of numbers, as `FileRows` names them."""

_LONGEST_HEADER = 100_000_000
"""Maximum number of bytes of the header, the limit of the format itself."""


def open_safetensors(path: Path) -> ArrayFile:
    """Return the arrays of `path` as its header describes them; raise a `UserError` if it is damaged."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _LONGEST_HEADER:
                raise ValueError("the header is too long")
            header = json.loads(file.read(length).decode())
        header.pop("__metadata__", None)
        return ArrayFile({name: _tensor(path, name, 8 + length, entry) for name, entry in header.items()})
    except (*DAMAGE, KeyError, AttributeError, RecursionError) as error:
        raise unreadable(path, "safetensors") from error


def _tensor(path: Path, name: str, start: int, entry: dict[str, Any]) -> StoredArray:
    """Check what the header says of one array against the file; `start` is the byte after the header."""
    kind, shape = str(entry["dtype"]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if any(type(size) is not int or size < 0 for size in (*shape, first, last)):
        raise ValueError("a shape or an offset is no whole number")
    if start + last > path.stat().st_size:
        raise ValueError("the file is cut short")
    if kind in _KINDS and last - first != prod(shape) * storage(_KINDS[kind]).itemsize:
        raise ValueError("a shape and its bytes differ")
    return StoredArray(shape, partial(_read, path, name, start + first, shape, kind))


def _read(path: Path, name: str, offset: int, shape: tuple[int, ...], kind: str) -> Values | FileRows:
    if kind not in _KINDS:
        raise UserError(f"{path}: '{name}' holds {kind}, which NumPy lacks; save it as float32")
    return array_in_file(path, offset, shape, _KINDS[kind])
