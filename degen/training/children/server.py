"""The server process that children start from, which imports PyTorch once; light itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing.context import BaseContext, ForkServerContext
from multiprocessing.process import current_process
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

PRELOADED = ["degen.training.children.inside", "torch._dynamo"]
"""Modules that the server imports; the second is imported by every optimiser when it is made."""

_starting = Lock()


@cache
def context() -> BaseContext:
    """Return the way in which children start; macOS offers a server too, but its libraries dislike forks."""
    if "forkserver" not in multiprocessing.get_all_start_methods() or sys.platform == "darwin":
        return multiprocessing.get_context("spawn")
    served = multiprocessing.get_context("forkserver")
    served.set_forkserver_preload(PRELOADED)
    return served


def start_server() -> None:
    """Let the server begin its imports, while this process goes on with its own."""
    if isinstance(context(), ForkServerContext):
        from multiprocessing.forkserver import ensure_running

        ensure_running()


@contextmanager
def as_any_caller() -> Iterator[None]:
    """Start a process as if from a process without a script, and from one that is no daemon.

    `multiprocessing` would import the caller's script in the child, which trains again if it has no guard.
    It also refuses children of daemons, such as Dask's workers; ours notice their parent's end by themselves.
    """
    settings = current_process()._config  # type: ignore[attr-defined]
    with _starting:
        script, daemon = sys.modules["__main__"], settings.pop("daemon", None)
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = script
            if daemon is not None:
                settings["daemon"] = daemon


def stand_where(folder: Path, environment: dict[str, str]) -> None:
    """Take the working folder and the environment variables of the parent; the server's may be older."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


@contextmanager
def calling(
    function: Callable[..., Any], *arguments: Any, beside: bool, **named: Any
) -> Iterator[Callable[[], Any]]:
    """Call a function, in another process while the block runs where `beside`; yields a way to its result."""
    if not beside:
        result = function(*arguments, **named)
        yield lambda: result
        return
    place = (Path.cwd(), dict(os.environ))
    with ProcessPoolExecutor(1, context(), initializer=_begin_call, initargs=place) as pool:
        with as_any_caller():
            future = pool.submit(function, *arguments, **named)
        yield future.result


def _begin_call(folder: Path, environment: dict[str, str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and with it the pool
    stand_where(folder, environment)
