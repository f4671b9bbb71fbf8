"""Several runs: as stacks where the device gains by it, else one after another.

On CUDA runs that agree in shapes train as one model (`degen.training.padded.stack`); a run alone trains
there as
a stack of one, in padded steps of one shape. On the CPU, where grouping histories by length gains more, each
run has the cores for itself, and they share the loaded log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from degen.build import load_data
from degen.config.schema import Config, TrainingConfig
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
"""From the runs that train at once to what is told of each."""


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
        settled configurations, and the run directory of each, all different.
    stack
        whether runs that agree in all but seed, dropout rates, λ, τ and learning rate train as one batched
        model; by default on CUDA only, where they can.
    resume, overwrite, world
        as in `degen.training.loop.train`.
    progress
        called with the configurations that train at once.
    note
        told in a sentence where runs that would be stacked are not.
    reading
        what is entered while the log is read.

    Raises
    ------
    UserError
        as `degen.training.loop.train` and `stacked_failures`; what one of several runs, or stacks, fails with
        is told when the others have ended (of several processes: at once).
    Interrupted
        after Ctrl-C: no run goes on.
    """
    world, watch = world or World(), progress or _unwatched
    if stack and world.size > 1:
        raise UserError(
            "`stack=True` trains many runs on one device, and torchrun one run on many; choose one"
        )
    for config in configs:  # what is wrong with all of them is said once
        _check_device(config.training, world)
    failures: dict[Path, UserError] = {}
    dataset, read = None, None
    for members in _alike(configs):
        first = configs[members[0]]
        if dataset is None or first.data != read:
            with world.together(), reading():
                dataset, read = load_data(first.data), first.data
        stacked = _stacks(first, dataset, stack, world, note)
        engine: type[StepEngine] = Stack if stacked else Eager
        for group in [members] if stacked else [[member] for member in members]:
            run_configs, run_dirs = [configs[i] for i in group], [outs[i] for i in group]
            with watch(run_configs) as watchers:
                try:
                    failures |= train_group(
                        run_configs,
                        run_dirs,
                        dataset,
                        watchers,
                        engine=engine,
                        resume=resume,
                        overwrite=overwrite,
                        world=world,
                    )
                except UserError as error:
                    if world.size > 1:
                        raise
                    failures |= dict.fromkeys(run_dirs, error)
    raise_failures(failures, len(configs))
    return [RunDirectory(out) for out in outs]


def train_one(
    config: Config,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RunDirectory:
    """Train a single run, on CUDA in padded steps where it can; as `train_many`."""
    told = [progress or Progress()]
    return train_many(
        [config], [out], resume=resume, overwrite=overwrite, progress=lambda _: nullcontext(told)
    )[0]


def _check_device(settings: TrainingConfig, world: World) -> None:
    device = pick_device(world.own_device(settings.device))
    pick_precision(settings.precision, device)
    if settings.cuda_graph and device.type != "cuda":
        raise UserError(
            f"`training.cuda_graph` is for CUDA devices, and this run is on {device.type}; leave it out"
        )


def _alike(configs: Sequence[Config]) -> list[list[int]]:
    """The numbers of the configurations that could share a stack, in the order of the first of each."""
    groups: dict[str, list[int]] = {}
    for number, config in enumerate(configs):
        groups.setdefault(repr(shared_settings(config)), []).append(number)
    return list(groups.values())


def _stacks(
    config: Config, dataset: Dataset, stack: bool | None, world: World, note: Callable[[str], None]
) -> bool:
    """Whether runs like this one train as a stack; says so where they would, and cannot."""
    if stack is not None or world.size > 1:
        return bool(stack)
    device = pick_device(config.training.device)
    if device.type != "cuda":
        return False
    if reason := why_alone(config, dataset.sequences.n_items, device):
        note(f"trained one run at a time, in steps of varying shape: {reason}")
        return False
    return True


def _unwatched(configs: Sequence[Config]) -> AbstractContextManager[Sequence[Progress]]:
    return nullcontext([Progress() for _ in configs])
