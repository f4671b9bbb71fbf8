"""Run a study: write its plan, start workers until nothing is left, and collect the results."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from degen.errors import UserError, one_of
from degen.runs.directory import RunDirectory
from degen.runs.study import DONE, FAILED, PlannedRun
from degen.sweeps.engines.local import LocalEngine, check_cores
from degen.sweeps.plan import write_plan
from degen.sweeps.status import Status, read_status
from degen.sweeps.study import Study
from degen.sweeps.worker import write_done
from degen.training.children.cores import available_cores

ENGINES = ("local", "dask", "slurm")

LOOK = 0.25
"""Seconds between two looks at the folder of a study."""

Watch = Callable[[Status], None]


class Stopped(Exception):
    """A study was stopped by Ctrl-C; the same command goes on."""

    def __init__(self, status: Status):
        super().__init__(f"stopped after {len(status.done)} of {status.total} runs")
        self.status = status


@dataclass(frozen=True)
class StudyRun:
    """The end of a study: the state of its runs, and what `collect` made of those that are done."""

    status: Status
    collected: Any


class Engine(Protocol):
    """A way to start workers."""

    @property
    def running(self) -> int:
        """Number of workers that live."""
        ...

    def tend(self, free: int) -> None:
        """Start workers while there are free runs."""
        ...

    def leave(self) -> None:
        """Ask the workers to finish their epoch and leave; asked again, they leave at once."""
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


def run_study(
    study: Study,
    out: Path,
    *,
    workers: int | None = None,
    threads: int = 1,
    engine: str = "local",
    scheduler: str | None = None,
    cells: Path | None = None,
    extend: bool = False,
    oversubscribe: bool = False,
    watch: Watch = lambda status: None,
) -> StudyRun:
    """Train the runs of a study that are missing, and collect the results of those that are done.

    A study that was stopped or killed goes on: finished runs stay, unfinished ones resume after their last
    epoch, and those that failed are tried again.

    Parameters
    ----------
    study, out
        the study, and its folder.
    workers, threads
        number of workers, and of CPU threads of each; by default as many workers as there are cores for.
    engine
        `local`: processes of this machine. `dask`: tasks of a cluster. `slurm`: jobs of an array.
    scheduler
        address of a Dask scheduler; by default a cluster of this machine.
    cells
        folder of the run directories; by default `cells` beside `out`.
    extend
        whether runs may be added to a study that is in `out`.
    oversubscribe
        whether there may be more threads than cores.
    watch
        called several times per second with the state of the study.

    Returns
    -------
    StudyRun
        state at the end, and the results; `status.failed` are the runs that failed three times.

    Raises
    ------
    UserError
        for anything in study, folder or engine that the user can mend; nothing has been trained then.
    Stopped
        after Ctrl-C, when the epochs at work are finished.
    """
    one_of("engine", engine, ENGINES)
    if workers is not None and workers < 1:
        raise UserError(f"`workers` is {workers}; it must be 1 or more")
    if engine == "local" and not oversubscribe:
        check_cores(workers or 1, threads)
    plan = write_plan(study, out, cells, extend=extend)
    _begin(out, plan)
    status = read_status(out, plan)
    count = workers or max(1, min(available_cores() // threads, len(status.free)))
    status = _tended(_engine(engine, out, count, threads, scheduler), out, plan, watch)
    return StudyRun(status, _collected(out) if status.done else None)


def _begin(out: Path, plan: list[PlannedRun]) -> None:
    """Let failed runs be tried again, and count those as done that were trained for another study."""
    for path in (out / FAILED).iterdir():
        path.unlink()
    for planned in plan:
        if RunDirectory(planned.run).state == "finished" and not (out / DONE / planned.name).exists():
            write_done(out, planned)


def _collected(out: Path) -> Any:
    return import_module("degen.sweeps.collect").collect(out) if find_spec("degen.sweeps.collect") else None


def _engine(name: str, out: Path, workers: int, threads: int, scheduler: str | None) -> Engine:
    return LocalEngine(out, workers, threads)


def _tended(engine: Engine, out: Path, plan: list[PlannedRun], watch: Watch) -> Status:
    """Keep workers at work until nothing is left to do, or Ctrl-C asks to stop."""
    asked = False
    try:
        while True:
            try:
                status = read_status(out, plan)
                watch(status)
                if status.settled or (asked and not engine.running):
                    break
                if not asked:
                    engine.tend(len(status.free))
                time.sleep(LOOK)
            except KeyboardInterrupt:
                asked = True
                engine.leave()
    finally:
        with suppress(KeyboardInterrupt):
            engine.close()
    if asked and not status.settled:
        raise Stopped(status)
    return status
