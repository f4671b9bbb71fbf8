"""Write run directories file by file, as `degen/runs/directory.py` lays them out, without training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

CONFIG = """\
[data]
dataset = "{dataset}"
name = "{dataset}"

[objective]
variant = "{variant}"

[training]
seed = {seed}

[evaluation]
definition = "{definition}"
"""


def epochs(count: int, start: float = -1.0, *, alignment: bool = True) -> list[dict[str, Any]]:
    """Rows of `metrics.jsonl`: uniformity falls by .1 an epoch from `start`, the others rise."""
    return [
        {
            "epoch": epoch,
            "valid_HR@5": 0.01 * epoch,
            "uniformity": start - 0.1 * (epoch - 1),
            "alignment": 0.2 + 0.05 * epoch if alignment else None,
            "alignment_dropout": 0.1 + 0.01 * epoch,
            "alignment_same_target": 0.3 + 0.02 * epoch,
        }
        for epoch in range(1, count + 1)
    ]


def trace(count: int, push: float = 0.9, *, forces: bool = True) -> list[dict[str, Any]]:
    """Rows of `trace.jsonl`: items that never occur, and two buckets, whose values fall over the epochs."""
    edges = {"cold": (0, 0), "1": (1, 4), "10": (16, 100)}

    def bucket(epoch: int, place: int, name: str) -> dict[str, Any]:
        low, high = edges[name]
        value = push / (epoch + place)
        row = {"name": name, "low": low, "high": high, "items": 10 * (place + 1)}
        row |= {
            key: value for key in ("step_cosine", "step_pairwise_cosine", "step_length", "pairwise_cosine")
        }
        return {**row, "push_share": value} if forces else row

    whole = {"context_concentration": 0.3, "step_energy": 0.2, "step_effective_rank": 5.0}
    return [
        {"epoch": epoch, **whole, "buckets": [bucket(epoch, place, name) for place, name in enumerate(edges)]}
        for epoch in range(1, count + 1)
    ]


def write_run(
    folder: Path,
    variant: str = "duorec",
    *,
    dataset: str = "clothing",
    seed: int = 0,
    embeddings: np.ndarray | None = None,
    frequency: Sequence[int] | np.ndarray | None = None,
    metrics: Sequence[dict[str, Any]] = (),
    definition: str = "paper",
    trace: Sequence[dict[str, Any]] = (),
) -> Path:
    """Write a run; without `embeddings` it is one that has not finished an epoch."""
    folder.mkdir(parents=True)
    text = CONFIG.format(dataset=dataset, variant=variant, seed=seed, definition=definition)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    (folder / "metrics.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in metrics), encoding="utf-8"
    )
    if trace:
        lines = "".join(json.dumps(row) + "\n" for row in trace)
        (folder / "trace.jsonl").write_text(lines, encoding="utf-8")
    if embeddings is not None:
        np.save(folder / "item_embeddings.npy", embeddings.astype(np.float32))
        counts = np.arange(len(embeddings)) if frequency is None else np.asarray(frequency)
        np.save(folder / "item_frequency.npy", counts.astype(np.int64))
        items = "".join(f"item {row}\n" for row in range(len(embeddings)))
        (folder / "items.txt").write_text(items, encoding="utf-8")
        (folder / "test.json").write_text(json.dumps({"HR@5": 0.05, "epoch": 1}), encoding="utf-8")
    return folder
