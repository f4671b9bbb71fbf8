"""Runs side by side: a child process for each, a number of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing import connection
from pathlib import Path
from typing import Any

from degen.build import settle_names
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.errors import UserError
from degen.runs.directory import RunDirectory
from degen.runs.lock import clear_away
from degen.training import resumption
from degen.training.children.child import Child, with_variant
from degen.training.children.inside import Task
from degen.training.process_settings import deferred_interrupt
from degen.training.run import Interrupted, Progress, note_data

SECONDS_BETWEEN_LOOKS = 0.2
"""Time between looks for a Ctrl-C while no child says anything."""


def train_in_child(
    config: Config,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    dataset: Dataset | None = None,
) -> RunDirectory:
    """Train one run in a child process, whose memory and crashes end with it.

    The parameters are those of `degen.training.loop.train`, and so is the result, to the bit. The child ends
    by itself when this process has died, by whatever signal.

    Raises
    ------
    UserError
        as `degen.training.loop.train`; a `BrokenChild` where the child was killed or met with a fault of
        degen.
    Interrupted
        after Ctrl-C, when the step is done.
    """
    task = Task(config, out, resume, overwrite, dataset)
    for error in train_side_by_side([task], [progress or Progress()], workers=1).values():
        raise error
    return RunDirectory(out)


def train_side_by_side(
    tasks: Sequence[Task], progress: Sequence[Progress], *, workers: int
) -> dict[Path, UserError]:
    """Train runs in child processes, `workers` at a time, and return the errors of those that failed.

    `progress` has the callbacks of each task, which are called in this process. A run that fails, or whose
    process is killed, leaves the others alone.

    Raises
    ------
    Interrupted
        after Ctrl-C, when each child has ended its step; no further run is started.
    """
    waiting = list(zip(map(with_variant, tasks), progress, strict=True))
    running, ended = list[Child](), list[Child]()
    with ExitStack() as living, deferred_interrupt() as interrupted:
        while running or (waiting and not interrupted.is_set()):
            while waiting and len(running) < workers and not interrupted.is_set():
                running.append(Child(*waiting.pop(0)))
                living.callback(running[-1].close)
            _hear(running)
            if interrupted.is_set():
                for child in running:
                    child.interrupt()
            ended += [child for child in running if child.ended]
            running = [child for child in running if not child.ended]
    stopped = [child.epochs for child in ended if child.stopped]
    if waiting or stopped:
        out = tasks[0].out if len(tasks) == 1 else tasks[0].out.parent
        raise Interrupted(out, min(stopped, default=0))
    return {child.task.out: child.failure for child in ended if child.failure is not None}


def is_left(task: Task) -> bool:
    """Return whether a task with a log has anything left to do; raise what its run directory refuses."""
    config = settle_names(task.config)
    if task.dataset is not None:
        config = note_data(config, task.dataset)
    resumption.refuse(config, task.out, resume=task.resume, overwrite=task.overwrite)
    if not (task.resume and resumption.is_complete(config, task.out)):
        return True
    clear_away(task.out)
    return False


def _hear(running: Sequence[Child]) -> None:
    """Take one message of each child that has sent any, or wait a little."""
    by_connection: dict[Any, Child] = {child.connection: child for child in running}
    for ready in connection.wait(list(by_connection), SECONDS_BETWEEN_LOOKS):
        child = by_connection[ready]
        child.hear()
        if child.ended:
            child.close()
