"""Outputs of commands: exports, figures, tables and reports, which replace no file that degen did not write.

Each folder into which degen writes outputs has a list of them, `.degen-outputs.jsonl`: a line per file with
its name, size and SHA-256. A file that is there already is replaced if the list has it as it is. One that is
not in the list, or was changed since, is refused unless `force=True` allows it, or it holds the same bytes.
A file of a run's own is never replaced.

Lines are only added, so that several processes may write into one folder. A line is added before its file
takes its place: a kill leaves a line too many, never a file without one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from degen.errors import UserError
from degen.files.digest import Digest
from degen.files.parse import Unreadable, parse_json, read_text
from degen.files.writing import atomic_path

LIST = ".degen-outputs.jsonl"
MANIFEST = "manifest.json"
"""Names of the list of outputs of a folder, and of the manifest of a run directory."""

_FORCED: ContextVar[bool] = ContextVar("_FORCED", default=False)
_OLDER: ContextVar[bool] = ContextVar("_OLDER", default=False)


@contextmanager
def replacing(force: bool) -> Iterator[None]:
    """Let outputs in a block replace files that degen did not write, if `force` is true."""
    token = _FORCED.set(force or _FORCED.get())
    try:
        yield
    finally:
        _FORCED.reset(token)


@contextmanager
def in_own_folders() -> Iterator[None]:
    """Take the files of folders without a list for those of an older version of degen, in a block.

    It is for folders that are degen's: of studies, of the paper's tables and figures.
    """
    token = _OLDER.set(True)
    try:
        yield
    finally:
        _OLDER.reset(token)


def may_replace(path: Path) -> bool:
    """Return whether an output may replace the file at `path`."""
    if _FORCED.get() or (_OLDER.get() and not (path.parent / LIST).exists()):
        return True
    return any(digest.fits(path) for digest in _listed(path.parent).get(path.name, ()))


@contextmanager
def output_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path, and rename it to the output `path` at the end of the block (`atomic_path`).

    Raises
    ------
    UserError
        if a file is there that degen did not write, and the block has written other contents.
    """
    with atomic_path(path, kept=False) as temporary:
        yield temporary
        digest = Digest.of(temporary)
        if not digest.fits(path):
            refuse_foreign(path)
        _list(path, digest)


def refuse_foreign(*paths: Path) -> None:
    """Raise for the first path that holds a file which degen did not write, or which was changed since.

    Call it before long work whose outputs have known names.
    """
    for path in paths:
        if not path.is_file() and not path.is_symlink():
            continue
        refuse_run_file(path)
        if not may_replace(path):
            raise UserError(
                f"{path} is there already, and degen did not write it or it was changed since; name another "
                "`out`, or replace it with `force=True`"
            )


def refuse_run_file(path: Path) -> None:
    """Raise for a file that the manifest of a run directory lists."""
    for folder in list(path.absolute().parents)[:2]:
        manifest = folder / MANIFEST
        if not manifest.is_file():
            continue
        try:
            files = parse_json(read_text(manifest))["files"]
            own = path.absolute().relative_to(folder).as_posix() in files
        except (Unreadable, KeyError, TypeError):
            continue
        if own:
            raise UserError(f"{path} belongs to the run in {folder}; name another `out`")


def written_outputs(folder: Path) -> list[Path]:
    """Return the outputs in a folder that are as degen wrote them, and the list of them."""
    found = [
        folder / name
        for name, digests in _listed(folder).items()
        if any(digest.fits(folder / name) for digest in digests)
    ]
    return [*found, folder / LIST] if (folder / LIST).is_file() else found


def _listed(folder: Path) -> dict[str, list[Digest]]:
    """Return the digests that outputs of a folder were written with, by their names."""
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


def _list(path: Path, digest: Digest) -> None:
    if digest in _listed(path.parent).get(path.name, ()):
        return
    row = {"name": path.name, "size": digest.size, "sha256": digest.sha256}
    line = json.dumps(row) + "\n"
    # One write to the end of the file is not divided by those of other processes.
    handle = os.open(path.parent / LIST, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(handle, line.encode("utf-8"))
    finally:
        os.close(handle)
