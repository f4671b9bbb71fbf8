"""Arrays in NumPy's files, `.npy` and `.npz`; neither is ever read through pickle.

`open_npz` reads headers only. The numbers of an array are read once it has been chosen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.named_arrays import LARGE, ArrayFile, StoredArray, array_in_file
from degen.errors import UserError

_LOCAL_HEADER = 30
"""Bytes of the fixed part of the header that stands before each member of a zip."""

# A .npz is a zip, and the header of a .npy is a Python literal. Random changes of bytes have raised each of
# these errors (RuntimeError: encrypted, or compressed by a method that Python lacks).
_ZIP_DAMAGE = (BadZipFile, zlib.error, RuntimeError, EOFError, OSError)
DAMAGE = (*_ZIP_DAMAGE, ValueError, TypeError, SyntaxError, TokenError, MemoryError)


def read_npy(path: Path) -> Values | FileRows:
    """Return the array in `path`; a large matrix stays there."""
    try:
        # The map is never touched. It only tells where the numbers are and that all of them are there.
        array = np.lib.format.open_memmap(path, mode="r")
        by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
        return array_in_file(path, array.offset, array.shape, array.dtype.str, by_columns=by_columns)
    except DAMAGE as error:
        raise unreadable(path, "numpy.save") from error


def open_npz(path: Path) -> ArrayFile:
    """Return the arrays of the archive `path`, as the headers of its members describe them."""
    try:
        with path.open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                raise UserError(f"{path} holds a single array; rename it to end in .npy")
        with ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        return ArrayFile({member.filename.removesuffix(".npy"): _member(path, member) for member in members})
    except DAMAGE as error:
        raise unreadable(path, "numpy.savez") from error


def _member(path: Path, member: ZipInfo) -> StoredArray:
    with open_member(path, member.filename) as file:
        old = np.lib.format.read_magic(file) == (1, 0)
        read_header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read_header(file)
        header = file.tell()
    return StoredArray(shape, partial(_read_member, path, member, header, shape, dtype, by_columns))


def _read_member(
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
        # Reading through the zip verifies the checksum, so only a large matrix is read past it.
        if size < LARGE or start is None:
            with open_member(path, member.filename) as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except DAMAGE as error:
        raise unreadable(path, "numpy.savez") from error
    return array_in_file(path, start + header, shape, dtype.str, by_columns=by_columns)


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
def open_member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a member of the zip at `path` for reading."""
    with ZipFile(path) as archive, archive.open(name) as file:
        yield file


def unreadable(path: Path, writer: str) -> UserError:
    """Return the error for a damaged file, or for one that is not what its suffix says."""
    return UserError(
        f"{path} is not a {path.suffix} file of numbers: it is damaged, cut short, or holds Python objects, "
        f"which are never unpickled; write it again with {writer}"
    )
