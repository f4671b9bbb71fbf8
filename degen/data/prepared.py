"""Write a processed log, with a note on what it was made from.

    <name>.txt.gz         user item item …   one user per line, oldest first; tabs if an id has a space
    <name>.txt.gz.json    counts, settings, SHA-256 of the log and of its source

A log beside a note with its SHA-256 is not filtered again when it is read. Without the note it is a file like
any other.
"""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from degen.data.cache import cache_folder
from degen.data.long_arrays import blocks
from degen.data.reading.open_log import SUFFIXES, content_hash
from degen.data.reading.packed import PACKED_SUFFIXES
from degen.data.sequences import Sequences
from degen.errors import UserError
from degen.files.outputs import may_replace
from degen.files.parse import Unreadable, read_json
from degen.files.writing import atomic_path, write_json
from degen.progress import tell
from degen.version import __version__

SUFFIX = ".txt.gz"
_MARK = "degen data prepare"
_REPLACES = "replaces_sha256"
_USERS = 4_096
"""Number of users whose lines are made at once."""


def prepared_path(name: str, out: Path | None) -> Path:
    """Return the path of a prepared log in `out`: a .txt.gz file, a folder, or None for the cache.

    Raise a `UserError` if `out` is the name of another kind of file.
    """
    if out is None:
        return cache_folder() / "prepared" / f"{name}{SUFFIX}"
    if out.name.endswith(SUFFIX):
        return out
    if out.is_file() or out.suffix in (*PACKED_SUFFIXES, *SUFFIXES):
        raise UserError(f"`out` is {out}, which is neither a folder nor a name that ends in {SUFFIX}")
    return out / f"{name}{SUFFIX}"


def note_path(log: Path) -> Path:
    """Return the path of the note of a log."""
    return log.with_name(f"{log.name}.json")


def read_note(log: Path) -> dict[str, Any] | None:
    """Return the note of a prepared log; None where there is none, or where it describes another content."""
    note = _our_note(log)
    return note if note is not None and note.get("sha256") == content_hash(log) else None


def _our_note(log: Path) -> dict[str, Any] | None:
    """Return the note beside a log's path, whatever the log holds; None where degen wrote none."""
    path = note_path(log)
    if path == log or not path.is_file():
        return None
    try:
        note = read_json(path)
    except Unreadable:
        return None
    return note if isinstance(note, dict) and note.get("written_by") == _MARK else None


def _is_ours(log: Path) -> bool:
    """Return whether the log and the note at a path are degen's, also where a kill fell between the two."""
    note = _our_note(log)
    return note is not None and (
        not log.exists() or content_hash(log) in (note.get("sha256"), note.get(_REPLACES))
    )


def refuse_other(path: Path) -> None:
    """Raise where a file that `degen data prepare` did not write is in the place of a log or its note."""
    for existing in (path, note_path(path)):
        if existing.exists() and not _is_ours(path) and not may_replace(existing):
            raise UserError(
                f"{existing} exists and was not written by `degen data prepare`, or was changed since; "
                "choose another place with `out`, or replace it with `force=True`"
            )


def write_log(sequences: Sequences, path: Path, made_from: dict[str, Any]) -> dict[str, Any]:
    """Write a log and its note, with `made_from` as further entries (JSON values); return the note.

    Raise a `UserError` if an id holds a tab or a line break, `path` is not a file of degen's, or it cannot be
    written.
    """
    refuse_other(path)
    separator = _separator(sequences)
    with atomic_path(path) as temporary:
        # Without a name and a time inside, equal logs give equal bytes.
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file,
        ):
            for users in blocks(sequences.n_users, _USERS):
                file.write(_lines(sequences, users, separator).encode())
                tell("writing", users.stop, sequences.n_users)
        note = {
            "written_by": _MARK,
            "version": __version__,
            "sha256": content_hash(temporary),
            "users": sequences.n_users,
            "items": sequences.n_items,
            "actions": len(sequences.items),
            **made_from,
        }
        earlier = content_hash(path) if path.exists() else note["sha256"]
        # The note comes first, and knows both logs: after a kill between the two the path is still degen's.
        write_json(note_path(path), note if earlier == note["sha256"] else {**note, _REPLACES: earlier})
    return note


def _separator(sequences: Sequences) -> str:
    ids = [*sequences.user_ids, *sequences.item_ids]
    for identifier in ids:
        if any(mark in identifier for mark in "\t\n\r"):
            raise UserError(
                f"the id {identifier!r} holds a tab or a line break, which a file of lines cannot keep"
            )
    return " " if all(identifier.split() == [identifier] for identifier in ids) else "\t"


def _lines(sequences: Sequences, users: slice, separator: str) -> str:
    ids = sequences.item_ids
    offsets = sequences.offsets[users.start : users.stop + 1]
    items = iter((sequences.items[offsets[0] : offsets[-1]] - 1).tolist())
    return "".join(
        separator.join([user, *(ids[item] for item in islice(items, length))]) + "\n"
        for user, length in zip(sequences.user_ids[users], np.diff(offsets).tolist(), strict=True)
    )
