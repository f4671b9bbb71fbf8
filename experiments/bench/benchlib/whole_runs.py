"""Whole runs to early stopping for `gpu.py`: stacks of seeds, in an order, until the time is up."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.config.schema import Config
from degen.config.settle import merge
from degen.errors import UserError
from degen.runs.directory import RunDirectory
from degen.training.plan import train_many
from degen.training.run import Interrupted, Progress

Section = dict[str, Any]

LOGS = ("beauty", "clothing", "sports", "yelp")
OTHERS = ("sasrec", "scl", "ucl", "ucl+scl", "cl4srec")


@dataclass(frozen=True)
class Runs:
    """Runs to early stopping that are trained as a stack; `seeds` None for as many as are asked for."""

    dataset: str
    variant: str = "duorec"
    seeds: int | None = None
    precision: str = "auto"

    @property
    def name(self) -> str:
        """Their name in the result."""
        precision = "" if self.precision == "auto" else f" {self.precision}"
        return f"{self.dataset}/{self.variant}{precision}{' seed 0' if self.seeds == 1 else ''}"

    @property
    def folder(self) -> str:
        """Their folder; runs of other precision are other runs."""
        return self.dataset if self.precision == "auto" else f"{self.dataset}-{self.precision}"


PLAN = [
    *(Runs(log) for log in LOGS),
    Runs("beauty", precision="bf16", seeds=3),
    *(Runs(log, variant, seeds=1) for variant in OTHERS for log in LOGS),
    *(Runs(log, variant) for variant in OTHERS for log in LOGS),
]
"""The order in which they are begun: DuoRec, bf16 beside it, one seed of the others, the rest."""

SPARE = 15
"""Seconds left for writing when the time is up."""


def train_plan(
    plan: Sequence[Runs],
    done: set[str],
    configure: Callable[..., Config],
    place: Path,
    seeds: int,
    deadline: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[tuple[str, Section]]:
    """Train what is planned and not `done`, and yield the name and the result of each that is whole.

    `configure` makes a configuration from a log and groups of keys; the run directories go below `place`;
    `deadline` is a reading of `clock`, in seconds.
    """

    def until_deadline(configs: Sequence[Config]) -> AbstractContextManager[Sequence[Progress]]:
        return nullcontext([Until(deadline - SPARE, clock)] * len(configs))

    for runs in plan:
        if runs.name in done:
            continue
        if clock() > deadline - SPARE:
            return
        chosen = {"objective": {"variant": runs.variant}, "training": {"precision": runs.precision}}
        each = range(runs.seeds or seeds)
        configs = [configure(runs.dataset, **merge(chosen, {"training": {"seed": seed}})) for seed in each]
        outs = [place / runs.folder / f"{runs.variant}-s{seed}" for seed in each]
        started = clock()
        try:
            train_many(configs, outs, stack=True, resume=True, progress=until_deadline)
        except Interrupted:
            print(f"gpu.py: the time is up; --runs goes on with {runs.name}", flush=True)
            return
        except UserError as error:
            print(f"gpu.py: {runs.name}: {error}", flush=True)
            continue
        yield runs.name, _summary([RunDirectory(out) for out in outs], clock() - started)


class Until(Progress):
    """Presses Ctrl-C when the time is up, once for all runs that it is told of: training stops after the
    step, and can go on from its epoch.
    """

    def __init__(self, deadline: float, clock: Callable[[], float]):
        self.deadline, self.clock, self.pressed = deadline, clock, False

    def step(self, epoch: int, step: int, losses: dict[str, Any]) -> None:
        """Look at the clock."""
        if not self.pressed and self.clock() > self.deadline:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)


def _summary(runs: list[RunDirectory], seconds: float) -> Section:
    tests = [run.test for run in runs]
    shown = ("HR@5", "HR@10", "NDCG@10")
    mean = {name: round(statistics.fmean(test[name] for test in tests), 4) for name in shown}
    hits = [test["HR@10"] for test in tests]
    return {
        "deviation": round(statistics.stdev(hits), 4) if len(hits) > 1 else None,
        "seconds": round(seconds, 1),
        "seeds": [run.seed for run in runs],
        "mean": mean,
        "tests": tests,
        "rows": [run.metrics for run in runs],
    }
