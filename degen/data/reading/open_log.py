"""Open the file of a log, packed or not, and refuse in one sentence what is damaged or no log.

    file ─ first_bytes ─► packed? parquet? binary? ─► open_text / open_bytes ─► lines

Packing is told by content, not by name (`packed`). Formats are told apart in `guess_format`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from degen.data.reading.packed import PACKED_SUFFIXES, packing, unpacked
from degen.errors import UserError
from degen.progress import WatchedFile

PARQUET = b"PAR1"

_STEP = 1 << 20
LONGEST_LINE = 1 << 27
"""Maximum number of bytes of one line: 128 MiB. A packed file may hold far more than its size."""

_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"(\xb5/\xfd": "a zstd file",
    b"\x1f\x8b": "packed twice",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"PK\x05\x06": "an empty zip archive",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Control characters that Latin-1 text hardly ever holds: all but tab, line feeds, carriage return and escape.
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 27})

SUFFIXES = (".txt", ".inter", ".tsv", ".csv", ".parquet", ".dat", ".data", ".jsonl", ".json")
"""Suffixes of logs, apart from those of packing (`.gz`), in order of preference."""


def stem(path: Path) -> str:
    """Return a file's name without the suffixes of known formats: `beauty` for `beauty.txt.gz`."""
    name = path.name
    while (suffix := Path(name).suffix) and suffix.lower() in (*PACKED_SUFFIXES, *SUFFIXES):
        name = name[: -len(suffix)]
    return name


def is_packed(path: Path) -> bool:
    """Return whether the file is packed in a way that `open_bytes` unpacks, whatever its name."""
    return packing(path) is not None


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if it is gzip, bzip2, xz, or a zip archive of one file.

    Raise a `UserError`, here or in the block, if it is missing, unreadable, truncated or damaged.
    """
    try:
        kind = packing(path)
        with _opened(path, "reading") as raw, unpacked(path, raw, kind) as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(
            f"{path} does not exist; give the path of a log, or a name from `degen data list`"
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def _opened(path: Path, what: str) -> io.BufferedReader:
    # The default buffer of 8 kB would cost a fifth of the reading time of a long log.
    return io.BufferedReader(WatchedFile(path, what), _STEP)


@contextmanager
def open_text(
    path: Path, encoding: str = "utf-8-sig", longest: int | None = LONGEST_LINE
) -> Iterator[io.TextIOWrapper]:
    r"""Open a file as text, unpacked; `\r\n` counts as one line end.

    Raise a `UserError`, here or in the block, as `open_bytes` does, or for a line of over `longest` bytes.
    """
    with open_bytes(path) as file:
        raw = cast(io.RawIOBase, file) if longest is None else _Lines(path, file, longest)
        yield io.TextIOWrapper(io.BufferedReader(raw, _STEP), encoding=encoding)


class _Lines(io.RawIOBase):
    """The bytes of a file, whose lines must not be longer than memory may hold at once."""

    def __init__(self, path: Path, file: BinaryIO, longest: int) -> None:
        self._path, self._file, self._longest = path, cast(io.RawIOBase, file), longest
        self._since = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._file.readinto(buffer)
        if count:
            last = bytes(memoryview(buffer)[:count]).rfind(b"\n")
            self._since = self._since + count if last < 0 else count - last - 1
            if self._since > self._longest:
                raise UserError(
                    f"{self._path} has a line of more than {self._longest:,} bytes, so it is no log of lines"
                )
        return count


def first_bytes(path: Path, size: int = 1 << 20) -> bytes:
    """Return the first `size` bytes, unpacked.

    Raise a `UserError` if the file is empty, or is neither text nor Parquet.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the path of one file of interactions")
    with open_bytes(path) as file:
        head = file.read(size)
    if not head.strip():
        raise UserError(f"{path} is empty; it should hold one interaction, or one user, per line")
    if not head.startswith(PARQUET):
        _refuse_binary(path, head)
    return head


def _refuse_binary(path: Path, head: bytes) -> None:
    for magic, what in _ARCHIVES.items():
        if head.startswith(magic):
            raise UserError(f"{path} is {what}; unpack it and give the file of interactions inside")
    if head.startswith(_UTF16):
        raise UserError(f"{path} is text in UTF-16; save it as UTF-8")
    # The first bytes may end within a character, which is at most 4 bytes long.
    no_utf8 = "\ufffd" in head.decode(errors="replace")[:-3]
    if b"\0" in head or (no_utf8 and len(head.translate(None, _CONTROL)) < 0.99 * len(head)):
        raise UserError(f"{path} is a binary file, not a log of interactions as text or Parquet")


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the file as it lies on disk, in hexadecimal."""
    try:
        with _opened(path, "checking") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
