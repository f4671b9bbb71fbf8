"""Plan of several runs: as stacks where the device gains by it, else one after another.

On CUDA runs that agree in shapes train as one model (`degen.training.padded.stack`), and a single run as a
stack of one, in padded steps of one shape. On the CPU grouping histories by length gains more: there each run
has all cores, and the runs share the loaded log.
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
from degen.training.distributed import World
from degen.training.epoch import Eager
from degen.training.loop import StepEngine, raise_failures, train_group
from degen.training.padded.stack import Stack
from degen.training.rules import shared_settings, why_alone
from degen.training.run import Progress

Watch = Callable[[Sequence[Config]], AbstractContextManager[Sequence[Progress]]]
"""Makes the `Progress` of each of the runs that train at once, for as long as they do."""


def train_many(
    configs: Sequence[Config],
    outs: Sequence[Path],
    *,
    stack: bool | None = None,
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
    resume, overwrite, world
        as in `degen.training.loop.train`.
    progress
        called with the configurations that train at once.
    note, reading
        called with a sentence where runs that would be stacked are not; context in which the log is read.

    Raises
    ------
    UserError
        as `degen.training.loop.train`, when the other runs have ended; with several processes at once.
    Interrupted
        after Ctrl-C: no run goes on.
    """
    world = world or World()
    if stack and world.size > 1:
        raise UserError(
            "`stack=True` trains many runs on one device, and torchrun one run on many; choose one"
        )
    for config in configs:  # what is wrong with all of them is said once
        device = pick_device(world.own_device(config.training.device))
        pick_precision(config.training.precision, device)
        if config.training.cuda_graph and device.type != "cuda":
            raise UserError(
                f"`training.cuda_graph` is for CUDA devices, and this run is on {device.type}; leave it out"
            )
    failures: dict[Path, UserError] = {}
    options: dict[str, Any] = {"resume": resume, "overwrite": overwrite, "world": world}
    for members, dataset, engine in _groups(configs, stack, world, note, reading):
        group, run_dirs = [configs[i] for i in members], [outs[i] for i in members]
        with progress(group) if progress else nullcontext([Progress() for _ in group]) as callbacks:
            try:
                failures |= train_group(group, run_dirs, dataset, callbacks, engine=engine, **options)
            except UserError as error:
                if world.size > 1:
                    raise
                failures |= dict.fromkeys(run_dirs, error)
    raise_failures(failures, len(configs))
    return [RunDirectory(out) for out in outs]


def _groups(
    configs: Sequence[Config],
    stack: bool | None,
    world: World,
    note: Callable[[str], None],
    reading: Callable[[], AbstractContextManager[object]],
) -> Iterator[tuple[list[int], Dataset, type[StepEngine]]]:
    """Yield the numbers of the configurations that train at once, their log and their step engine."""
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
