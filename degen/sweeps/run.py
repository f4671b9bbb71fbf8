"""Run a study: write its plan, start workers until nothing is left, and collect the results."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from degen.analysis.passes.dask_rows import connected
from degen.config.schema import Config
from degen.errors import UserError, counted, one_of
from degen.runs.directory import RunDirectory
from degen.runs.study import DONE, FAILED, PlannedRun, read_plan
from degen.sweeps.asked.lists import nothing_swept
from degen.sweeps.cells import refuse_other_settings
from degen.sweeps.claims import claim_of, drop_left
from degen.sweeps.engines.local import LocalEngine, check_cores
from degen.sweeps.engines.slurm import jobs, require_sbatch, script, submit
from degen.sweeps.plan import write_plan
from degen.sweeps.status import Status, read_status
from degen.sweeps.study import Study
from degen.sweeps.worker import LEAVE, write_done
from degen.training.children.cores import available_cores

if TYPE_CHECKING:
    from degen.sweeps.collect import Collected

ENGINES = ("local", "dask", "slurm")

LOOK = 0.25
"""Seconds between two looks at the folder of a study."""

Watch = Callable[[Status], None]


class Stopped(Exception):
    """A study was stopped by Ctrl-C; the same command goes on."""

    def __init__(self, status: Status):
        super().__init__(f"stopped after {len(status.done)} of {counted(status.total, 'run')}")
        self.status = status


@dataclass(frozen=True)
class StudyRun:
    """The end of a study: the state of its runs, and what `collect` made of those that are done."""

    status: Status
    collected: Collected | None


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
    sbatch: str | None = None,
    accept_versions: bool = False,
    watch: Watch = lambda status: None,
    note: Callable[[str], None] = lambda text: None,
) -> StudyRun:
    """Train the runs of a study that are missing, and return its state and the results of what is done.

    A study that was stopped or killed goes on; runs that failed are tried again.

    Parameters
    ----------
    study, out
        the study, and its folder.
    workers, threads
        number of workers (by default one per core, or one for a GPU), and of CPU threads of each.
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
    sbatch, accept_versions
        more options of Slurm's sbatch, such as `--time=24:00:00`; as in `degen.sweeps.collect.collect`.
    watch, note
        called several times per second with the state of the study; called with a sentence for the user.

    Raises
    ------
    UserError
        for anything in study, folder or engine that the user can mend.
    Stopped
        after Ctrl-C, when the epochs at work are finished.
    """
    _check(engine, workers, threads, scheduler, oversubscribe)
    plan = write_plan(study, out, cells, extend=extend)
    if lone := nothing_swept(study):
        note(lone)
    status = _begin(out, plan)
    watch(status)
    count = workers or _workers(status.free, threads, local=engine == "local")
    if engine == "slurm" and not status.ended:
        note(submit(out, script(out, count, threads, sbatch)))
    elif not status.ended:
        status = _tended(_engine(engine, out, count, threads, scheduler), out, plan, watch)
    return StudyRun(status, _collected(out, accept_versions) if status.done else None)


def _workers(free: list[PlannedRun], threads: int, *, local: bool) -> int:
    """Return the number of workers that suits this machine: one for a GPU, which trains stacks of runs."""
    from degen.device import pick_device  # brings PyTorch

    wanted = {str(planned.config["training"]["device"]) for planned in free}
    if local and any(pick_device(device).type == "cuda" for device in wanted):
        return 1
    return max(1, min(available_cores() // threads, len(free)))


def _begin(out: Path, plan: list[PlannedRun]) -> Status:
    """Let failed runs be tried again, and count those as done that were trained for another study.

    Raises
    ------
    UserError
        if a run directory has a run of other settings.
    """
    for path in (out / FAILED).iterdir():
        path.unlink()
    (out / LEAVE).unlink(missing_ok=True)
    for planned in plan:
        refuse_other_settings(Config.model_validate(planned.config), planned.run)
    for planned in plan:
        if RunDirectory(planned.run).state == "finished" and not (out / DONE / planned.name).exists():
            write_done(out, planned)
    return read_status(out, plan)


def _collected(out: Path, accept_versions: bool) -> Collected:
    from degen.sweeps.collect import collect  # brings pandas

    return collect(out, accept_versions=accept_versions)


def collected_study(out: Path, *, accept_versions: bool = False) -> StudyRun:
    """Return the state of a study as it is, with the results of what is done."""
    status = read_status(out, read_plan(out))
    return StudyRun(status, _collected(out, accept_versions) if status.done else None)


def _check(
    engine: str, workers: int | None, threads: int, scheduler: str | None, oversubscribe: bool
) -> None:
    """Refuse an engine that is not here, before anything is written."""
    one_of("engine", engine, ENGINES)
    for name, number in (("workers", workers), ("threads", threads)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise UserError(f"`{name}` is {number!r}; it must be 1 or more")
    if scheduler is not None and engine != "dask":
        raise UserError("`scheduler` is for Dask; add `engine='dask'`")
    if engine == "dask":
        require_dask()
        with connected(scheduler):  # a scheduler that does not answer is known before anything is planned
            pass
    if engine == "local" and not oversubscribe:
        check_cores(workers or 1, threads)
    if engine == "slurm":
        jobs(workers)
        require_sbatch()


def require_dask() -> None:
    """Raise where Dask is not installed."""
    if find_spec("distributed") is None:
        raise UserError("`engine='dask'` needs Dask, which is not installed: pip install 'degen[dask]'")


def _engine(name: str, out: Path, workers: int, threads: int, scheduler: str | None) -> Engine:
    if name == "local":
        return LocalEngine(out, workers, threads)
    from degen.sweeps.engines.dask_tasks import DaskEngine

    return DaskEngine(out, workers, threads, scheduler)


def _tended(engine: Engine, out: Path, plan: list[PlannedRun], watch: Watch) -> Status:
    """Keep workers at work until nothing is left to do, or Ctrl-C asks to stop."""
    asked = False
    try:
        while True:
            try:
                status = read_status(out, plan)
                watch(status)
                if status.ended or (asked and not engine.running):
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
            # A worker may have ended, or been ended, after it finished a run and before it gave up the claim.
            for planned in plan:
                drop_left(claim_of(planned.run))
    if asked and not status.ended:
        raise Stopped(status)
    return status
