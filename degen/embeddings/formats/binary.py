"""Arrays from `.npy`, `.npz` and `.safetensors` files, never through pickle.

What a file holds is read from its headers; numbers are read once one array is chosen.
"""

from __future__ import annotations

import json
import zlib
from functools import partial
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

from degen.embeddings.file_rows import BFLOAT16, FileRows, Values, storage
from degen.embeddings.formats.named_arrays import (
    LARGE,
    Found,
    Stored,
    array_in_file,
    member_offset,
    open_member,
)
from degen.errors import UserError

_SAFETENSORS = {
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
"""The types of numbers of the format, as `FileRows` names them."""

_MOST_HEADER = 100_000_000

# The header of a .npy is a Python literal, a .npz is a zip: random changes of bytes have raised each of these
# (RuntimeError: encrypted, or packed by a method that Python lacks).
DAMAGE = (
    ValueError,
    TypeError,
    SyntaxError,
    TokenError,
    OSError,
    EOFError,
    BadZipFile,
    RuntimeError,
    MemoryError,
    zlib.error,
)


def read_npy(path: Path) -> Values | FileRows:
    """Return the array in `path`; a large matrix stays there."""
    try:
        # The map only tells where the numbers are, and that all of them are there: it is not touched.
        array = np.lib.format.open_memmap(path, mode="r")
        by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
        return array_in_file(path, array.offset, array.shape, array.dtype.str, by_columns=by_columns)
    except DAMAGE as error:
        raise unreadable(path, "numpy.save") from error


def find_npz(path: Path) -> Found:
    """Return what the archive `path` holds, by the headers of its members."""
    try:
        with path.open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                raise UserError(f"{path} holds a single array; rename it to end in .npy")
        with ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        return Found({member.filename.removesuffix(".npy"): _npz_array(path, member) for member in members})
    except DAMAGE as error:
        raise unreadable(path, "numpy.savez") from error


def _npz_array(path: Path, member: ZipInfo) -> Stored:
    with open_member(path, member.filename) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, by_columns, dtype = np.lib.format.read_array_header_2_0(file)
        header = file.tell()
    return Stored(shape, partial(_read_npz, path, member, header, shape, dtype, by_columns))


def _read_npz(
    path: Path,
    member: ZipInfo,
    header: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    by_columns: bool,
) -> Values | FileRows:
    if dtype.hasobject:
        raise unreadable(path, "numpy.savez")
    size = prod(shape) * dtype.itemsize
    start = member_offset(path, member)
    try:
        if member.file_size != header + size:
            raise ValueError("the header promises another number of bytes than there are")
        # What is read through the zip has its checksum verified.
        if size < LARGE or start is None:
            with open_member(path, member.filename) as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except DAMAGE as error:
        raise unreadable(path, "numpy.savez") from error
    return array_in_file(path, start + header, shape, dtype.str, by_columns=by_columns)


def find_safetensors(path: Path) -> Found:
    """Return what `path` holds, by the JSON at its start."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MOST_HEADER:
                raise ValueError("the header is too long")
            header = json.loads(file.read(length).decode())
        header.pop("__metadata__", None)
        return Found({name: _safetensor(path, name, 8 + length, entry) for name, entry in header.items()})
    except (*DAMAGE, KeyError, AttributeError, RecursionError) as error:
        raise unreadable(path, "safetensors") from error


def _safetensor(path: Path, name: str, start: int, entry: dict[str, Any]) -> Stored:
    kind, shape = str(entry["dtype"]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if any(type(size) is not int or size < 0 for size in (*shape, first, last)):
        raise ValueError("a shape or an offset is no whole number")
    if start + last > path.stat().st_size:
        raise ValueError("the file is cut short")
    if kind in _SAFETENSORS and last - first != prod(shape) * storage(_SAFETENSORS[kind]).itemsize:
        raise ValueError("a shape and its bytes differ")
    return Stored(shape, partial(_read_safetensor, path, name, start + first, shape, kind))


def _read_safetensor(
    path: Path, name: str, offset: int, shape: tuple[int, ...], kind: str
) -> Values | FileRows:
    if kind not in _SAFETENSORS:
        raise UserError(f"{path}: '{name}' holds {kind}, which NumPy lacks; save it as float32")
    return array_in_file(path, offset, shape, _SAFETENSORS[kind])


def unreadable(path: Path, writer: str) -> UserError:
    """The error of a file that is damaged, or not what its name says."""
    return UserError(
        f"{path} is not a {path.suffix} file of numbers: damaged, cut short, or Python objects, which are "
        f"never unpickled; write it again with {writer}"
    )
