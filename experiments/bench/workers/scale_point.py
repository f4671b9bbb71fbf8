"""One point of the scale section, in a process of its own; prints a line of JSON.

    scale_point.py items N LOSS        training steps of DuoRec over a catalogue of N items
    scale_point.py generate N FILE     a log of N interactions, `user,item,time`, in no order
    scale_point.py step FILE           reading a log that was prepared before, and training steps on it

The bench limits its memory and its time.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from turns import peak_memory

from degen.config.settle import settle
from degen.data.load import Dataset, load_dataset
from degen.data.sequences import Sequences
from degen.training.trainer import Trainer

USERS, ACTIONS = 20_000, 12
STEPS, MOST_SECONDS = 20, 20.0
MOST_ITEMS = 100_000
BLOCK = 2_000_000


def catalogue(n_items: int) -> Dataset:
    """A log of 20,000 users with 12 uniform items each, over `n_items` items."""
    items = np.random.default_rng(0).integers(1, n_items + 1, size=USERS * ACTIONS)
    offsets = np.arange(USERS + 1) * ACTIONS
    # Only their number counts here: the names of 10⁷ items would hide what training needs.
    ids: Any = range(n_items)
    return Dataset(
        "generated", Sequences(items, offsets, ids, [str(user) for user in range(USERS)]), (), "", ""
    )


def steps(dataset: Dataset, loss: str) -> dict[str, Any]:
    """Seconds of a step of DuoRec, the median of up to 20 after a first one, within 20 seconds."""
    updates = {} if loss == "ce" else {"item_updates": "lazy"}
    config = settle(options={"objective": {"rec_loss": loss}, "training": {"device": "cpu", **updates}})
    began = time.perf_counter()
    trainer = Trainer(config, dataset, torch.device("cpu"))
    epoch = trainer.epoch(1)
    epoch.step()
    ready = time.perf_counter()
    seconds: list[float] = []
    most = min(STEPS, trainer.steps_per_epoch - 1)
    while len(seconds) < most and sum(seconds) < MOST_SECONDS:
        started = time.perf_counter()
        epoch.step()
        seconds.append(time.perf_counter() - started)
    return {
        "seconds": statistics.median(seconds) if seconds else ready - began,
        "steps": len(seconds),
        "preparation_seconds": ready - began,
        "items": dataset.sequences.n_items,
        "interactions": len(dataset.sequences.items),
    }


def generate(n: int, path: Path) -> dict[str, Any]:
    """Write a log of ten actions a user on average; popular items have the small numbers."""
    import pyarrow as pa
    from pyarrow.csv import CSVWriter

    rng = np.random.default_rng(0)
    n_items = max(min(MOST_ITEMS, n // 50), 20)
    schema = pa.schema([(name, pa.int64()) for name in ("user", "item", "time")])
    with CSVWriter(path, schema) as writer:
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            columns = (
                rng.integers(n // 10, size=count),
                (n_items * rng.random(count) ** 2).astype(np.int64),
                1_500_000_000 + rng.integers(10**8, size=count),
            )
            writer.write_table(pa.table([pa.array(column) for column in columns], schema=schema))
    return {"bytes": path.stat().st_size}


def read(path: str) -> dict[str, Any]:
    """Read the log, from the cache that preparing it has filled, and train."""
    began = time.perf_counter()
    dataset = load_dataset(path)
    loaded = time.perf_counter() - began
    return steps(dataset, "ce") | {"load_seconds": loaded}


def main() -> None:
    """Do what the first argument says."""
    kind, *rest = sys.argv[1:]
    if kind == "items":
        result = steps(catalogue(int(rest[0])), rest[1])
    elif kind == "generate":
        result = generate(int(rest[0]), Path(rest[1]))
    else:
        result = read(rest[0])
    print(json.dumps(result | {"peak_mb": round(peak_memory() / 1e6, 1)}))


if __name__ == "__main__":
    main()
