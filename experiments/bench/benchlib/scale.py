"""Seconds and peak memory against the number of items and of interactions, one process per point.

    items          a training step of DuoRec, full softmax, and sampled with lazy updates    10⁴ … 10⁷
    interactions   `degen data prepare`, and a training step on what it made      10⁴ … 10⁸

A point that needs more memory or time than it is given is reported as not run, and so are the larger ones
of its line. Finished points stay, so that a stopped measurement goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchlib.machine import OWN, available_memory
from benchlib.turns import Failure

POINT = Path(__file__).resolve().parents[1] / "workers" / "scale_point.py"
LOSSES = ("ce", "sampled")
LINES = {
    "items/ce": "step, full softmax",
    "items/sampled": "step, sampled",
    "interactions/prepare": "`degen data prepare`",
    "interactions/step": "step",
}
"""The lines of the figure, by the first part of their points' keys."""

Points = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Guard:
    """The limits of a point's process."""

    seconds: float
    memory: int
    environment: Mapping[str, str]

    def run(self, command: Sequence[str | Path]) -> tuple[str, dict[str, Any]]:
        """Run to the end; returns what it printed, and `seconds` and `peak_mb` as seen from here.

        Raises
        ------
        Failure
            if it was over a limit, or failed.
        """
        # No data beyond the limit: the process is told so, where the machine would otherwise kill somebody.
        limits = (self.memory, self.memory)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            started = time.perf_counter()
            process = subprocess.Popen(
                [str(part) for part in command],
                stdout=output,
                stderr=errors,
                env=os.environ | self.environment,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, limits),
            )
            alarm = threading.Timer(self.seconds, process.kill)
            alarm.start()
            _, status, used = os.wait4(process.pid, 0)
            alarm.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - started
            for file in (output, errors):
                file.seek(0)
            if process.returncode != 0:
                raise Failure(self._reason(errors.read().decode(errors="replace"), seconds))
            unit = 1 if sys.platform == "darwin" else 1024
            return output.read().decode(), {"seconds": seconds, "peak_mb": used.ru_maxrss * unit / 1e6}

    def _reason(self, errors: str, seconds: float) -> str:
        if seconds >= self.seconds:
            return f"more than {self.seconds:g} s"
        if "MemoryError" in errors or "allocate memory" in errors or "not enough memory" in errors:
            return f"more than {self.memory / 1e9:.1f} GB"
        return ([line for line in errors.splitlines() if line.strip()] or ["failed silently"])[-1].strip()


def powers(first: int, largest: int) -> list[int]:
    """Powers of ten from `first` to `largest`."""
    return [10**power for power in range(round(math.log10(first)), 1 + int(math.log10(largest) + 1e-9))]


def measure_scale(
    arguments: argparse.Namespace, earlier: Points, save: Callable[[Points], None]
) -> dict[str, Any]:
    """Measure what is not there yet, telling `save` after each point; returns `points` and `slopes`."""
    memory = int((arguments.memory_gb or 0.8 * available_memory() / 1e9) * 1e9)
    threads = str(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        environment = OWN | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "DEGEN_CACHE": folder}
        guard = Guard(arguments.time_limit, memory, environment)
        points = {key: point for key, point in earlier.items() if "not_run" not in point}
        for size in powers(10**4, arguments.largest_items):
            for loss in LOSSES:
                attempt(points, f"items/{loss}", size, partial(items, size, loss, guard))
                save(points)
        for size in powers(10**4, arguments.largest_interactions):
            keys = ("prepare", "step")
            if not all(f"interactions/{key}/{size}" in points for key in keys):
                log = Path(folder) / f"log-{size}.csv"
                for key, measured in zip(keys, interactions(size, log, guard), strict=True):
                    attempt(points, f"interactions/{key}", size, measured)
                    save(points)
                log.unlink(missing_ok=True)
    return {"points": points, "slopes": slopes(points), "limits": {"seconds": guard.seconds, "bytes": memory}}


def attempt(points: Points, line: str, size: int, measured: Callable[[], dict[str, Any]]) -> None:
    """Put a point into `points`, unless it is there or a smaller one of its line did not run."""
    key = f"{line}/{size}"
    if key in points:
        return
    smaller = [at for at, point in series(points, line, run=False) if "not_run" in point and at < size]
    print(key, file=sys.stderr, flush=True)
    try:
        points[key] = {"not_run": f"{smaller[0]:,} did not run"} if smaller else measured()
    except Failure as failure:
        points[key] = {"not_run": str(failure)}


def items(size: int, loss: str, guard: Guard) -> dict[str, Any]:
    """A point of the items' lines."""
    printed, _ = guard.run([sys.executable, POINT, "items", str(size), loss])
    point: dict[str, Any] = json.loads(printed)
    return point


def interactions(size: int, log: Path, guard: Guard) -> Iterator[Callable[[], dict[str, Any]]]:
    """The two points of a log; the second needs what the first has left in the cache."""

    def prepare() -> dict[str, Any]:
        guard.run([sys.executable, POINT, "generate", str(size), log])
        _, used = guard.run(
            [
                sys.executable,
                "-m",
                "degen",
                "data",
                "prepare",
                log,
                "--out",
                log.with_suffix(".txt.gz"),
                "--quiet",
            ]
        )
        log.with_suffix(".txt.gz").unlink()
        return used

    def step() -> dict[str, Any]:
        printed, _ = guard.run([sys.executable, POINT, "step", log])
        point: dict[str, Any] = json.loads(printed)
        return point

    yield prepare
    yield step


def series(points: Points, line: str, *, run: bool = True) -> list[tuple[int, dict[str, Any]]]:
    """The points of a line by size; with `run` only those that ran."""
    sizes = {int(key.rpartition("/")[2]): key for key in points if key.startswith(f"{line}/")}
    mine = [(size, points[sizes[size]]) for size in sorted(sizes)]
    return [(size, point) for size, point in mine if not run or "not_run" not in point]


def slopes(points: Points, lines: Iterable[str] = tuple(LINES)) -> dict[str, dict[str, float]]:
    """Slopes of log seconds and log memory against log size, over the last three points of each line."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        last = series(points, line)[-3:]
        if len(last) >= 2:
            sizes = [math.log10(size) for size, _ in last]
            found[line] = {
                value: statistics.linear_regression(
                    sizes, [math.log10(point[value]) for _, point in last]
                ).slope
                for value in ("seconds", "peak_mb")
            }
    return found
