"""A log of 30 users and 20 items, and settings under which a run on it takes a fraction of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from degen.config.schema import Config
from degen.config.settle import by_group, settle

USERS, ITEMS = 30, 20

SETTINGS: dict[str, Any] = {
    "input_format": "sequences",
    "min_user": 0,
    "min_item": 0,
    "dim": 8,
    "feed_forward": 16,
    "max_length": 8,
    "dropout": 0.2,
    "epochs": 3,
    "batch_size": 32,
    "learning_rate": 0.01,
    "device": "cpu",
    "threads": 1,
}


def write_log(path: Path, seed: int = 0) -> Path:
    """Users of 4 to 14 actions; an item is mostly followed by the next one, so that there is something to
    learn.
    """
    rng = np.random.default_rng(seed)
    lines = []
    for user in range(USERS):
        item = int(rng.integers(ITEMS))
        items = []
        for _ in range(4 + int(rng.integers(11))):
            items.append(f"i{item:02d}")
            item = (item + 1) % ITEMS if rng.random() < 0.7 else int(rng.integers(ITEMS))
        lines.append(" ".join([f"u{user}", *items]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tiny_config(log: Path, **settings: Any) -> Config:
    """The configuration of a tiny run on `log`; keys without their groups, as `degen.train` takes them."""
    return settle(options=by_group({"dataset": str(log), **SETTINGS, **settings}))


def options(log: Path, **settings: Any) -> list[str]:
    """The same on the command line, for `degen train`."""
    values = {"dataset": str(log), **SETTINGS, **settings}
    words = []
    for key, value in values.items():
        if value is None:
            continue
        if key == "feed_forward":
            words += ["--set", f"model.feed_forward={value}"]
        else:
            words += [f"--{key.replace('_', '-')}", str(value)]
    return words
