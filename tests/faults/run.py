"""Kill degen at random moments, fill its disks, and let two processes write at once; print what that did.

    python tests/faults/run.py [--kills 50] [--seed 0] [--scene train] [--out FOLDER]

After each kill no file may be half written, and the same command, with `--resume` where it trains, must end
with the same bytes. Disks are mounted in memory, which needs root. The exit code is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS), str(TESTS.parent)]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")])

import disks  # noqa: E402
import killing  # noqa: E402
import scenes  # noqa: E402
from scenes import SCENES  # noqa: E402

SHARES = {"train, two processes": 0.5, "sweep": 0.5}
"""Kills of a scene as a share of the others': these start processes, and take the longest."""


def warm_up() -> None:
    """Import what the work needs, so that each start is a fork."""
    import importlib

    for name in (
        "degen.api.training_runs",
        "degen.cli.app",
        "degen.training.plan",
        "degen.reports.html",
        "torch._dynamo",
        "pandas",
    ):
        importlib.import_module(name)
    import degen

    assert degen.Monitor


def kills(
    options: argparse.Namespace, folder: Path, finished: Path
) -> tuple[list[str], dict[str, killing.Reference]]:
    """Kill every scene, print a line for each, and return the faults."""
    faults: list[str] = []
    known: dict[str, killing.Reference] = {}
    chosen = options.scene or list(SCENES)
    shares = {name: SHARES.get(name, 1.0) for name in chosen}
    print(f"{'scene':22s} {'kills':>6s} {'ended before':>13s} {'faults':>7s} {'seconds':>8s}")
    for name in chosen:
        started, tally = time.monotonic(), killing.Tally()
        place = folder / scenes.file_name(name)
        known[name] = killing.reference(SCENES[name], place / "work", finished)
        wanted = max(1, round(options.kills * shares[name] / sum(shares.values())))
        number = 0
        while tally.kills < wanted and number < 3 * wanted + 3:
            seed = f"{options.seed}-{number}"
            killing.kill_and_go_on(name, seed, known[name], place / "work", finished, tally)
            number += 1
        faults += [f"{name} {fault}" for fault in tally.faults]
        print("".join(f"    {fault}\n" for fault in tally.faults), end="")
        taken = time.monotonic() - started
        print(
            f"{name:22s} {tally.kills:6d} {tally.ended_before:13d} {len(tally.faults):7d} {taken:8.0f}",
            flush=True,
        )
    return faults, known


def disk_faults(
    known: dict[str, killing.Reference], folder: Path, finished: Path, sizes: Sequence[int]
) -> list[str]:
    """Fill disks, forbid writing, write twice at once; print a line for each, and return the faults."""
    faults, mounts = [], disks.can_mount(folder)
    for name, reference in known.items():
        if SCENES[name].own:
            continue
        place, told = folder / scenes.file_name(name), []
        if mounts:
            told += [disks.fill(name, size, reference, place, finished) for size in sizes]
            told.append(disks.read_only(name, place, finished))
        if SCENES[name].start[0] != "monitor":
            told.append(disks.two_writers(name, reference, place, finished))
        bad = [text for text in told if text]
        print(
            f"{name:22s} full disks, read-only, two writers: {len(told)} tried, {len(bad)} faults", flush=True
        )
        faults += [f"{name} {text}" for text in bad]
    if not mounts:
        print("no full or read-only disks: mounting one needs root")
    return faults


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs, shared among the scenes (50)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments (0)")
    parser.add_argument("--scene", action="append", choices=list(SCENES), default=[], help="only this scene")
    parser.add_argument("--sizes", default=",".join(map(str, disks.SIZES)), help="of full disks, in KiB")
    parser.add_argument("--out", type=Path, help="folder to work in; by default a temporary one")
    options = parser.parse_args()
    folder = options.out or Path(tempfile.mkdtemp(prefix="faults-"))
    warm_up()
    finished = scenes.prepare(SCENES["train"], folder / "finished", None) / "run"
    code, said = killing._start(SCENES["train"], finished.parent, again=False)
    assert code == 0, said
    faults, known = kills(options, folder, finished)
    faults += disk_faults(known, folder, finished, [int(size) for size in options.sizes.split(",")])
    print("\n".join(faults) or "no faults")
    print(f"what was left lies in {folder}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
