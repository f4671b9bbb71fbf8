"""A sweep of twelve tiny runs as a shell starts it, and what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

WORDS = (
    *("--users", "40", "--items", "20", "--dim", "4", "--set", "model.feed_forward=8", "--max-length", "8"),
    *("--epochs", "2", "--batch-size", "64", "--device", "cpu"),
    *("--set", "evaluation.probe_samples=32"),
)
"""Options under which a run of `synthetic` takes a fraction of a second."""

TWELVE = ("--variant", "duorec", "--lambda", "0,.1,.2", "--dropout", ".1,.3", "--seeds", "0-1")


def start(out: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start `degen sweep` in a process of its own."""
    command = [sys.executable, "-m", "degen", "sweep", *WORDS, *words, "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes], code: int = 0) -> str:
    """Wait for a process, and return what it said on stderr."""
    out, err = process.communicate(timeout=500)
    assert process.returncode == code, (process.returncode, out.decode(), err.decode())
    return err.decode()


def plan(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "plan.jsonl").read_text().splitlines()]


def results(out: Path) -> dict[str, Any]:
    """What the runs of a study came to, to the bit, without what is a time."""
    found: dict[str, Any] = {}
    for line in plan(out):
        run = out / line["run"]
        rows = [json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()]
        kept = [{k: v for k, v in row.items() if "second" not in k} for row in rows]
        name = f"{line['id']}-s{line['seed']}"
        found[name] = kept, (run / "test.json").read_bytes(), (run / "item_embeddings.npy").read_bytes()
    return found


def table(out: Path) -> str:
    """`results.csv` without its last columns: the seconds, and the commit, which may be made meanwhile."""
    lines = (out / "results.csv").read_text().splitlines()
    assert lines[0].endswith(",commit,seconds")
    assert len(lines) == len(plan(out)) + 1
    return "\n".join(line.rsplit(",", 2)[0] for line in lines)


def claims(out: Path) -> list[Path]:
    """Claims on the runs of a study and of those beside it."""
    return sorted((out.parent / "cells").glob("*/*/[!.]*.claim"))


def workers(out: Path) -> list[int]:
    """Processes that hold a claim."""
    found = []
    for path in claims(out):
        try:
            found.append(int(json.loads(path.read_text())["pid"]))
        except (OSError, ValueError):
            continue
    return sorted(set(found))


def events(out: Path) -> set[tuple[str, str]]:
    """Claims, epochs and finished runs that are to be seen at this moment."""
    found: set[tuple[str, str]] = set()
    for path in claims(out):
        try:
            found.add((path.name, json.loads(path.read_text())["token"]))
        except (OSError, ValueError):
            continue
    found |= {(path.name, "done") for path in (out / "done").glob("*")}
    for path in (out.parent / "cells").glob("*/*/*/metrics.jsonl"):
        try:
            found.add((path.parent.name, f"epoch {path.read_bytes().count(bytes([10]))}"))
        except OSError:
            continue
    return found
