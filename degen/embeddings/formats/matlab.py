"""Arrays in MATLAB's `.mat` of versions 5 to 7.2.

    128 bytes       text, version and byte order
    variables       each an element: its type, its number of bytes, and its content, packed by zlib or not
    a variable      elements again: flags, shape, name, and the numbers, column after column

SciPy's own reader is not used, since damaged files made it read outside their memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.errors import UserError
from degen.files.memory import check_fits

_HEADER = 128
_DESCRIPTION = 4096
"""Number of bytes, unpacked, in which flags, shape and name of a variable must stand."""

_PACKED, _VARIABLE = 15, 14
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""Types of the numbers of a variable; they may be stored in a narrower one of `_TYPES`."""

_COMPLEX_OR_LOGICAL = 0x0A00
_DAMAGE = (*DAMAGE, struct.error, zlib.error, OverflowError)
_WRITER = "scipy.io.savemat or MATLAB's save"


@dataclass(frozen=True)
class _Variable:
    """A variable: where its content lies in the file, and what it says of its numbers.

    The content has `stored` bytes in the file and `length` unpacked. Its element at `numbers` has the
    numbers, of type `kind`; None for those that are not real.
    """

    path: Path
    order: str
    start: int
    stored: int
    length: int
    packed: bool
    name: str
    kind: str | None
    shape: tuple[int, ...]
    numbers: int


def open_mat(path: Path) -> ArrayFile:
    """Return the arrays of real numbers in `path`.

    Raise a `UserError` where it is damaged, or of version 4 or 7.3, of which the latter is HDF5.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if order is None:
            raise ValueError("it has no mark of byte order")
        version = struct.unpack(f"{order}H", head[124:126])[0] >> 8
        if version == 2:
            raise UserError(
                f"{path} is of MATLAB 7.3, which is HDF5; save it again with save(…, '-v7'), or as .npy"
            )
        variables = [each for each in _variables(path, order) if each.kind is not None]
    except _DAMAGE as error:
        raise unreadable(path, _WRITER) from error
    return ArrayFile({each.name: StoredArray(each.shape, partial(_read, each)) for each in variables})


def _variables(path: Path, order: str) -> Iterator[_Variable]:
    size, at = path.stat().st_size, _HEADER
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            kind, stored = struct.unpack(f"{order}II", file.read(8))
            start, at = at + 8, at + 8 + stored
            if at > size:
                raise ValueError("the file is cut short")
            if kind not in (_PACKED, _VARIABLE):
                continue
            content, length, packed = file.read(min(stored, _DESCRIPTION)), stored, kind == _PACKED
            if packed:
                content = zlib.decompressobj().decompress(content, _DESCRIPTION)
                kind, length = struct.unpack(f"{order}II", content[:8])
                content = content[8:]
            if kind == _VARIABLE and length:
                name, number, shape, numbers = _description(content, order)
                yield _Variable(path, order, start, stored, length, packed, name, number, shape, numbers)


def _description(content: bytes, order: str) -> tuple[str, str | None, tuple[int, ...], int]:
    """Return name, type, shape and the place of the numbers; the type is None where they are not real."""
    _, start, _, after = _element(content, 0, order)
    (flags,) = struct.unpack(f"{order}I", content[start : start + 4])
    _, start, length, after = _element(content, after, order)
    shape = struct.unpack(f"{order}{length // 4}i", content[start : start + length // 4 * 4])
    _, start, length, after = _element(content, after, order)
    if start + length > len(content) or any(size < 0 for size in shape) or len(shape) < 2:
        raise ValueError("a variable is not described")
    name = content[start : start + length].decode("ascii")
    real = not flags & _COMPLEX_OR_LOGICAL
    return name, _CLASSES.get(flags & 0xFF) if real else None, shape, after


def _element(content: bytes, at: int, order: str) -> tuple[int, int, int, int]:
    """Return the type of an element, the place and number of its bytes, and the place of the next one."""
    (word,) = struct.unpack(f"{order}I", content[at : at + 4])
    if word >> 16:  # up to four bytes stand beside their number
        return word & 0xFFFF, at + 4, word >> 16, at + 8
    (length,) = struct.unpack(f"{order}I", content[at + 4 : at + 8])
    return word, at + 8, length, at + 8 + length + -length % 8


def _read(variable: _Variable) -> Values:
    path, order, kind = variable.path, variable.order, variable.kind
    assert kind is not None  # as listed
    check_fits(2 * variable.length, f"'{variable.name}' of {path} in memory")
    try:
        with path.open("rb") as file:
            file.seek(variable.start)
            content = file.read(variable.stored)
        if variable.packed:
            content = zlib.decompressobj().decompress(content, 8 + variable.length)[8:]
        stored, start, length, _ = _element(content, variable.numbers, order)
        numbers = np.dtype(f"{order}{_TYPES[stored]}")
        if length != prod(variable.shape) * numbers.itemsize or start + length > len(content):
            raise ValueError("a shape and its bytes differ")
        found = np.frombuffer(content, numbers, count=prod(variable.shape), offset=start)
        return found.reshape(variable.shape, order="F").astype(kind)
    except (*_DAMAGE, KeyError) as error:
        raise unreadable(path, _WRITER) from error
