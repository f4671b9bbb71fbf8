"""Runs written by hand for the report, with names and ids that mean harm."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from run_files import epochs, write_run

HOSTILE = "</script><script>alert(1)</script>"
HOSTILE_IDS = [HOSTILE, '"><img src=x onerror=alert(2)>', "{{ 7*7 }}", "\u2028'\\&amp;", "日本"]

ITEMS, DIMENSIONS = 300, 8


def matrix(seed: int, cone: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ITEMS, DIMENSIONS)).astype(np.float32) + cone


def counts() -> np.ndarray:
    """0 once, then 1, 2, 2, 3, 3, 3 …: many rare items, few frequent ones; not in the order of rows."""
    values = np.repeat(np.arange(1, 25), np.arange(1, 25))[: ITEMS - 1]
    return np.random.default_rng(3).permutation(np.concatenate([[0], values[::-1]]))


def item_ids() -> list[str]:
    return HOSTILE_IDS + [f"item {row}" for row in range(len(HOSTILE_IDS), ITEMS)]


def finish(run: Path, ndcg: float, epoch: int = 3) -> None:
    """Write the test metrics of a finished run, and its hostile ids."""
    test = {"HR@5": 2 * ndcg, "NDCG@5": ndcg / 2, "HR@10": 3 * ndcg, "NDCG@10": ndcg}
    (run / "test.json").write_text(json.dumps({**test, "epoch": epoch, "split": "test", "users": 4}))
    (run / "items.txt").write_text("".join(f"{name}\n" for name in item_ids()), encoding="utf-8")


def write_runs(folder: Path) -> Path:
    """SASRec, SCL and DuoRec on one dataset of a hostile name; SCL is not finished, UCL has not begun."""
    for position, variant in enumerate(("sasrec", "scl", "duorec")):
        place = write_run(
            folder / f"{variant}-s0",
            variant,
            dataset="<b>shop & co</b>",
            embeddings=matrix(position, 1.5 if variant == "sasrec" else 0.2),
            frequency=counts(),
            metrics=epochs(4, -1 - position / 10, alignment=variant != "sasrec"),
        )
        finish(place, 0.04 + 0.01 * position)
    (folder / "scl-s0" / "test.json").unlink()
    write_run(folder / "ucl-s0", "ucl", dataset="<b>shop & co</b>")
    return folder
