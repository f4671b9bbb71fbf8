"""The parent's part of a child process: start it, hear it, stop it.

Children start from a server process that has imported PyTorch once (`forkserver`), where the system has one;
elsewhere each imports it by itself (`spawn`). In neither way is the caller's script imported by the child, so
that a script needs no `if __name__ == "__main__"`.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from typing import Any

from degen.errors import UserError
from degen.model.variants import REGISTERED, get_variant
from degen.training.children.inside import Task, train_for_parent
from degen.training.children.server import as_any_caller, context
from degen.training.run import Progress


class BrokenChild(UserError):
    """A child process met with a fault of degen, or was killed; `trace` is its traceback, or empty."""

    def __init__(self, message: str, trace: str = ""):
        super().__init__(message)
        self.trace = trace


class Child:
    """A run that trains in a process of its own.

    Attributes
    ----------
    ended
        whether the process has sent its last word, or died.
    failure
        the error that the run ended with, or None.
    stopped
        whether Ctrl-C ended it before it was whole.
    epochs
        number of whole epochs, as far as they were told.
    """

    def __init__(self, task: Task, progress: Progress):
        self.task, self.progress = task, progress
        self.ended, self.stopped, self.epochs = False, False, 0
        self.failure: UserError | None = None
        self._ready = self._interrupted = False
        self.connection, theirs = context().Pipe(duplex=False)
        # A daemon is ended when this process ends in good order; if that is killed, the child sees it itself.
        self.process = context().Process(  # type: ignore[attr-defined]
            target=train_for_parent, args=(self.task, theirs), name=f"degen {task.out.name}", daemon=True
        )
        with as_any_caller():
            self.process.start()
        theirs.close()

    def hear(self) -> None:
        """Take the next message, and call `progress` or note the end."""
        try:
            word, *values = self.connection.recv()
        except (EOFError, OSError):
            self._died()
            return
        match word:
            case "ready":
                self._ready = True
                if self._interrupted:
                    self._signal()
            case "begin":
                dataset: Any = values[0] or self.task.dataset
                self.epochs = values[2]
                self.progress.begin(dataset, *values[1:])
            case "pretrain" | "step" | "epoch" | "end" | "warn":
                self.epochs = values[0]["epoch"] if word == "epoch" else self.epochs
                getattr(self.progress, word)(*values)
            case _:
                self._end(word, *values)

    def interrupt(self) -> None:
        """Pass the first Ctrl-C on: the child ends after its step."""
        if self._ready and not self._interrupted:
            self._signal()
        self._interrupted = True

    def close(self) -> None:
        """End the process if it still lives, and free what belongs to it."""
        if not self.ended:
            self.process.terminate()
        self.process.join()
        self.connection.close()

    def _signal(self) -> None:
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, signal.SIGINT)

    def _end(self, word: str, *values: Any) -> None:
        self.ended = True
        if word == "stopped":
            self.stopped, self.epochs = True, self.epochs if values[0] is None else values[0]
        elif word == "refused":
            self.failure = UserError(values[0])
        elif word == "broken":
            last = values[0].rstrip().rsplit("\n", 1)[-1]
            self.failure = BrokenChild(
                f"the training process met with a fault of degen, {last}; please report it", values[0]
            )

    def _died(self) -> None:
        self.ended = True
        self.process.join()
        if self._interrupted:
            self.stopped = True
            return
        code = self.process.exitcode or 0
        how = f"ended with exit code {code}"
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
            how += ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
        self.failure = BrokenChild(
            f"the training process {how}; `resume=True` goes on after the last whole epoch"
        )


def with_variant(task: Task) -> Task:
    """Add the variant to a task if it was registered, because the child has to register it too.

    Raises
    ------
    UserError
        if the variant's functions are where no other process finds them.
    """
    variant = get_variant(task.config.objective.variant)
    if variant.name.lower() not in REGISTERED:
        return task
    try:
        with as_any_caller():
            ForkingPickler.dumps(variant)
    except Exception as error:  # of several kinds, and anyone's
        raise UserError(
            f"variant '{variant.name}' cannot be sent to another process ({error}); define its functions at "
            "the top of a module of their own and import it, or train with `workers=1`"
        ) from error
    return replace(task, variant=variant)
