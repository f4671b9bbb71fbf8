"""Arrays in NumPy's files, `.npy` and `.npz`; neither is ever read through pickle.

`open_npz` reads headers only. The numbers of an array are read once it has been chosen.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.named_arrays import (
    LARGE,
    ArrayFile,
    StoredArray,
    array_in_file,
    check_shape,
)
from degen.errors import UserError
from degen.files.memory import check_fits

_LOCAL_HEADER = 30
"""Bytes of the fixed part of the header that stands before each member of a zip."""

_LONGEST_HEADER = 10_000
"""Maximum number of bytes in the header of a `.npy`, NumPy's own limit; NumPy checks it once it is read."""

_MOST_MEMBERS = 1 << 16
"""Maximum number of arrays in a `.npz`."""

_DEFLATE = 1100
"""A bound on how much deflate can shorten its input: 1,032 times."""

# A .npz is a zip, and the header of a .npy is a Python literal. Random changes of bytes have raised each of
# these errors (RuntimeError: encrypted, or compressed by a method that Python lacks; or nested too deep).
_ZIP_DAMAGE = (BadZipFile, zlib.error, LZMAError, struct.error, RuntimeError, EOFError, OSError)
_HEADER_DAMAGE = (ValueError, TypeError, SyntaxError, TokenError, MemoryError, LookupError, ArithmeticError)
DAMAGE = (*_ZIP_DAMAGE, *_HEADER_DAMAGE)


@dataclass(frozen=True)
class _Header:
    """The header of a `.npy`, as NumPy reads it, and the number of bytes that it takes."""

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype[Any]
    length: int

    @property
    def size(self) -> int:
        """Number of bytes of the array."""
        return prod(self.shape) * self.dtype.itemsize


def read_npy(path: Path) -> Values | FileRows:
    """Return the array in `path`; a large matrix stays there."""
    try:
        with path.open("rb") as file:
            header = _header(file)
        if header.dtype.hasobject or path.stat().st_size < header.length + header.size:
            raise ValueError("the array holds objects, or is cut short")
        return array_in_file(
            path, header.length, header.shape, header.dtype.str, by_columns=header.by_columns
        )
    except DAMAGE as error:
        raise unreadable(path, "numpy.save") from error


def open_npz(path: Path) -> ArrayFile:
    """Return the arrays of the archive `path`, as the headers of its members describe them."""
    try:
        with ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            if len(members) > _MOST_MEMBERS:
                raise UserError(
                    f"{path} holds {len(members):,} arrays, over {_MOST_MEMBERS:,}; save the matrix alone"
                )
            return ArrayFile(
                {member.filename.removesuffix(".npy"): _member(path, archive, member) for member in members}
            )
    except DAMAGE as error:
        raise unreadable(path, "numpy.savez") from error


def _header(file: IO[bytes]) -> _Header:
    """Read the header of a `.npy`; raise one of `DAMAGE` where there is none."""
    start = file.read(8)
    version = np.lib.format.read_magic(io.BytesIO(start))
    size = file.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(size, "little")
    if length > _LONGEST_HEADER:
        raise ValueError("the header is too long")
    rest = io.BytesIO(size + file.read(length))
    old = version == (1, 0)
    read_header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_header(rest)
    if dtype.subdtype is not None:
        raise ValueError("the array holds arrays")
    return _Header(check_shape(shape, dtype.itemsize), by_columns, dtype, len(start) + len(size) + length)


def _member(path: Path, archive: ZipFile, member: ZipInfo) -> StoredArray:
    with archive.open(member) as file:
        header = _header(file)
    return StoredArray(header.shape, partial(_read_member, path, member, header))


def _read_member(path: Path, member: ZipInfo, header: _Header) -> Values | FileRows:
    start = member_offset(path, member)
    try:
        if header.dtype.hasobject or member.file_size != header.length + header.size:
            raise ValueError("the array holds objects, or another number of bytes than its header says")
        if member.compress_type == ZIP_DEFLATED and member.file_size > _DEFLATE * (member.compress_size + 64):
            raise ValueError("the array cannot have been compressed into so few bytes")
        # Reading through the zip verifies the checksum, so only a large matrix is read past it.
        if header.size < LARGE or start is None:
            check_fits(header.size, f"{path}: '{member.filename.removesuffix('.npy')}'")
            with open_member(path, member.filename) as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except DAMAGE as error:
        raise unreadable(path, "numpy.savez") from error
    return array_in_file(
        path, start + header.length, header.shape, header.dtype.str, by_columns=header.by_columns
    )


def member_offset(path: Path, member: ZipInfo) -> int | None:
    """Return the byte at which a member of a zip begins, or None if it is compressed or encrypted."""
    if member.compress_type != ZIP_STORED or member.flag_bits & 1:
        return None
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER)
    # The file's name and an extra field follow the header; both lengths stand at its end.
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    return member.header_offset + _LOCAL_HEADER + names


@contextmanager
def open_member(source: Path | IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """Open a member of a zip for reading."""
    with ZipFile(source) as archive, archive.open(name) as file:
        yield file


def unreadable(path: Path, writer: str) -> UserError:
    """Return the error for a damaged file, or for one that is not what its suffix says."""
    return UserError(
        f"{path} is not a {path.suffix} file of numbers: it is damaged, cut short, or holds Python objects, "
        f"which are never unpickled; write it again with {writer}"
    )
