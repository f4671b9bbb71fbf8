"""The training loop: a group of runs to their ends; a single run is a group of one.

A step engine trains the runs of a group at once. `Eager` (`degen.training.epoch`) takes one run, `Stack`
(`degen.training.padded.stack`) several. Only runs at the same epoch train together: where some go on from a
later one, the others catch up first. A run that has ended, early or at its last epoch, is tested and leaves
the group. So does a run that fails, and its error is kept until the others have ended.

A run that cannot write its files stops its whole group. A smaller stack rounds otherwise, so that the others,
and this one when it is resumed by itself, would end in other numbers than a group that nothing stopped.

With several processes each has the same group of one, and an error of one process ends all at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from degen.build import load_data, settle_names
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.device import pick_device
from degen.errors import CannotWrite, UserError
from degen.model.precision import float32_products
from degen.runs.directory import RunDirectory
from degen.runs.lock import clear_away, sole_writer
from degen.runs.manifest import keeping
from degen.training import checkpoint, resumption
from degen.training.distributed import STEPS_BETWEEN_SIGNALS, World
from degen.training.epoch import Eager
from degen.training.padded.stack import Stack
from degen.training.process_settings import deferred_interrupt, torch_settings
from degen.training.run import Interrupted, Progress, Run, note_data
from degen.training.stages.pretraining import pretrain
from degen.training.trainer import Trainer

StepEngine = Eager | Stack
"""A way to train the runs of a group at once; `environment.json` tells `stacked` of each."""


def train(
    config: Config,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    world: World | None = None,
    dataset: Dataset | None = None,
) -> RunDirectory:
    """Train one variant on one dataset with one seed, into the run directory `out`.

    Parameters
    ----------
    config
        resolved configuration (see `degen.config.settle.settle`).
    out
        the run directory itself; made if it does not exist.
    resume
        whether to go on after the last finished epoch. A run without one starts; a finished run returns at
        once, unless the configuration has more epochs or patience than it had.
    overwrite
        whether to remove an earlier run in `out` first.
    progress
        callbacks for steps and epochs.
    world
        the processes that train the run together (see `degen.training.distributed`); by default this one
        alone. All need the same files: the log, and `out`.
    dataset
        the log of the configuration, where it is loaded already.

    Raises
    ------
    UserError
        for anything in data, configuration or `out` that the user can mend.
    Interrupted
        after Ctrl-C, when the step is done.
    """
    world = world or World()
    with world.together():
        dataset = dataset or load_data(config.data)
    failures = train_group(
        [config],
        [out],
        dataset,
        [progress or Progress()],
        engine=Eager,
        resume=resume,
        overwrite=overwrite,
        world=world,
    )
    raise_failures(failures, 1)
    return RunDirectory(out)


def train_group(
    configs: Sequence[Config],
    outs: Sequence[Path],
    dataset: Dataset,
    progress: Sequence[Progress],
    *,
    engine: type[StepEngine],
    resume: bool = False,
    overwrite: bool = False,
    world: World | None = None,
) -> dict[Path, UserError]:
    """Train a group of runs on the log that they name, and return the errors of those that failed.

    Each run has a resolved configuration, a run directory and a `Progress`. The engine decides in which keys
    the configurations may differ. What it or a run directory refuses is raised before anything is written;
    all else is as in `train`.
    """
    world = world or World()
    with world.together():
        configs = [note_data(settle_names(config), dataset) for config in configs]
        device = pick_device(world.own_device(configs[0].training.device))
        engine.refuse(configs, dataset.sequences.n_items, device)
        for config, out in zip(configs, outs, strict=True):
            resumption.refuse(config, out, resume=resume, overwrite=overwrite)
        if resume:
            configs = [resumption.as_begun(*member) for member in zip(configs, outs, strict=True)]
        group = [
            member
            for member in zip(configs, outs, progress, strict=True)
            if not (resume and resumption.is_complete(member[0], member[1]))
        ]
        if world.main:
            for out in outs:
                if all(out != member[1] for member in group):
                    clear_away(out)
    runs, source = list[Run](), None
    with torch_settings(configs[0].training), ExitStack() as locks:
        with world.together():
            for config, out, callbacks in group:
                trainer = Trainer(config, dataset, device, world, source)
                source = trainer.source  # the runs share their samples
                runs.append(Run(trainer, dataset, out, callbacks))
            if world.main:
                for run in runs:
                    locks.enter_context(sole_writer(run.out))
                    locks.enter_context(keeping(run.out, anew=overwrite))
                for run in runs:
                    checkpoint.prepare(run.config, run.out, resume=resume, overwrite=overwrite)
                checkpoint.even_out([run.out for run in runs])
        return _Group(runs, engine, world).train()


class _Group:
    """Runs on their way; each measures and writes for itself."""

    def __init__(self, runs: Sequence[Run], engine: type[StepEngine], world: World):
        self.active, self.n_runs = list(runs), len(runs)
        self.engine, self.world = engine, world
        self.failures: dict[Path, UserError] = {}

    def train(self) -> dict[Path, UserError]:
        """Train all runs to their ends, and return the errors of those that failed."""
        for run in list(self.active):
            self._attempt(run, partial(run.begin, stacked=self.engine.stacked))
        engine, trained = None, list[Run]()
        with deferred_interrupt() as interrupted:
            for run in list(self.active):
                self._attempt(run, pretrain, run, partial(self._stop_if, interrupted))
            while True:
                ended = [run for run in self.active if run.finished]
                for run in ended:
                    self._attempt(run, run.test)
                self.active = [run for run in self.active if run not in ended]
                if not self.active:
                    return self.failures
                earliest = min(len(run.rows) for run in self.active)
                runs = [run for run in self.active if len(run.rows) == earliest]
                if engine is None or runs != trained:
                    engine, trained = self.engine([run.trainer for run in runs]), runs
                self._epoch(engine, runs, interrupted)

    def _attempt(self, run: Run, action: Callable[..., None], *arguments: object) -> None:
        """Do something for a run; if it fails, the run leaves and its error is kept for the end.

        The others leave too where it cannot write: all go on together when there is room again.
        """
        if run.out in self.failures:
            return
        try:
            action(*arguments)
        except UserError as error:
            if self.world.size > 1:  # the other processes wait for this one
                raise
            leaving = list(self.active) if isinstance(error, CannotWrite) else [run]
            self.failures |= {member.out: error for member in leaving}
            self.active = [member for member in self.active if member not in leaving]

    def _epoch(self, engine: StepEngine, runs: list[Run], interrupted: threading.Event) -> None:
        started = shown = time.perf_counter()
        number, steps, trainer = len(runs[0].rows) + 1, runs[0].steps_now, runs[0].trainer
        with float32_products(trainer.precision, trainer.device):
            epoch = engine.epoch(number, steps)
            pairs = list(zip(runs, epoch.epochs, strict=True))
            for step in range(1, steps + 1):
                epoch.step()
                for run in runs:
                    run.steps += 1
                if self.world.size == 1 or runs[0].steps % STEPS_BETWEEN_SIGNALS == 0:
                    self._stop_if(interrupted)
                fresh = time.perf_counter() - shown > 1
                shown = time.perf_counter() if fresh else shown
                for run, losses in pairs:
                    self._attempt(run, run.show, losses, step, fresh)
                if not self.active:
                    return
        epoch.sums.tolist()  # waits for the device, so that the clock is right
        seconds = time.perf_counter() - started
        for run, losses in pairs:
            self._attempt(run, run.close_epoch, losses, seconds)
        for action in (Run.count_epoch, Run.report_epoch):  # each by all, so that all have the same epochs
            for run in runs:
                self._attempt(run, action, run)
        self._stop_if(interrupted)

    def _stop_if(self, interrupted: threading.Event) -> None:
        if self.world.any(interrupted.is_set()) and self.active:
            out = self.active[0].out if self.n_runs == 1 else self.active[0].out.parent
            raise Interrupted(out, min(len(run.rows) for run in self.active))


def raise_failures(failures: Mapping[Path, UserError], n_runs: int) -> None:
    """Raise the errors of runs that failed, now that all others have ended; do nothing where none did."""
    if not failures:
        return
    if len(failures) == n_runs and len({str(error) for error in failures.values()}) == 1:
        raise next(iter(failures.values()))
    messages = "; ".join(f"{out}: {error}" for out, error in failures.items())
    raise UserError(f"{len(failures)} of {n_runs} runs failed ({messages}); the others are whole")
