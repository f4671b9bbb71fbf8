"""The server process that children start from, which imports PyTorch once; light itself."""

from __future__ import annotations

import multiprocessing
import sys
from functools import cache
from multiprocessing.context import BaseContext, ForkServerContext

PRELOADED = ["degen.training.children.inside", "torch._dynamo"]
"""Modules that the server imports; the second is imported by every optimiser when it is made."""


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
