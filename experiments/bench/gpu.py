"""Check and measure degen on one GPU: exactness, repetition, step times, evaluation, an epoch, a stack, the
laboratory, whole runs.

    python experiments/bench/gpu.py --data LOGS --seconds 540

Every section writes its part of the result at once (`gpu-<device>.json` in $OUT, or experiments/results), so
that a call that is cut off leaves what it measured. A section that fails leaves its traceback there, and the
others go on. A short table is printed last. The exit code is 1 where something failed or is not exact.

Whole runs take the seconds that are left: stacks of seeds to early stopping, in the order of
`benchlib.whole_runs.PLAN`. The next call goes on with what is unfinished, from the run directories
(`--runs`). On another machine it goes on from an earlier result (`--previous`) and does not repeat its
finished stacks. On the CPU everything runs but CUDA graphs and memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NEEDED = ("numpy", "scipy", "pydantic", "safetensors", "tomli_w", "pooch")
"""Packages that training imports besides PyTorch: fewer than degen installs."""

FAILED = "failed"
"""Key under which a section has its traceback in place of a result."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder of logs (default: DEGEN_DATA)")
    parser.add_argument("--seconds", type=float, default=540, help="seconds for all of it (default: 540)")
    parser.add_argument("--dataset", default="beauty", help="what is measured on (default: beauty)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seeds", type=int, default=5, help="runs of a stack in the whole runs (default: 5)")
    parser.add_argument("--stack", type=int, default=8, help="runs of the stack that is timed (default: 8)")
    parser.add_argument("--steps", type=int, default=100, help="steps in a window (default: 100)")
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="of the matrix whose measures are timed (default: 10⁶)"
    )
    parser.add_argument("--windows", type=int, default=5, help="windows (default: 5)")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "gpu", help="folder of the whole runs")
    parser.add_argument(
        "--previous", type=Path, help="result of an earlier call, whose runs are not repeated"
    )
    parser.add_argument(
        "--only", nargs="*", metavar="DATASET", help="logs of the whole runs (default: all four)"
    )
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="GROUP.KEY=VALUE",
        help="keys of all configurations, for trials",
    )
    parser.add_argument("--missing", action="store_true", help="print what is not installed, and stop")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Do every section, write the result after each, print the table."""
    started, asked = time.perf_counter(), parse(arguments)
    missing = [name.replace("_", "-") for name in NEEDED if importlib.util.find_spec(name) is None]
    if asked.missing:
        print(*missing)
        return
    if missing:
        sys.exit(f"gpu.py: training needs {', '.join(missing)}; gpu.sh says how to bring wheels along")
    if asked.data:
        os.environ["DEGEN_DATA"] = str(Path(asked.data).absolute())
    from benchlib.gpu import Bench

    bench = Bench(asked, started + asked.seconds)
    result: dict[str, Any] = {"conditions": bench.conditions()}
    place = result_file(str(result["conditions"]["device"]))
    for section in bench.sections():
        result[section.__name__] = attempt(section)
        write(result, place)
    result["runs"] = json.loads(asked.previous.read_text(encoding="utf-8"))["runs"] if asked.previous else {}

    def train() -> dict[str, Any]:
        for name, runs in bench.whole_runs(set(result["runs"])):
            result["runs"][name] = runs
            write(result, place)
        return {}

    result["training"] = attempt(train)
    result["conditions"]["seconds"] = round(time.perf_counter() - started, 1)
    write(result, place)
    print(table(result), flush=True)
    if wrong := verdict(result):
        sys.exit(f"gpu.py: {wrong}; see the table")


def attempt(section: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of a section, or its traceback: GPU time is short, and the others are to go on."""
    try:
        return section()
    except Exception:
        print(text := traceback.format_exc(), file=sys.stderr, flush=True)
        return {FAILED: text}


def verdict(result: dict[str, Any]) -> str:
    """Return in words what is wrong with a result; empty where nothing is."""
    failed = [name for name, found in result.items() if FAILED in found]
    if failed:
        return f"{', '.join(failed)} failed"
    checks = {
        "the encoder or its steps": result["exactness"]["exact"],
        "measures": result["laboratory"]["measures"]["exact"],
        "repetition": result["repetition"]["same"],
    }
    wrong = [name for name, good in checks.items() if not good]
    return f"NOT exact on this device: {', '.join(wrong)}" if wrong else ""


def result_file(device: str) -> Path:
    """Return the path for the result of a device; a trial on the CPU stays out of the results."""
    usual = ROOT / "runs" / "bench" if device.endswith("cpu") else ROOT / "experiments" / "results"
    folder = Path(os.environ.get("OUT") or usual)
    return folder / f"gpu-{re.sub('[^a-z0-9]+', '-', device.lower()).strip('-')}.json"


def write(result: dict[str, Any], place: Path) -> None:
    """Write the result whole or not at all."""
    from degen.files.writing import write_json

    write_json(place, result)


def table(result: dict[str, Any]) -> str:
    """The result in a few lines."""
    lines = [(key, str(value)) for key, value in result["conditions"].items()]
    described: dict[str, Callable[[dict[str, Any]], list[tuple[str, str]]]] = {
        "exactness": lambda found: [(f"exactness, {key}", f"{value}") for key, value in found.items()],
        "repetition": lambda found: [("same seed twice", "to the bit" if found["same"] else "DIFFERS")],
        "steps": step_lines,
        "evaluation": lambda found: [("full ranking", f"{found['seconds']:.3f} s")],
        "epoch": epoch_lines,
        "stack": stack_lines,
        "laboratory": laboratory_lines,
        "runs": run_lines,
        "training": lambda found: [],
    }
    for name, describe in described.items():
        found = result[name]
        lines += [(name, f"FAILED: {last_line(found[FAILED])}")] if FAILED in found else describe(found)
    width = max(len(key) for key, _ in lines)
    return "\n".join(f"{key:{width}}  {value}" for key, value in lines)


def last_line(text: str) -> str:
    """The last line of a traceback, which says what it was."""
    return text.strip().splitlines()[-1]


def step_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Milliseconds of a step in each way."""
    return [
        (
            f"step, {key}",
            f"{step['ms']:.3f} ms ({step['ms_low']:.3f} to {step['ms_high']:.3f}), {step['mb']} MB",
        )
        for key, step in found.items()
    ]


def epoch_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Seconds of an epoch."""
    return [("epoch", f"{found['train_seconds']} s, evaluation and analysis {found['eval_seconds']} s")]


def stack_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """A stack beside a run alone."""
    share = f"{found['share']:.2f} of the time of all alone"
    text = f"{found['runs']} runs {found['ms']:.3f} ms a step, alone {found['alone_ms']:.3f} ms each: {share}"
    return [("stack", text)]


def run_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The whole runs."""
    return [
        (
            f"runs, {name}",
            f"{len(runs['seeds'])} seeds, {runs['seconds']:.0f} s, {runs['mean']} ± {runs['deviation']}",
        )
        for name, runs in found.items()
    ]


def laboratory_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was found of measures, mitigations and traces."""
    measures, seconds, trace = found["measures"], found["seconds"], found["trace"]
    losses = found["losses"]
    worst = max(losses, key=losses.__getitem__)
    return [
        (
            "measures",
            f"{'exact' if measures['exact'] else 'NOT EXACT'}: {measures['compared']:,} values, within "
            f"{measures['error']:.1e} of NumPy's ({measures['worst']})",
        ),
        (
            f"measures of {seconds['rows']:,} rows",
            f"{seconds['device']:.2f} s, NumPy {seconds['numpy']:.2f} s",
        ),
        ("losses of cures", f"within {losses[worst]:.1e} of the CPU's after 3 steps ({worst})"),
        ("trace", f"{trace['seconds']:.1f} s, shares within {trace['error']:.1e} of the CPU's"),
    ]


if __name__ == "__main__":
    main()
