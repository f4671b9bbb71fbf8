"""Sections that compare side by side: their participants, their tasks and their results."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchlib.environments import environment
from benchlib.machine import OWN
from benchlib.prototype import Prototype
from benchlib.summary import compare, spread
from benchlib.turns import Failure, Outcome, Participant, Worker, interleave

Command = list[str | Path]
WORKERS = Path(__file__).resolve().parents[1] / "workers"
VARIANTS = {"SASRec": "sasrec", "DuoRec": "duorec"}
BASELINES = {
    "BPR-MF": "bpr-mf",
    "GRU4Rec": "gru4rec",
    "Caser": "caser",
    "BERT4Rec": "bert4rec",
}


@dataclass(frozen=True)
class Options:
    """Settings of the command line.

    Attributes
    ----------
    dataset
        catalogue name or file.
    threads
        CPU threads of every participant.
    windows, seconds
        how many windows each takes, and the least seconds of one.
    memory_steps
        training steps after which the peak of memory is read; the plain loop, slow and of one shape, does a
        tenth.
    prototype
        a script timed beside the others, or None.
    torch
        what pip installs as PyTorch in the peers' environments.
    note
        where progress is told.
    """

    dataset: str = "beauty"
    threads: int = 2
    windows: int = 5
    seconds: float = 4.0
    memory_steps: int = 300
    prototype: Path | None = None
    torch: str = "torch==2.13.0"
    note: Callable[[str], None] = lambda text: None

    @property
    def environment(self) -> dict[str, str]:
        """Variables that every participant gets."""
        return {"OMP_NUM_THREADS": str(self.threads), "MKL_NUM_THREADS": str(self.threads)}


class Unavailable:
    """A participant that could not be made: it fails with the reason when its time comes."""

    def __init__(self, name: str, failure: Failure):
        self.name, self.failure = name, failure

    def start(self) -> dict[str, Any]:
        """Fail."""
        raise self.failure

    def turn(self, order: dict[str, Any]) -> dict[str, Any]:
        """Fail."""
        raise self.failure

    def stop(self) -> None:
        """Nothing was started."""


def ours(label: str, options: Options) -> Worker:
    """degen itself."""
    variant = (VARIANTS | BASELINES)[label]
    command: Command = [sys.executable, WORKERS / "degen_worker.py", options.dataset, variant]
    return Worker(f"degen {label}", command, options.environment | OWN)


def plain(label: str, options: Options, scratch: Path) -> Worker:
    """The plain PyTorch loop."""
    command: Command = [sys.executable, WORKERS / "plain_worker.py", scratch / "log.txt", VARIANTS[label]]
    return Worker(f"plain loop {label}", command, options.environment)


def peer(
    name: str, package: str, script: str, arguments: Sequence[str | Path], scratch: Path, options: Options
) -> Participant:
    """Another library, in its own environment, with shims of ours on its path where there are some, and in a
    folder where it may write.
    """
    options.note(f"{name}: looking for its environment, or making it")
    try:
        python = environment(package, options.torch)
    except Failure as failure:
        return Unavailable(name, failure)
    shims = {"PYTHONPATH": str(WORKERS / f"{package}_shims")}
    return Worker(name, [python, WORKERS / script, *arguments], options.environment | shims, folder=scratch)


def write_log(options: Options, folder: Path) -> None:
    """Put the log where the peers read it."""
    command: Command = [sys.executable, WORKERS / "write_log.py", options.dataset, folder]
    subprocess.run(command, env=os.environ | OWN, check=True)


def side_by_side(participants: Sequence[Participant], order: dict[str, Any], options: Options) -> Any:
    """`interleave` as the options say, after a short turn each to warm up."""
    return interleave(
        participants,
        order,
        options.windows,
        warm_up={"seconds": options.seconds / 4, "warm_up": True},
        note=options.note,
    )


def train(options: Options) -> dict[str, Any]:
    """Training, degen beside the plain loop and the prototype: samples a second."""
    outcomes: dict[str, Outcome] = {}
    against: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_log(options, scratch)
        for label, variant in VARIANTS.items():
            group: list[Participant] = [ours(label, options), plain(label, options, scratch)]
            if options.prototype is not None:
                log = scratch / "log.txt"
                group.append(
                    Prototype(f"prototype {label}", options.prototype, variant, log, options.environment)
                )
            outcomes |= side_by_side(group, {"seconds": options.seconds}, options)
            against |= {each.name: [f"degen {label}"] for each in group[1:]}
    return compare(outcomes, against)


def baselines(options: Options) -> dict[str, Any]:
    """Training of the paper's other methods beside SASRec: samples a second."""
    group = [ours(label, options) for label in ("SASRec", *BASELINES)]
    outcomes = side_by_side(group, {"seconds": options.seconds}, options)
    return compare(outcomes, {each.name: ["degen SASRec"] for each in group[1:]})


def evaluate(options: Options) -> dict[str, Any]:
    """Ranking the test targets of all users among all items: users a second."""
    with tempfile.TemporaryDirectory() as folder:
        write_log(options, Path(folder))
        group = [ours("SASRec", options), plain("SASRec", options, Path(folder))]
        outcomes = side_by_side(group, {"evaluate": True}, options)
    windows = outcomes["degen SASRec"].windows
    users = {"users": windows[0]["samples"]} if windows else {}
    return compare(outcomes, {"plain loop SASRec": ["degen SASRec"]}) | users


def peers(options: Options) -> dict[str, Any]:
    """Training, degen beside RecBole and RecTools: samples a second."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_log(options, scratch)
        group = [
            *(ours(label, options) for label in VARIANTS),
            *(
                peer(f"RecBole {model}", "recbole", "recbole_worker.py", [scratch, model], scratch, options)
                for model in ("SASRec", "FEARec")
            ),
            peer(
                "RecTools SASRec", "rectools", "rectools_worker.py", [scratch / "log.txt"], scratch, options
            ),
        ]
        outcomes = side_by_side(group, {"seconds": options.seconds}, options)
    both = ["degen SASRec", "degen DuoRec"]
    return compare(
        outcomes, {"RecBole SASRec": both, "RecBole FEARec": both[1:], "RecTools SASRec": both[:1]}
    )


def memory(options: Options) -> dict[str, Any]:
    """Peak memory of a fresh process that trains DuoRec, reading the log included: MB."""
    peaks, failures = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        write_log(options, Path(folder))
        few = max(options.memory_steps // 10, 1)
        for worker, steps in (
            (ours("DuoRec", options), options.memory_steps),
            (plain("DuoRec", options, Path(folder)), few),
        ):
            [outcome] = interleave([worker], {"steps": steps}, 1, note=options.note).values()
            if outcome.failure is None:
                peaks[worker.name] = {"peak_mb": outcome.windows[0]["peak_mb"], "steps": steps}
            else:
                failures[worker.name] = outcome.failure
    return {"peaks": peaks, "failures": failures}


def startup(options: Options) -> dict[str, Any]:
    """Seconds of whole commands, each in a fresh process, the log's cache warm."""
    with tempfile.TemporaryDirectory() as folder:
        run = ["--out", str(Path(folder) / "run"), "--overwrite", "--device", "cpu", "--quiet"]
        commands = {
            "degen --help": ["--help"],
            f"degen train --max-steps 1 --dataset {options.dataset}": [
                *("train", "--max-steps", "1", "--dataset", options.dataset),
                *run,
            ],
        }
        seconds = {}
        for name, arguments in commands.items():
            options.note(name)
            command = [sys.executable, "-m", "degen", *arguments]
            seconds[name] = [_seconds(command, options) for _ in range(options.windows + 1)][1:]
    return {"seconds": {name: spread(values) for name, values in seconds.items()}}


def _seconds(command: Sequence[str], options: Options) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=os.environ | options.environment | OWN, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


SECTIONS: dict[str, Callable[[Options], dict[str, Any]]] = {
    "train": train,
    "baselines": baselines,
    "evaluate": evaluate,
    "memory": memory,
    "startup": startup,
    "peers": peers,
}
"""The sections by name; `scale` has a module of its own."""
