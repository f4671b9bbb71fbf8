"""Workers as processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from degen.errors import UserError
from degen.modules import IMPORTED
from degen.training.children.cores import available_cores, too_many

LOG = "workers.log"
"""File of a study in which the workers' own errors are."""

MOST_FAULTS = 3
"""Number of workers that may end in an error one after another before the engine gives up."""


def worker_command(
    out: Path,
    threads: int | None = None,
    parent: int | None = None,
    modules: Sequence[str] | None = None,
) -> list[str]:
    """Return the command of a worker: what every engine starts. `modules` are by default this process's."""
    # Without -P a `degen` or `torch` in the current folder would be run in place of the installed one.
    command = [sys.executable, "-P", "-m", "degen", "sweep-work", str(out.absolute())]
    for option, value in (("--threads", threads), ("--parent", parent)):
        command += [] if value is None else [option, str(value)]
    for module in IMPORTED if modules is None else modules:
        command += ["--import", module]
    return command


def check_cores(workers: int, threads: int) -> None:
    """Refuse more threads than there are cores, which would slow all of them."""
    if workers * threads > available_cores():
        raise too_many(workers, threads, "`oversubscribe=True`")


class LocalEngine:
    """Processes of this machine, started again where they are killed; they end with this one."""

    def __init__(self, out: Path, workers: int, threads: int):
        self.out, self.workers, self.threads = out, workers, threads
        self.processes: list[subprocess.Popen[bytes]] = []
        self.faults = 0

    @property
    def running(self) -> int:
        """Number of workers that live."""
        return sum(process.poll() is None for process in self.processes)

    def tend(self, free: int) -> None:
        """Start workers while there are free runs, up to their number.

        Raises
        ------
        UserError
            if workers end in an error one after another.
        """
        for process in [process for process in self.processes if process.poll() is not None]:
            self.processes.remove(process)
            # A killed worker is started again; one that ends in an error would do so for ever.
            self.faults = self.faults + 1 if process.returncode > 0 else 0
        if self.faults >= MOST_FAULTS:
            lines = (self.out / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
            raise UserError(
                f"workers end in an error: {(lines or ['no message'])[-1]} (see {self.out / LOG})"
            )
        for _ in range(min(free, self.workers - len(self.processes))):
            self.processes.append(self._start())

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        with (self.out / LOG).open("ab") as log:
            return subprocess.Popen(
                worker_command(self.out, self.threads, os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # a terminal's Ctrl-C reaches this process, which asks them to leave
            )

    def leave(self) -> None:
        """Ask the workers to finish their epoch and leave; asked again, they leave at once."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
