"""A worker: train the next free run of a plan in a child process, until none is left.

Every engine starts workers and nothing more. They agree by claims (`degen.sweeps.claims`), so that any number
on any machines may work on one plan, come and go. A run is done when its file in `done/` is written, and it
goes on by epochs wherever an earlier worker was stopped or killed.

SIGUSR1, SIGTERM or SIGINT ask a worker to leave: the epoch is finished and the claim dropped. A second one
ends the child at once.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from degen.config.schema import Config
from degen.errors import UserError
from degen.files.writing import write_json, write_text
from degen.runs.directory import RunDirectory
from degen.runs.lock import OCCUPIED, is_held
from degen.runs.study import DONE, FAILED, PlannedRun, read_failure, read_plan
from degen.sweeps import child
from degen.sweeps.cells import refuse_other_settings
from degen.sweeps.claims import RENEWED_EVERY, Claim, claim_of, is_live, take
from degen.sweeps.packing import companions

TRIES = 3
"""Number of times that a run which fails is tried."""

TICK = 0.1
"""Seconds between two looks at the child."""

LEAVE = "leave"
"""File of a study that asks all of its workers to leave, where no signal reaches them."""

LINES = 20
"""Number of lines of stderr that are kept of a run that failed."""


def ask_to_leave(out: Path, *, at_once: bool) -> None:
    """Ask the workers of a study, wherever they are, to finish their epoch and leave, or to leave at once."""
    write_text(out / LEAVE, "at once" if at_once else "after the epoch")


def tries(out: Path, name: str) -> int:
    """Return how often a run has failed."""
    return read_failure(out, name)[1]


def is_free(out: Path, planned: PlannedRun) -> bool:
    """Return whether a run is still to be trained and nobody trains it, here or for another study."""
    return (
        not (out / DONE / planned.name).exists()
        and tries(out, planned.name) < TRIES
        and not is_live(claim_of(planned.run))
        and not is_held(planned.run)
    )


Claimed = dict[str, tuple[PlannedRun, Claim]]
"""Runs that a worker trains at once, each with its claim, by name."""


class Worker:
    """A process that works on a plan."""

    def __init__(self, out: Path, *, threads: int | None = None, parent: int | None = None):
        self.out, self.threads, self.parent = out, threads, parent
        self.asked_to_leave = 0

    def work(self) -> None:
        """Train the free runs of the plan one after another, those that have failed last."""
        for number in (child.ASK, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._leave)
        plan = read_plan(self.out)
        self._read_leave()
        while not self.asked_to_leave and self._parent_lives():
            free = [planned for planned in plan if is_free(self.out, planned)]
            free.sort(key=lambda planned: tries(self.out, planned.name))
            for planned in free:
                if claim := take(claim_of(planned.run)):
                    claimed = {planned.name: (planned, claim)}
                    try:
                        self._claim_companions(claimed, free)
                        self._train([planned for planned, _ in claimed.values()], claimed)
                    finally:
                        for _, claim in claimed.values():
                            claim.release()
                    break
            else:
                return

    def _leave(self, *_: object) -> None:
        self.asked_to_leave += 1

    def _parent_lives(self) -> bool:
        return self.parent is None or os.getppid() == self.parent

    def _read_leave(self) -> None:
        """Look for the file that asks to leave."""
        with suppress(OSError):
            text = (self.out / LEAVE).read_text(encoding="utf-8")
            self.asked_to_leave = max(self.asked_to_leave, 2 if text == "at once" else 1)

    def _claim_companions(self, claimed: Claimed, free: list[PlannedRun]) -> None:
        """Claim the free runs that a GPU trains together with the one that is claimed; none on a CPU.

        A run that has failed trains alone: it may have been the one that took a whole stack with it.
        """
        (planned, _), *_ = claimed.values()
        config = self._config(planned)
        if config.training.device == "cpu" or tries(self.out, planned.name):
            return
        others = [other for other in free if other.name != planned.name and not tries(self.out, other.name)]
        for number in companions(config, [self._config(other) for other in others]) if others else []:
            other = others[number]
            if claim := take(claim_of(other.run)):
                claimed[other.name] = other, claim

    def _train(self, claimed: Sequence[PlannedRun], claims: Claimed) -> None:
        """Train claimed runs, several as one stack, and write how they ended."""
        orders: dict[str, child.Order] = {}
        for planned in claimed:
            # What another worker finished between the look at the folder and the claim is not done again.
            if not (self.out / DONE / planned.name).exists():
                orders |= self._order(planned)
        if not orders:
            return
        handle, name = tempfile.mkstemp(prefix="degen-", suffix=".stderr")
        os.close(handle)
        errors = Path(name)
        try:
            process = child.start(list(orders.values()), errors)
            code = self._ended(process, [claim for _, claim in claims.values()])
            lines = errors.read_text(errors="replace").splitlines()
        finally:
            errors.unlink(missing_ok=True)
        # A run that another process trains at this moment has not failed.
        stopped = code == child.STOPPED or any(OCCUPIED in line for line in lines)
        for planned in claimed:
            if planned.name in orders and RunDirectory(planned.run).state == "finished":
                write_done(self.out, planned)
            elif planned.name in orders and not stopped:
                write_failed(self.out, planned, code, lines)

    def _order(self, planned: PlannedRun) -> dict[str, child.Order]:
        """Return the order of a run by its name; none, with its file, where it is finished or refused."""
        config = self._config(planned)
        try:
            refuse_other_settings(config, planned.run)
            if RunDirectory(planned.run).state == "finished":  # by another study
                write_done(self.out, planned)
                return {}
            child.same_cell(config, planned.run)
        except UserError as error:
            if OCCUPIED not in str(error):
                write_failed(self.out, planned, child.MISTAKE, [str(error)])
            return {}
        return {planned.name: child.Order(config, planned.run)}

    def _config(self, planned: PlannedRun) -> Config:
        config = Config.model_validate(planned.config)
        if self.threads is None:
            return config
        training = config.training.model_copy(update={"threads": self.threads})
        return config.model_copy(update={"training": training})

    def _ended(self, process: BaseProcess, claims: list[Claim]) -> int:
        """Wait for a child, and return its exit code; `STOPPED` where this worker ended it."""
        renewed = asked = time.monotonic()
        while process.is_alive():
            process.join(TICK)
            self._read_leave()
            if time.monotonic() - renewed > RENEWED_EVERY:
                renewed = time.monotonic()
                if not all([claim.renew() for claim in claims]):
                    return _killed(process)
            if not self._parent_lives() or self.asked_to_leave > 1:
                return _killed(process)
            # Again and again, because a child that has just started does not hear it.
            if self.asked_to_leave and time.monotonic() > asked:
                asked = time.monotonic() + 1
                child.finish_epoch(process)
        if self.asked_to_leave and process.exitcode == -child.ASK:
            return child.STOPPED
        return process.exitcode or 0


def _killed(process: BaseProcess) -> int:
    process.kill()
    process.join()
    return child.STOPPED


def write_done(out: Path, planned: PlannedRun) -> None:
    """Write the file of a finished run: what it took, and on what it was trained."""
    run = RunDirectory(planned.run)
    known, rows = run.environment, [*run.pretraining, *run.metrics]
    seconds = sum(float(row.get(name, 0)) for row in rows for name in ("train_seconds", "eval_seconds"))
    done: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "device": known.get("device"),
        "cpu": known.get("cpu"),
        "commit": known.get("commit"),
        "version": known.get("degen"),
        "threads": known.get("threads"),
        "torch": known.get("torch"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(out / DONE / planned.name, done)
    (out / FAILED / planned.name).unlink(missing_ok=True)


def write_failed(out: Path, planned: PlannedRun, code: int, stderr: Sequence[str]) -> None:
    """Write the sentence and the last lines of a run that failed, and count the tries."""
    tail = [line for line in stderr if line.strip()][-LINES:]
    if code < 0:
        with suppress(ValueError):
            tail.append(f"ended by {signal.Signals(-code).name}, perhaps for want of memory")
    sentence = tail[-1].strip() if tail else f"ended with exit code {code}"
    failed = {"sentence": sentence, "stderr": tail, "tries": tries(out, planned.name) + 1}
    write_json(out / FAILED / planned.name, failed)
