"""Lists of the outputs in a folder, `.degen-outputs.jsonl`: a line per file with its name, size and SHA-256.

Several processes may write into one folder, so lines are added at the end, under a lock. A list that holds
many lines of the same files is written anew without the old ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from degen.errors import UserError
from degen.files.digest import Digest
from degen.files.parse import Unreadable, parse_json, read_text
from degen.files.writing import write_text

LIST = ".degen-outputs.jsonl"
"""Name of the list of outputs of a folder."""

KEPT = 4
"""Lines of a file that are kept: a kill leaves one too many, and other processes may be about to write it."""

_LINES_PER_FILE, _FEW_LINES = 8, 64
_ATTEMPTS = 100


def listed(folder: Path) -> dict[str, list[Digest]]:
    """Return the digests that outputs of a folder were written with, by their names, the newest last."""
    found: dict[str, list[Digest]] = {}
    try:
        lines = read_text(folder / LIST).splitlines()
    except Unreadable:
        return found
    for line in lines:
        try:
            row = parse_json(line)
        except Unreadable:  # cut short by a full disk
            continue
        digest = Digest.parsed(row)
        if digest is not None and isinstance(row.get("name"), str):
            found.setdefault(row["name"], []).append(digest)
    return found


def add_to_list(path: Path, digest: Digest) -> None:
    """Add a line for the output at `path`, which is about to take its place."""
    with _end_of(path.parent / LIST) as (handle, alone):
        # One write to the end of the file is not divided by those of other processes.
        os.write(handle, _line(path.name, digest).encode("utf-8"))
        if alone:
            with suppress(UserError, OSError):  # a list that is too long is no loss
                _shorten(path.parent)


def _line(name: str, digest: Digest) -> str:
    return json.dumps({"name": name, "size": digest.size, "sha256": digest.sha256}) + "\n"


def _shorten(folder: Path) -> None:
    """Write a long list anew: of each file the newest lines, and older ones that fit the file as it is."""
    found = listed(folder)
    if sum(map(len, found.values())) <= _FEW_LINES + _LINES_PER_FILE * len(found):
        return
    lines = []
    for name, digests in found.items():
        old = [digest for digest in dict.fromkeys(digests[:-KEPT]) if digest.fits(folder / name)]
        lines += [_line(name, digest) for digest in (*old, *digests[-KEPT:])]
    write_text(folder / LIST, "".join(lines))


@contextmanager
def _end_of(path: Path) -> Iterator[tuple[int, bool]]:
    """Yield a handle that writes at the end of a file, and whether this process alone may replace it."""
    handle, alone = -1, False
    try:
        for _ in range(_ATTEMPTS):
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            alone = _lock(handle)
            with suppress(FileNotFoundError):
                if not alone or os.path.samestat(os.fstat(handle), os.stat(path)):
                    break
            os.close(handle)  # another process has replaced the list while this one waited
            handle = -1
        yield handle, alone
    finally:
        if handle >= 0:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Wait for the lock of a file; false where the system or the file system has none."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
    except (ImportError, OSError):
        return False
    return True
