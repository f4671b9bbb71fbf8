"""Workers as tasks of a Dask cluster: of a scheduler, of the active client, or of one made here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from degen.analysis.passes.dask_rows import connected
from degen.errors import UserError
from degen.modules import IMPORTED
from degen.sweeps.engines.local import worker_command
from degen.sweeps.worker import ask_to_leave


def work_one(out: str, threads: int, modules: Sequence[str] = ()) -> None:
    """Run a worker as a process of the machine that this task is on; it ends with Dask's own process."""
    done = subprocess.run(
        worker_command(Path(out), threads, os.getpid(), modules),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1])


class DaskEngine:
    """Tasks of a Dask cluster whose machines share the folder of the study."""

    def __init__(self, out: Path, workers: int, threads: int, scheduler: str | None):
        self.out, self.workers, self.threads = out, workers, threads
        self.tasks: list[Any] = []
        self.asked = 0
        self.open = ExitStack()
        self.open.enter_context(connected(scheduler))
        self.client = self._client(scheduler)

    def _client(self, scheduler: str | None) -> Any:
        from distributed import Client, LocalCluster, get_client

        try:
            return get_client()
        except ValueError:
            cluster: Any = LocalCluster  # its types are those of another Dask
            made = self.open.enter_context(
                cluster(self.workers, threads_per_worker=1, processes=False, dashboard_address=None)
            )
            client: Any = Client
            return self.open.enter_context(client(made))

    @property
    def running(self) -> int:
        """Number of tasks that are not done."""
        return sum(not task.done() for task in self.tasks)

    def tend(self, free: int) -> None:
        """Submit workers while there are free runs.

        Raises
        ------
        UserError
            if a worker ends in an error.
        """
        for task in [task for task in self.tasks if task.done()]:
            self.tasks.remove(task)
            if task.status == "error":
                raise UserError(f"a worker on the Dask cluster ended in an error: {task.exception()}")
        for _ in range(min(free, self.workers - len(self.tasks))):
            self.tasks.append(
                self.client.submit(
                    work_one,
                    str(self.out.absolute()),
                    self.threads,
                    list(IMPORTED),
                    pure=False,
                    retries=2,
                )
            )

    def leave(self) -> None:
        """Ask the workers by a file to finish their epoch and leave; asked again, they leave at once."""
        self.asked += 1
        ask_to_leave(self.out, at_once=self.asked > 1)

    def close(self) -> None:
        """End what still runs, and part from the cluster."""
        if self.running:
            ask_to_leave(self.out, at_once=True)
        self.open.close()
