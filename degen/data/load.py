"""A name or a path in, a dataset out: found, read, filtered, ordered, and remembered.

load_dataset("beauty") ─ find ─► file ─ read ─► Interactions ─ k-core, time order ─► Sequences ─► Dataset
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from degen.data.formats.userlines import read_user_lines
from degen.data.interactions import Interactions
from degen.data.sequences import Sequences, k_core, long_enough, to_sequences
from degen.data.sources import first_bytes, stem
from degen.errors import UserError, nearest

FILE_CORE = 5
"""Least actions of each user and item where neither an option nor a catalogue entry says otherwise."""


@dataclass(frozen=True)
class DataOptions:
    """How a log is read and filtered; every default leaves the choice to the file or the catalogue.

    Attributes
    ----------
    columns
        `user`, `item` and `time` to a column's name or its number from 0.
    input_format
        a format's name, in place of sniffing.
    min_user, min_item
        least actions of each user and item; 0 turns that side off; None is the catalogue's own, 5 for files.
    core
        `iterated` until nothing changes, or `once` as in the files of SASRec.
    users, items, seed
        size and seed of the dataset `synthetic`.
    cache
        whether processed logs are kept in the cache folder.
    """

    columns: dict[str, str] | None = None
    input_format: str | None = None
    min_user: int | None = None
    min_item: int | None = None
    core: Literal["iterated", "once"] = "iterated"
    users: int = 2500
    items: int = 2576
    seed: int = 0
    cache: bool = True


@dataclass(frozen=True)
class Dataset:
    """A processed log with what was found out on the way."""

    name: str
    sequences: Sequences
    notes: tuple[str, ...]
    source: str
    fingerprint: str


def load_dataset(source: str, options: DataOptions | None = None) -> Dataset:
    """Load a catalogue name or a file of interactions.

    Raises
    ------
    UserError
        if the name is unknown, the file cannot be read as a log, or nobody is left after the core.
    """
    options = options or DataOptions()
    if source.lower() == "synthetic":
        from degen.data.synthetic import generate

        sequences = generate(users=options.users, items=options.items, seed=options.seed)
        return Dataset("synthetic", sequences, (), "synthetic", fingerprint(sequences))
    path = _find(source)
    first_bytes(path)
    sequences = _process(read_user_lines(path, None, "utf-8-sig"), options, path)
    return Dataset(stem(path), sequences, (), str(path), fingerprint(sequences))


def _find(source: str) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    folder = os.environ.get("DEGEN_DATA")
    here = {stem(p).lower(): p for p in Path(folder).iterdir() if p.is_file()} if folder else {}
    if source.lower() in here:
        return here[source.lower()]
    raise UserError(f"unknown dataset '{source}'{nearest(source, [*here, 'synthetic'])}")


def _process(log: Interactions, options: DataOptions, path: Path) -> Sequences:
    min_user = FILE_CORE if options.min_user is None else options.min_user
    min_item = FILE_CORE if options.min_item is None else options.min_item
    kept = k_core(log.users, log.items, min_user, min_item, once=options.core == "once")
    kept[kept] = long_enough(log.users[kept])
    if not kept.any():
        raise UserError(f"no user of {path} is left after the core; lower --min-user or --min-item")
    times = None if log.times is None else log.times[kept]
    return to_sequences(log.users[kept], log.items[kept], times, log.user_ids, log.item_ids)


def fingerprint(sequences: Sequences) -> str:
    """SHA-256 of a log's content: its items in order, its users' lengths and all ids."""
    digest = hashlib.sha256()
    for array in (sequences.items, sequences.offsets):
        digest.update(np.ascontiguousarray(array, dtype="<i8").data)
    for ids in (sequences.user_ids, sequences.item_ids):
        digest.update(json.dumps(ids).encode())
    return digest.hexdigest()
