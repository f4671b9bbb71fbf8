"""Plan of several runs: as stacks where the device gains by it, else one after another, or side by side.

On CUDA runs that agree in shapes train as one model (`degen.training.padded.stack`), and a single run as a
stack of one, in padded steps of one shape. On the CPU grouping histories by length gains more: there each run
has all cores, and the runs share the loaded log. With `workers` each has a child process
(`degen.training.children`), which makes better use of cores than many threads for one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from degen.build import load_data
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.device import pick_device
from degen.errors import UserError
from degen.model.precision import pick_precision
from degen.runs.directory import RunDirectory
from degen.training.children.child import BrokenChild
from degen.training.children.cores import share_cores
from degen.training.children.inside import Task
from degen.training.children.side_by_side import is_left, train_side_by_side
from degen.training.distributed import World
from degen.training.epoch import Eager
from degen.training.loop import StepEngine, raise_failures, train_group
from degen.training.padded.stack import Stack
from degen.training.rules import shared_settings, why_alone
from degen.training.run import Progress

Watch = Callable[[Sequence[Config]], AbstractContextManager[Sequence[Progress]]]
"""Makes the `Progress` of each of the runs that train at once, for as long as they do."""


Group = tuple[list[int], Dataset, type[StepEngine]]
"""Numbers of the configurations that train at once, their log and their step engine."""


def train_many(
    configs: Sequence[Config],
    outs: Sequence[Path],
    *,
    stack: bool | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    progress: Watch | None = None,
    note: Callable[[str], None] = lambda text: None,
    reading: Callable[[], AbstractContextManager[object]] = nullcontext,
    world: World | None = None,
) -> list[RunDirectory]:
    """Train several runs, each into its own run directory.

    Parameters
    ----------
    configs, outs
        resolved configurations, and the run directory of each, all different.
    stack
        whether runs that agree in all but seed, dropout rates, λ, τ and learning rate train as one batched
        model; by default on CUDA only, where they can.
    workers
        number of runs that train side by side, each in a child process, on the CPU; at least 1. Each has one
        thread, or `training.threads`. Results are those of runs in turn with as many threads.
    resume, overwrite, world
        as in `degen.training.loop.train`.
    progress
        called with the configurations that train at once.
    note, reading
        called with a sentence, such as why runs that would be stacked are not; context in which the log is
        read.

    Raises
    ------
    UserError
        as `degen.training.loop.train`, when the other runs have ended; with several processes at once.
    Interrupted
        after Ctrl-C: no run goes on.
    """
    world = world or World()
    _refuse_plan(configs, stack, workers, world)
    show: Watch = progress or (lambda group: nullcontext([Progress() for _ in group]))
    options: dict[str, Any] = {"resume": resume, "overwrite": overwrite}
    workers = min(workers, len(configs))
    if workers > 1:
        tasks = _tasks(share_cores(configs, workers, note), outs, reading, **options)
        failures = _side_by_side(tasks, workers, show, note)
    else:
        groups = _groups(configs, stack, world, note, reading)
        failures = _in_turn(groups, configs, outs, show, world=world, **options)
    raise_failures(failures, len(configs))
    return [RunDirectory(out) for out in outs]


def _side_by_side(
    tasks: Sequence[Task], workers: int, show: Watch, note: Callable[[str], None]
) -> dict[Path, UserError]:
    """Train runs in child processes, and note the tracebacks of those that met with a fault of degen.

    No child is started for a run that is finished, or that its run directory refuses.
    """
    failures, left = dict[Path, UserError](), list[Task]()
    for task in tasks:
        try:
            left += [task] if is_left(task) else []
        except UserError as error:
            failures[task.out] = error
    if left:
        with show([task.config for task in left]) as callbacks:
            failures |= train_side_by_side(left, callbacks, workers=workers)
    for failure in failures.values():
        if isinstance(failure, BrokenChild) and failure.trace:
            note(failure.trace)
    return failures


def _in_turn(
    groups: Iterator[Group],
    configs: Sequence[Config],
    outs: Sequence[Path],
    show: Watch,
    *,
    world: World,
    **options: Any,
) -> dict[Path, UserError]:
    """Train groups of runs in this process, one after another, and return the errors of those that failed."""
    failures: dict[Path, UserError] = {}
    for members, dataset, engine in groups:
        group, run_dirs = [configs[i] for i in members], [outs[i] for i in members]
        with show(group) as callbacks:
            try:
                failures |= train_group(
                    group, run_dirs, dataset, callbacks, engine=engine, world=world, **options
                )
            except UserError as error:
                if world.size > 1:
                    raise
                failures |= dict.fromkeys(run_dirs, error)
    return failures


def _refuse_plan(configs: Sequence[Config], stack: bool | None, workers: int, world: World) -> None:
    """Raise where the ways of training do not go together, or the device is wrong for one of them."""
    if stack and world.size > 1:
        raise UserError(
            "`stack=True` trains many runs on one device, and torchrun one run on many; choose one"
        )
    if workers < 1:
        raise UserError(f"`workers={workers}`: it must be 1 or more")
    if workers > 1 and world.size > 1:
        raise UserError(
            f"`workers={workers}` trains a run in each process, and torchrun one run in many; choose one"
        )
    if workers > 1 and stack:
        raise UserError(
            f"`workers={workers}` trains each run in a process of its own, and `stack=True` all in one; "
            "choose one"
        )
    for config in configs:  # what is wrong with all of them is said once
        device = pick_device(world.own_device(config.training.device))
        pick_precision(config.training.precision, device)
        if config.training.cuda_graph and device.type != "cuda":
            raise UserError(
                f"`training.cuda_graph` is for CUDA devices, and this run is on {device.type}; leave it out"
            )
        if workers > 1 and device.type != "cpu":
            raise UserError(
                f"`workers={workers}` shares the cores of the CPU, and this run is on {device.type}; leave "
                "it out, or add `device='cpu'`"
            )


def _tasks(
    configs: Sequence[Config],
    outs: Sequence[Path],
    reading: Callable[[], AbstractContextManager[object]],
    **options: Any,
) -> list[Task]:
    """Return the task of each run, with its log; runs of one log share it here, and have copies there."""
    tasks, dataset, read = list[Task](), None, None
    for config, out in zip(configs, outs, strict=True):
        if dataset is None or config.data != read:
            with reading():
                dataset, read = load_data(config.data), config.data
        tasks.append(Task(config, out, dataset=dataset, **options))
    return tasks


def _groups(
    configs: Sequence[Config],
    stack: bool | None,
    world: World,
    note: Callable[[str], None],
    reading: Callable[[], AbstractContextManager[object]],
) -> Iterator[Group]:
    """Yield the groups of configurations that train at once."""
    dataset, read = None, None
    could_share: dict[str, list[int]] = {}
    for number, config in enumerate(configs):
        could_share.setdefault(repr(shared_settings(config)), []).append(number)
    for members in could_share.values():
        first = configs[members[0]]
        if dataset is None or first.data != read:
            with world.together(), reading():
                dataset, read = load_data(first.data), first.data
        if _stacks(first, dataset, stack, world, note):
            yield members, dataset, Stack
        else:
            yield from (([member], dataset, Eager) for member in members)


def _stacks(
    config: Config, dataset: Dataset, stack: bool | None, world: World, note: Callable[[str], None]
) -> bool:
    """Return whether runs like this one train as a stack; note the reason where they would but cannot."""
    if stack is not None or world.size > 1:
        return bool(stack)
    device = pick_device(config.training.device)
    if device.type != "cuda":
        return False
    if reason := why_alone(config, dataset.sequences.n_items, device):
        note(f"trained one run at a time, in steps of varying shape: {reason}")
        return False
    return True
