"""Inside of a child process: train one run, and tell the parent of its progress and of its end.

A child sends tuples, a word and its values: `ready`, then a word for each method of `Progress` with its
arguments, and at last one of

    trained                   the run is whole
    stopped   epochs | None   Ctrl-C: `epochs` whole epochs are on disk, where that is known
    refused   sentence        a `UserError`
    broken    traceback       any other exception
"""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from degen.config.schema import Config
from degen.data.load import Dataset
from degen.errors import UserError
from degen.model.variants import REGISTERED, Variant, register
from degen.training.children.server import stand_where
from degen.training.loop import train
from degen.training.run import Interrupted, Progress


@dataclass(frozen=True)
class Task:
    """A run to train, with what a child needs to know of its parent.

    Attributes
    ----------
    config, out, resume, overwrite, dataset
        as in `degen.training.loop.train`; the child reads the log where `dataset` is None.
    variant
        the variant of the configuration where it was registered, which the child has to do as well.
    folder, environment
        working folder and environment variables of the parent.
    """

    config: Config
    out: Path
    resume: bool = False
    overwrite: bool = False
    dataset: Dataset | None = None
    variant: Variant | None = None
    folder: Path = field(default_factory=Path.cwd)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))


class _Teller(Progress):
    """Progress that is sent to the parent; `log_is_known` there needs no copy of the log."""

    def __init__(self, parent: connection.Connection, log_is_known: bool):
        self.parent, self.log_is_known = parent, log_is_known

    def tell(self, word: str, *values: Any) -> None:
        """Send a message, or end where nobody hears it any more."""
        try:
            self.parent.send((word, *values))
        except OSError:
            os._exit(1)

    def begin(self, dataset: Dataset, config: Config, epochs_done: int, steps_per_epoch: int) -> None:
        """Send the log, where the parent has not read it, and the number of steps."""
        self.tell("begin", None if self.log_is_known else dataset, config, epochs_done, steps_per_epoch)

    def pretrain(self, row: dict[str, Any]) -> None:
        """Send the line of an epoch of pre-training."""
        self.tell("pretrain", row)

    def step(self, epoch: int, step: int, losses: dict[str, Any]) -> None:
        """Send that a step is done."""
        self.tell("step", epoch, step, losses)

    def epoch(self, row: dict[str, Any]) -> None:
        """Send an epoch's line."""
        self.tell("epoch", row)

    def end(self, test: dict[str, Any]) -> None:
        """Send the test result."""
        self.tell("end", test)

    def warn(self, sentence: str) -> None:
        """Send a warning."""
        self.tell("warn", sentence)


def train_for_parent(task: Task, parent: connection.Connection) -> None:
    """Train the run of a task and tell the parent everything."""
    _part_from_parent()
    stand_where(task.folder, task.environment)
    teller = _Teller(parent, task.dataset is not None)
    teller.tell("ready")
    try:
        if task.variant is not None and task.variant.name.lower() not in REGISTERED:
            register(task.variant)
        train(
            task.config,
            task.out,
            resume=task.resume,
            overwrite=task.overwrite,
            progress=teller,
            dataset=task.dataset,
        )
        teller.tell("trained")
    except Interrupted as stop:
        teller.tell("stopped", stop.epochs)
    except KeyboardInterrupt:
        teller.tell("stopped", None)
    except UserError as error:
        teller.tell("refused", str(error))
    except Exception:
        teller.tell("broken", traceback.format_exc())


def _part_from_parent() -> None:
    """Leave Ctrl-C to the parent, which passes it on, and end at once when the parent has died."""
    # A terminal sends Ctrl-C to a whole group of processes; twice heard, it would cut a step in half.
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()


def end_with_parent() -> None:
    """Wait for the parent's end. Files are written whole or not at all, so there is nothing to tidy up."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
