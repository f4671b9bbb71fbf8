"""Unpack the file of a log while it is read: gzip, bzip2, xz, and zip archives that hold one file.

The kind of packing is told by content, not by name.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from degen.errors import UserError

GZIP = b"\x1f\x8b"
_KINDS = {GZIP: "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}
_LONGEST_MARK = 6

PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")
"""Suffixes of packed files, after the suffix that tells the format."""


def packing(path: Path) -> str | None:
    """Return how a file is packed, by its first bytes: `gzip`, `bzip2`, `xz`, `zip`, or None."""
    with path.open("rb") as file:
        start = file.read(_LONGEST_MARK)
    return next((kind for mark, kind in _KINDS.items() if start.startswith(mark)), None)


@contextmanager
def unpacked(path: Path, raw: BinaryIO, kind: str | None) -> Iterator[BinaryIO]:
    """Give the content of `raw`, which is the file at `path` and packed as `packing` returns.

    Raise a `UserError`, here or in the block, if it is truncated or damaged, or an archive of several files.
    """
    try:
        with _opened(path, raw, kind) as file:
            yield file
    except EOFError as error:
        raise UserError(f"{path} is a truncated {kind} file; download or copy it again") from error
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise _damaged(path, kind, error) from error
    except OSError as error:
        # bz2 has no error of its own.
        if kind == "bzip2" and error.errno is None:
            raise _damaged(path, kind, error) from error
        raise


def _damaged(path: Path, kind: str | None, error: Exception) -> UserError:
    return UserError(f"{path} is a damaged {kind} file ({error}); download or copy it again")


@contextmanager
def _opened(path: Path, raw: BinaryIO, kind: str | None) -> Iterator[BinaryIO]:
    if kind == "zip":
        with zipfile.ZipFile(raw) as archive, _only_member(path, archive) as file:
            yield file
    elif kind == "gzip":
        with gzip.GzipFile(fileobj=raw, mode="rb") as file:
            yield cast(BinaryIO, file)
    elif kind == "bzip2":
        with bz2.BZ2File(raw) as file:
            yield cast(BinaryIO, file)
    elif kind == "xz":
        with lzma.LZMAFile(raw) as file:
            yield cast(BinaryIO, file)
    else:
        yield raw


@contextmanager
def _only_member(path: Path, archive: zipfile.ZipFile) -> Iterator[BinaryIO]:
    """Open the one file of an archive; folders and what macOS adds do not count."""
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        some = ", ".join(member.filename for member in members[:6]) + ", …" * (len(members) > 6)
        raise UserError(
            f"{path} is a zip archive of {len(members)} files ({some}); unpack it and give the file of "
            "interactions inside"
        )
    try:
        with archive.open(members[0]) as file:
            yield cast(BinaryIO, file)
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed by a rare method
        raise UserError(f"{path} is a zip archive that cannot be read ({error}); unpack it first") from error
