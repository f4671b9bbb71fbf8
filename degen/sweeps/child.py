"""Training of planned runs in a child process: its memory, crashes and CUDA contexts end with it.

The child ends when the worker that started it does, however that dies. It tells its end by its exit code, and
what went wrong by the last lines of its stderr.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.config.schema import Config
from degen.config.settle import settle
from degen.errors import UserError
from degen.modules import IMPORTED, import_modules
from degen.runs import directory
from degen.runs.lock import sole_writer
from degen.runs.manifest import keeping

if TYPE_CHECKING:
    from degen.training.run import Progress

FAULT, MISTAKE, STOPPED = 1, 2, 130
"""Exit codes of a child: a fault of degen, an error of the user's, stopped between two epochs."""

ASK = signal.SIGUSR1
"""Signal that asks workers and children to stop after the epoch."""


@dataclass(frozen=True)
class Order:
    """One run for a child: its configuration and its folder."""

    config: Config
    run: Path


def start(orders: Sequence[Order], errors: Path) -> BaseProcess:
    """Start a child that trains runs, several as one stack where they can be; its stderr goes to a file."""
    # A fork spares the child the imports of PyTorch. It is safe on the CPU because a worker has no threads
    # and has computed nothing. CUDA cannot be used in a fork of a process that has asked for its devices.
    method = "spawn"
    if sys.platform == "linux" and all(_on_cpu(order.config) for order in orders):
        method = "fork"
        for name in (
            "torch._dynamo",
            "degen.training.plan",
        ):  # the optimizer imports the first when it is made
            import_module(name)
    context: Any = multiprocessing.get_context(method)
    child: BaseProcess = context.Process(target=_main, args=(list(orders), errors, list(IMPORTED)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's idle threads, from Python 3.12 on
        child.start()
    return child


def _on_cpu(config: Config) -> bool:
    """Return whether a run trains on the CPU."""
    import torch

    device = config.training.device
    return device == "cpu" or (device == "auto" and torch.cuda.device_count() == 0)


def finish_epoch(child: BaseProcess) -> None:
    """Ask a child to stop at the end of its epoch."""
    if child.pid is not None and child.is_alive():
        os.kill(child.pid, ASK)


def _main(orders: list[Order], errors: Path, modules: list[str]) -> None:
    from degen.training.children.inside import end_with_parent  # brings PyTorch

    stop = threading.Event()
    signal.signal(ASK, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to pass on
    with errors.open("w") as file:
        os.dup2(file.fileno(), 2)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    threading.Thread(target=end_with_parent, daemon=True).start()
    import_modules(modules)  # a child that was not forked has none of the user's variants yet
    sys.exit(_trained(orders, stop))


def _trained(orders: list[Order], stop: threading.Event) -> int:
    from degen.training.plan import train_many
    from degen.training.run import Interrupted

    @contextmanager
    def watch(group: Sequence[Config]) -> Iterator[list[Progress]]:
        yield [_progress(next(order for order in orders if order.config == config), stop) for config in group]

    try:
        train_many(
            [order.config for order in orders], [order.run for order in orders], resume=True, progress=watch
        )
    except Interrupted:
        return STOPPED
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        return MISTAKE
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        return FAULT
    return 0


def _progress(order: Order, stop: threading.Event) -> Progress:
    from degen.training.run import Interrupted, Progress

    class Watched(Progress):
        def warn(self, sentence: str) -> None:
            """Leave warnings to `degen runs`: the last line of stderr says why a run failed."""

        def pretrain(self, row: dict[str, Any]) -> None:
            if stop.is_set():
                raise Interrupted(order.run, 0)

        def epoch(self, row: dict[str, Any]) -> None:
            if stop.is_set():
                raise Interrupted(order.run, row["epoch"])

    return Watched()


def same_cell(config: Config, run: Path) -> None:
    """Let an unfinished run of the same cell go on whose log was named by another path, or read otherwise.

    Raises
    ------
    UserError
        if another process trains into the run directory.
    """
    if directory.is_run(run):
        with sole_writer(run), keeping(run):
            there = settle(run / directory.CONFIG)
            if there.data != config.data:
                there.model_copy(update={"data": config.data}).write(run / directory.CONFIG)
