"""Settings that decide a result, those that may change when a run is resumed, and the hash of the rest.

One rule serves cells of studies (`degen.sweeps.cells`), resuming (`degen.training.resumption`) and the files
of a run (`degen.runs.manifest`):

    decisive            every key outside `[data]` but the seed and `OUTSIDE`; of the log its fingerprint
    free to change      `OUTSIDE`, `LENGTH`, `pretrain_every` and `ties`: a run goes on though they differ
    identity of a run   hash of the decisive settings that are not free to change, of the seed and of the log
"""

from __future__ import annotations

from typing import Any

from degen.config.key_names import hashed_name
from degen.config.schema import Config
from degen.files.digest import DIGITS, json_hash

LENGTH = {"epochs", "min_epochs", "patience", "max_steps"}
"""Keys that may change when a run is resumed, and decide its result nevertheless."""

OUTSIDE = {"device", "threads", "cuda_graph", "keep_embeddings", "tensorboard", "score_block"}
"""Keys of where a run is trained and what it keeps, which decide no result."""

FREE_TO_CHANGE = LENGTH | OUTSIDE | {"pretrain_every", "ties"}
"""Keys that may differ between a stopped run and the command that resumes it.

A run keeps the way to count ties that it was begun with, so that its epochs are chosen by one.
"""


def decisive_settings(config: Config) -> dict[str, Any]:
    """Return the settings that decide the result, by keys with their groups; without the log and the seed."""
    return {
        f"{group}.{key}": value
        for group, keys in config.model_dump(mode="json").items()
        for key, value in keys.items()
        if group != "data" and key != "seed" and key not in OUTSIDE
    }


def hash_of(fingerprint: str, settings: dict[str, Any]) -> str:
    """Return the SHA-256 of a log's fingerprint and settings, in hexadecimal digits."""
    return json_hash(
        {"log": fingerprint, "settings": {hashed_name(key): value for key, value in settings.items()}}
    )


def away_from_defaults(config: Config) -> dict[str, Any]:
    """Return the decisive settings that differ from their defaults, so that a new key changes no hash."""
    defaults = decisive_settings(Config())
    return {key: value for key, value in decisive_settings(config).items() if value != defaults[key]}


def run_identity(config: Config) -> str:
    """Return the identity of a run whose log is known by its fingerprint: sixteen hexadecimal digits.

    It does not change when the run is resumed, and differs between runs of other seeds, settings or logs.
    """
    settings = {
        key: value
        for key, value in away_from_defaults(config).items()
        if key.partition(".")[2] not in FREE_TO_CHANGE
    }
    return hash_of(config.data.fingerprint, {**settings, "training.seed": config.training.seed})[:DIGITS]
