"""Keep processed logs, so that each log is read once.

    <cache>/processed/<name>-<key>.npz     items, offsets, ids; no pickles
    <cache>/processed/<name>-<key>.json    version, settings, SHA-256 of source, .npz and facts, notes

An entry is used only if all of its description agrees with what is asked for, and both files with their
checksums. An entry that is damaged or out of date counts as absent: the log is read again.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pooch

from degen.data.reading.open_log import content_hash
from degen.data.sequences import Sequences
from degen.errors import UserError
from degen.files.parse import parse_json, read_json
from degen.files.writing import atomic_path, write_json
from degen.version import __version__

FORMAT = 2
"""Increase it when the same file and settings give another result, so that older entries are not used."""

_UNSOUND = (OSError, UserError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError)


def cache_folder() -> Path:
    """Return the folder that the variable `DEGEN_CACHE` names, or else the user's own cache folder."""
    return Path(os.environ.get("DEGEN_CACHE") or pooch.os_cache("degen"))


@dataclass(frozen=True)
class Key:
    """Everything that a processed log depends on: the file's path and content, and the settings."""

    name: str
    path: Path
    source_sha256: str
    settings: dict[str, Any]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """The key as it stands in the description of an entry."""
        return {
            "format": FORMAT,
            "version": __version__,
            "source": str(self.path.absolute()),
            "source_sha256": self.source_sha256,
            "settings": self.settings,
        }

    @property
    def stem(self) -> Path:
        """Path of the entry without its suffix, the same for any content of the file: the latest is kept."""
        inputs = json.dumps([str(self.path.absolute()), self.settings], sort_keys=True)
        return cache_folder() / "processed" / f"{self.name}-{sha256(inputs.encode()).hexdigest()[:16]}"


def read(key: Key) -> tuple[Sequences, dict[str, Any]] | None:
    """Return a processed log and the facts about it, or None where there is no sound entry."""
    arrays, description = _paths(key)
    try:
        entry = read_json(description)
        if entry["fingerprint"] != key.fingerprint or entry["sha256"] != content_hash(arrays):
            return None
        if entry["facts_sha256"] != _checksum(entry["facts"]):
            return None
        with np.load(arrays, allow_pickle=False) as file:
            sequences = Sequences(
                items=file["items"].astype(np.int64),
                offsets=file["offsets"].astype(np.int64),
                item_ids=_unpack(file["item_ids"]),
                user_ids=_unpack(file["user_ids"]),
            )
        return sequences, dict(entry["facts"])
    except (*_UNSOUND, zipfile.BadZipFile):
        # Whatever is wrong with the entry, the answer is the same: the log is read again and replaces it.
        return None


def write(key: Key, sequences: Sequences, facts: dict[str, Any]) -> str | None:
    """Write an entry; return a sentence if that fails, because the dataset can be used all the same."""
    arrays, description = _paths(key)
    small = np.int32 if len(sequences.items) < 2**31 else np.int64
    try:
        with atomic_path(arrays) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                items=sequences.items.astype(small),
                offsets=sequences.offsets,
                item_ids=_pack(sequences.item_ids),
                user_ids=_pack(sequences.user_ids),
            )
        entry = {
            "fingerprint": key.fingerprint,
            "sha256": content_hash(arrays),
            "facts": facts,
            "facts_sha256": _checksum(facts),
        }
        write_json(description, entry)
    except UserError:
        return f"the cache folder {cache_folder()} cannot be written, so the log will be read again next time"
    return None


def _checksum(facts: dict[str, Any]) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _paths(key: Key) -> tuple[Path, Path]:
    return key.stem.with_name(f"{key.stem.name}.npz"), key.stem.with_name(f"{key.stem.name}.json")


def _pack(ids: list[str]) -> npt.NDArray[np.uint8]:
    """Return strings as bytes. NumPy's string arrays lose NULs at their ends and pad all to the longest."""
    return np.frombuffer(json.dumps(ids).encode(), dtype=np.uint8)


def _unpack(packed: npt.NDArray[np.uint8]) -> list[str]:
    return [str(identifier) for identifier in parse_json(packed.tobytes())]
