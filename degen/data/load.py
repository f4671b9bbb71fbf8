"""Load a dataset by name or path: find its file, read it, filter and order it, and cache the result.

A file becomes `Interactions` (columns in file order), `Sequences` (k-core, time order), then a `Dataset`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from degen.data import cache
from degen.data.catalog import CATALOG, SYNTHETIC, DatasetSource, Entry, find
from degen.data.core_filter import filter_and_order
from degen.data.interactions import Interactions
from degen.data.prepared import read_note
from degen.data.reading.columns import check_roles, parse_columns
from degen.data.reading.guess_format import guess_format
from degen.data.reading.open_log import content_hash
from degen.data.reading.read import read_interactions
from degen.data.reading.told import Told
from degen.data.sequences import Sequences
from degen.errors import UserError, one_of

FILE_CORE = 5
"""Minimum number of actions per user and per item of a file that the catalogue does not know."""

_TOLD = ("columns", "input_format", "header", "separator", "time_format")
"""Options that say how a file is read."""


@dataclass(frozen=True)
class DataOptions:
    """The way to read and filter a log; every default leaves the choice to the file or the catalogue.

    Attributes
    ----------
    columns
        the column of `user`, of `item` and, optionally, of `time`, each by name or by number from 0: a
        dictionary, or a string such as `"user=uid,item=sku,time=when"`.
        A date and a time of day in two columns are joined: `"time=date+hour"`.
    input_format
        the name of a format; None guesses it.
    header
        whether the first line of a table names its columns; None finds out. Only where it is True, a number
        in `columns` may be a name.
    separator
        what stands between the fields of a line: `tab`, `comma`, `semicolon`, `bar`, `space`, `colons`, or
        the sign itself; None finds out.
    time_format
        the pattern of dates, as in `datetime.strptime`: `"%d/%m/%Y %H:%M"`; None finds out, or asks.
    min_user, min_item
        minimum number of actions per user and per item. 0 turns that side of the filter off; None means the
        catalogue's minimum, or 5 for a file that it does not know.
    core
        `iterated` repeats the filter until nothing changes; `once` applies it once, as SASRec's files do.
    users, items, seed
        size and seed of the dataset `synthetic`.
    cache
        whether to use the cache of processed logs.

    Raises
    ------
    UserError
        where a value cannot be.
    """

    columns: dict[str, str] | str | None = None
    input_format: str | None = None
    header: bool | None = None
    separator: str | None = None
    time_format: str | None = None
    min_user: int | None = None
    min_item: int | None = None
    core: Literal["iterated", "once"] = "iterated"
    users: int = 2500
    items: int = 2576
    seed: int = 0
    cache: bool = True

    def __post_init__(self) -> None:
        for name in ("min_user", "min_item"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise UserError(f"`{name}` is {value}; it must be 0, which turns it off, or more")
        for name, least in (("users", 1), ("items", 2)):
            if getattr(self, name) < least:
                raise UserError(f"`{name}` is {getattr(self, name)}; it must be {least} or more")
        object.__setattr__(self, "core", one_of("core", self.core, ("iterated", "once")))
        Told(None, self.input_format, self.header, self.separator, self.time_format)
        if isinstance(self.columns, str):
            object.__setattr__(self, "columns", parse_columns(self.columns))
        elif self.columns is not None:
            check_roles(self.columns)
            # A notebook may well give numbers as numbers.
            object.__setattr__(self, "columns", {role: str(name) for role, name in self.columns.items()})


@dataclass(frozen=True)
class Dataset:
    """A processed log, with the facts that were found on the way.

    Attributes
    ----------
    name
        the catalogue's name, or the file's name without its suffixes.
    sequences
        the actions of all users.
    notes
        sentences about what was inferred and what was left out.
    source
        the file, or `synthetic`.
    fingerprint
        SHA-256 of the sequences and ids, which is equal for equal logs, wherever they come from.
    tie_share
        share of actions that have the time of another action of their user, so that the file's order decides;
        None without times.
    dropped_users
        number of users left out because they had fewer than 3 actions after the core filter.
    actions_read
        number of actions before the core filter; None where it is not known.
    """

    name: str
    sequences: Sequences
    notes: tuple[str, ...]
    source: str
    fingerprint: str
    tie_share: float | None = None
    dropped_users: int = 0
    actions_read: int | None = None


def load_dataset(source: str, options: DataOptions | None = None) -> Dataset:
    """Load a dataset by its name in the catalogue, or from the file of a log.

    Raises
    ------
    UserError
        if the name is unknown, the file cannot be read as a log, or no user is left after the core filter.
    """
    options = options or DataOptions()
    located = find(source)
    if located.path is None:
        return _synthetic(options)
    settings = _settings(located.entry, located.path, options)
    key = cache.Key(located.name, located.path, content_hash(located.path), settings)
    cached = cache.read(key) if options.cache else None
    if cached is not None:
        return _dataset(located, *cached)
    log = read_interactions(located.path, Told(**{name: settings[name] for name in _TOLD}))
    if read_note(located.path) is not None:
        log = replace(log, notes=(*log.notes, "written by `degen data prepare`, so filtered already"))
    sequences, facts = filter_and_order(log, settings, str(located.path))
    trouble = cache.write(key, sequences, facts) if options.cache else None
    return _dataset(located, sequences, facts, *([trouble] if trouble else []))


def check_log(source: str, options: DataOptions) -> None:
    """Read the head of a log, which is quick; raise a `UserError` for a column that it does not have."""
    located = find(source)
    if located.path is not None:
        settings = _settings(located.entry, located.path, options)
        guess_format(located.path, Told(**{name: settings[name] for name in _TOLD}))


def _dataset(located: DatasetSource, sequences: Sequences, facts: dict[str, Any], *more: str) -> Dataset:
    return Dataset(
        name=located.name,
        sequences=sequences,
        notes=(*facts["notes"], *more),
        source=SYNTHETIC if located.path is None else str(located.path),
        fingerprint=fingerprint(sequences),
        tie_share=facts["tie_share"],
        dropped_users=facts["dropped_users"],
        actions_read=facts.get("actions_read"),  # an older entry of the cache lacks it
    )


def _synthetic(options: DataOptions) -> Dataset:
    from degen.data.synthetic import generate

    for name in _TOLD:
        if getattr(options, name) is not None:
            raise UserError(f"`{name}` is only for files; {SYNTHETIC} is generated, so leave it out")
    sequences = generate(users=options.users, items=options.items, seed=options.seed)
    size = f"{options.users:,} users, {options.items:,} items and seed {options.seed}"
    users = np.repeat(np.arange(sequences.n_users, dtype=np.int32), sequences.lengths)
    items = (sequences.items - 1).astype(np.int32)
    notes = (f"generated with {size}",)
    log = Interactions(users, sequences.user_ids, items, sequences.item_ids, None, notes)
    # The log is filtered like a file's, so that a prepared copy of it is read as the same log.
    sequences, facts = filter_and_order(log, _settings(CATALOG[SYNTHETIC], None, options), SYNTHETIC)
    return _dataset(DatasetSource(SYNTHETIC, None, None), sequences, facts)


def _settings(entry: Entry | None, path: Path | None, options: DataOptions) -> dict[str, Any]:
    """Return every choice that changes the result, as JSON values."""
    input_format = options.input_format
    core = (FILE_CORE, FILE_CORE) if entry is None else entry.core
    if path is not None and read_note(path) is not None:
        # A log that `degen data prepare` wrote has been filtered. A second filter could only be a mistake.
        core = (0, 0)
        input_format = input_format or "sequences"
    return {
        "columns": options.columns,
        "input_format": input_format,
        "header": options.header,
        "separator": options.separator,
        "time_format": options.time_format,
        "min_user": core[0] if options.min_user is None else options.min_user,
        "min_item": core[1] if options.min_item is None else options.min_item,
        "core": options.core,
    }


def fingerprint(sequences: Sequences) -> str:
    """Return the SHA-256 of a log's content: its items in order, its users' offsets and all ids."""
    digest = sha256()
    for array in (sequences.items, sequences.offsets):
        digest.update(np.ascontiguousarray(array, dtype="<i8").data)
    for ids in (sequences.user_ids, sequences.item_ids):
        digest.update(json.dumps(ids).encode())
    return digest.hexdigest()
