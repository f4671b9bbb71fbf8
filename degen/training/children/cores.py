"""Number of children and threads that the machine has room for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from degen.config.schema import Config
from degen.errors import UserError, counted


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers_for(configs: Sequence[Config]) -> int:
    """Return how many of the runs can train side by side with the threads they have, one by default."""
    from degen.device import pick_device  # it loads PyTorch, and the commands count cores before that

    if any(pick_device(config.training.device).type != "cpu" for config in configs):
        return 1
    threads = max(config.training.threads or 1 for config in configs)
    return max(1, min(len(configs), available_cores() // threads))


def share_cores(configs: Sequence[Config], workers: int, note: Callable[[str], None]) -> list[Config]:
    """Return configurations for `workers` runs at once: one thread each, where they say nothing else.

    More threads in all than cores slow all runs down. They are refused, or allowed with a note where
    `training.threads` is given.

    Raises
    ------
    UserError
        if the runs would have more threads than there are cores.
    """
    cores, given = available_cores(), max(config.training.threads or 0 for config in configs)
    if workers * max(given, 1) > cores:
        if not given:
            raise too_many(workers, 1, "`threads=1`")
        note(
            f"{counted(workers, 'run')} at once with {counted(given, 'thread')} each, on "
            f"{counted(cores, 'core')}: they slow one another down"
        )
    return [
        config.model_copy(
            update={"training": config.training.model_copy(update={"threads": config.training.threads or 1})}
        )
        for config in configs
    ]


def too_many(workers: int, threads: int, all_the_same: str) -> UserError:
    """Return the refusal of more threads than there are cores, with the argument that allows them."""
    cores = available_cores()
    each = f" with {threads} threads each" if threads > 1 else ""
    return UserError(
        f"`workers={workers}`{each} is more than the {counted(cores, 'core')} of this machine; give "
        f"`workers={max(1, cores // threads)}` or fewer, or add {all_the_same} to start them all the same"
    )
