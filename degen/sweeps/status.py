"""The state of a study: which runs are done, failed, at work or free, read from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from degen.runs import directory
from degen.runs.study import DONE, PlannedRun, read_failure
from degen.sweeps.claims import claim_of, is_live
from degen.sweeps.worker import TRIES, is_free


@dataclass(frozen=True)
class Status:
    """The runs of a plan by their state; every run is in one of the lists."""

    done: list[PlannedRun]
    failed: list[PlannedRun]
    running: list[PlannedRun]
    free: list[PlannedRun]

    @property
    def total(self) -> int:
        """Number of runs of the plan."""
        return len(self.done) + len(self.failed) + len(self.running) + len(self.free)

    @property
    def ended(self) -> bool:
        """Return whether nothing is left to do."""
        return not self.running and not self.free

    def epochs(self) -> int:
        """Return the number of epochs that runs at work have finished."""
        return sum(finished_epochs(planned) for planned in self.running)


def finished_epochs(planned: PlannedRun) -> int:
    """Return the number of epochs that a run has finished, of pre-training too."""
    count = 0
    for name in (directory.PRETRAIN_METRICS, directory.METRICS):
        with suppress(OSError):
            count += (planned.run / name).read_bytes().count(b"\n")
    return count


def read_status(out: Path, plan: Sequence[PlannedRun]) -> Status:
    """Read the state of every run of a plan."""
    status = Status([], [], [], [])
    finished = {path.name for path in (out / DONE).iterdir()} if (out / DONE).is_dir() else set()
    for planned in plan:
        if planned.name in finished:
            status.done.append(planned)
        elif is_live(claim_of(planned.run)):
            status.running.append(planned)
        elif read_failure(out, planned.name)[1] >= TRIES:
            status.failed.append(planned)
        elif is_free(out, planned):
            status.free.append(planned)
        else:  # finished within the last moment, or trained for another study
            status.running.append(planned)
    return status
