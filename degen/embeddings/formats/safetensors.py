"""Arrays in a `.safetensors` file: JSON at its start says where each lies."""

from __future__ import annotations

from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from degen.embeddings.file_rows import FileRows, Values, storage
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray, array_in_file, check_shape
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.embeddings.formats.small_floats import BFLOAT16
from degen.errors import UserError
from degen.files.parse import parse_json

_KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": BFLOAT16,
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
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

_LONGEST_HEADER = 1 << 25
"""Maximum number of bytes of the header: 32 MiB. The format allows 100 MB, which no model comes near."""


def open_safetensors(path: Path) -> ArrayFile:
    """Return the arrays of `path` as its header describes them; raise a `UserError` if it is damaged."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _LONGEST_HEADER:
                raise ValueError("the header is too long")
            header = parse_json(file.read(length).decode(), unique=True)
        header.pop("__metadata__", None)
        _check_places(header, path.stat().st_size - 8 - length)
        arrays = {name: _tensor(path, name, 8 + length, entry) for name, entry in header.items()}
        return ArrayFile(arrays, trained=True)
    except (*DAMAGE, AttributeError) as error:
        raise unreadable(path, "safetensors") from error


def _check_places(header: dict[str, Any], size: int) -> None:
    """Raise a `ValueError` unless the arrays follow each other without gap or overlap up to `size` bytes."""
    end = 0
    for first, last in sorted(tuple(entry["data_offsets"]) for entry in header.values()):
        if type(first) is not int or type(last) is not int or first != end or last < first:
            raise ValueError("the arrays do not follow each other")
        end = last
    if end != size:
        raise ValueError("the file has another length than its arrays")


def _tensor(path: Path, name: str, start: int, entry: dict[str, Any]) -> StoredArray:
    """Check what the header says of one array against the file; `start` is the byte after the header."""
    kind = entry["dtype"]
    known = _KINDS.get(kind)
    shape = check_shape(entry["shape"], 1 if known is None else storage(known).itemsize)
    first, last = entry["data_offsets"]
    if known is None:
        return StoredArray(shape, partial(_refuse, path, name, str(kind)))
    if last - first != prod(shape) * storage(known).itemsize:
        raise ValueError("a shape and its bytes differ")
    return StoredArray(shape, partial(array_in_file, path, start + first, shape, known))


def _refuse(path: Path, name: str, kind: str) -> Values | FileRows:
    raise UserError(f"{path}: '{name}' holds {kind}, which NumPy lacks; save it as float32")
