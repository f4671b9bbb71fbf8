"""Several runs to the end as one stack: epochs, early stops, failures, interruption and resumption.

Only runs at the same epoch train together: where some go on from a later one, the others catch up first. A
run that has stopped, early or at its last epoch, is tested and leaves; one that fails leaves too, and is told
of when the others are done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from degen.config.schema import Config
from degen.data.load import Dataset
from degen.device import pick_device
from degen.errors import UserError
from degen.model.precision import float32_products
from degen.runs.lock import sole_writer
from degen.training import checkpoint, resumption
from degen.training.loop import Interrupted, Progress, Run, note_data
from degen.training.padded.stack import Stack
from degen.training.process_settings import deferred_interrupt, torch_settings
from degen.training.stackable import check_agreement, why_alone
from degen.training.trainer import Epoch, Trainer, settle_names


def stacked_failures(
    configs: Sequence[Config],
    outs: Sequence[Path],
    dataset: Dataset,
    progress: Sequence[Progress],
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> dict[Path, UserError]:
    """Train several runs as one stack, each into its own run directory; return what some failed with.

    Parameters
    ----------
    configs
        settled configurations; they may differ in seed, dropout rates, λ, τ and learning rate.
    outs
        the run directory of each, all different.
    dataset
        the log that they name.
    progress
        one a run.
    resume, overwrite
        as in `degen.training.loop.train`.

    Raises
    ------
    UserError
        for configurations that cannot be stacked, or a run directory that refuses its run, before anything
        is written.
    Interrupted
        after Ctrl-C, when the step is done.
    """
    configs = [note_data(settle_names(config), dataset) for config in configs]
    check_agreement(configs)
    device = pick_device(configs[0].training.device)
    if reason := why_alone(configs[0], dataset.sequences.n_items, device):
        raise UserError(f"these runs cannot be stacked: {reason}; train them with --no-stack")
    for config, out in zip(configs, outs, strict=True):
        resumption.refuse(config, out, resume=resume, overwrite=overwrite)
    with torch_settings(configs[0].training), ExitStack() as held:
        runs, source = list[Run](), None
        for config, out, told in zip(configs, outs, progress, strict=True):
            if not (resume and resumption.is_complete(config, out)):
                runs.append(Run(Trainer(config, dataset, device, source=source), dataset, out, told))
                source = runs[0].trainer.source
        for run in runs:
            held.enter_context(sole_writer(run.out))
        for run in runs:
            checkpoint.prepare(run.config, run.out, resume=resume, overwrite=overwrite, stacked=True)
        return StackedRuns(runs).go()


class StackedRuns:
    """Runs on their way; each is a `degen.training.loop.Run` that measures and writes as it does alone."""

    def __init__(self, runs: Sequence[Run]):
        self.active = list(runs)
        self.failures: dict[Path, UserError] = {}
        self.n_runs = len(self.active)

    def go(self) -> dict[Path, UserError]:
        """Train all to their ends; return what some failed with."""
        for run in list(self.active):
            self._attempt(run, run.begin)
        stack, stacked = None, list[Run]()
        with deferred_interrupt() as interrupted:
            while self._retire():
                earliest = min(len(run.rows) for run in self.active)
                group = [run for run in self.active if len(run.rows) == earliest]
                if stack is None or group != stacked:
                    stack, stacked = Stack([run.trainer for run in group]), group
                self._epoch(stack, group, interrupted)
        return self.failures

    def _attempt(self, run: Run, action: Callable[..., None], *given: object) -> None:
        """Do something for a run; if it fails, the run leaves and its error is kept for the end."""
        if run.out in self.failures:
            return
        try:
            action(*given)
        except UserError as error:
            self.failures[run.out] = error
            self.active.remove(run)

    def _retire(self) -> bool:
        """Test the runs that are finished and let them go; whether any is left."""
        finished = [run for run in self.active if run.finished]
        for run in finished:
            self._attempt(run, run.test)
        self.active = [run for run in self.active if run not in finished]
        return bool(self.active)

    def _epoch(self, stack: Stack, group: list[Run], interrupted: threading.Event) -> None:
        started = shown = time.perf_counter()
        number, steps, trainer = len(group[0].rows) + 1, group[0].steps_now, group[0].trainer
        with float32_products(trainer.precision, trainer.device):
            epoch = stack.epoch(number, steps)
            pairs = list(zip(group, epoch.epochs, strict=True))
            for step in range(1, steps + 1):
                epoch.step()
                for run in group:
                    run.steps += 1
                self._stop_if(interrupted)
                fresh = time.perf_counter() - shown > 1
                shown = time.perf_counter() if fresh else shown
                for run, own in pairs:
                    self._attempt(run, _show, run, own, step, fresh)
        epoch.sums.tolist()  # waits for the device, so that the clock is right
        seconds = time.perf_counter() - started
        for run, own in pairs:
            self._attempt(run, _close, run, own, seconds)
        self._stop_if(interrupted)

    def _stop_if(self, interrupted: threading.Event) -> None:
        if interrupted.is_set() and self.active:
            out = self.active[0].out if self.n_runs == 1 else self.active[0].out.parent
            raise Interrupted(out, min(len(run.rows) for run in self.active))


def _show(run: Run, epoch: Epoch, step: int, fresh: bool) -> None:
    run.progress.step(len(run.rows) + 1, step, epoch.mean_losses() if fresh else {})


def _close(run: Run, epoch: Epoch, train_seconds: float) -> None:
    run.close_epoch(epoch.mean_losses(), epoch.samples, train_seconds)


def raise_failures(failures: Mapping[Path, UserError], n_runs: int) -> None:
    """Raise what went wrong, now that all other runs have ended; nothing where nothing did."""
    if not failures:
        return
    if len(failures) == n_runs and len({str(error) for error in failures.values()}) == 1:
        raise next(iter(failures.values()))
    said = "; ".join(f"{out}: {error}" for out, error in failures.items())
    raise UserError(f"{len(failures)} of {n_runs} runs failed ({said}); the others are whole")
