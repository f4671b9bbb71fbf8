"""Seconds and peak memory of measuring a matrix against its rows, of 64 numbers each.

    degen       `degen analyze FILE`: every measure of spectrum, isotropy and health, in blocks
    svd         numpy.linalg.svd of the file's array, left singular vectors too: the spectrum alone
    textbook    NumPy, each measure by its formula, the n × n matrix of cosines included

Each point is a process of its own, with limits as in `scale`. The values that the others find are held
against degen's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchlib.machine import OWN, available_memory
from benchlib.scale import Guard, Points, attempt, powers, slopes

POINT = Path(__file__).resolve().parents[1] / "workers" / "analyze_point.py"
GROUPS = "spectrum,isotropy,health"
LINES = {
    "rows/degen": "`degen analyze`",
    "rows/svd": "`numpy.linalg.svd`",
    "rows/textbook": "NumPy, formula by formula",
}


def measure_analyze(
    arguments: argparse.Namespace, earlier: Points, save: Callable[[Points], None]
) -> dict[str, Any]:
    """Measure what is not there yet, telling `save` after each point; returns `points` and `slopes`."""
    memory = int((arguments.memory_gb or 0.8 * available_memory() / 1e9) * 1e9)
    threads = str(arguments.threads)
    environment = OWN | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    guard = Guard(arguments.time_limit, memory, environment)
    points = {key: point for key, point in earlier.items() if "not_run" not in point}
    with tempfile.TemporaryDirectory() as folder:
        for size in powers(10**4, arguments.largest_rows):
            if not all(f"{line}/{size}" in points for line in LINES):
                file = Path(folder) / f"rows-{size}.npy"
                guard.run([sys.executable, POINT, "write", str(size), file])
                for line in LINES:
                    attempt(points, line, size, partial(_point, line, file, guard))
                    save(points)
                file.unlink()
            _compare(points, size)
    return {"points": points, "slopes": slopes(points, LINES), "groups": GROUPS}


def _point(line: str, file: Path, guard: Guard) -> dict[str, Any]:
    """One process: seconds from its start to its end, the file's pages warm, and the values that it found."""
    who = line.rpartition("/")[2]
    ours = [sys.executable, "-m", "degen", "analyze", file, "--measures", GROUPS, "--json", "--quiet"]
    printed, used = guard.run(ours if who == "degen" else [sys.executable, POINT, who, file])
    return {**used, "values": json.loads(printed)}


def _compare(points: Points, size: int) -> None:
    """Put into the others' points the greatest relative difference of their values from degen's."""
    ours = points.get(f"rows/degen/{size}", {}).get("values")
    for line in LINES:
        point = points.get(f"{line}/{size}", {})
        if ours and "values" in point and not line.endswith("/degen"):
            pairs = [(value, ours[name]) for name, value in point["values"].items()]
            point["difference"] = max(abs(a - b) / max(abs(b), 1e-12) for a, b in pairs)
