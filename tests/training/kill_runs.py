"""Kill a tiny run before each of its writes in turn; started by test_loop.py as a process of its own.

    python kill_runs.py LOG FOLDER [BASELINE]

FOLDER/0, FOLDER/1, … are what is left on disk when a run is killed while its first, second, … file is being
written: half a file under its temporary name. One more folder holds the run that nothing killed. This
process forks before torch has started any thread.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tiny_runs

from degen.config.baseline import without_unused
from degen.config.schema import Config
from degen.config.settle import by_group, merge, settle
from degen.training.loop import train

SETTINGS = {"epochs": 2, "steps_per_epoch": 3, "keep_embeddings": 1}
OF_BASELINES = {"s3rec-mip": {"pretrain_epochs": 3, "pretrain_every": 2}}
KILLED = 9


def config(log: Path, baseline: str | None = None) -> Config:
    """The configuration of the run, duorec's or a baseline's."""
    if baseline is None:
        return tiny_runs.tiny_config(log, **SETTINGS)
    tiny = by_group({"dataset": str(log), **tiny_runs.SETTINGS, **SETTINGS, "keep_embeddings": None})
    kept, _ = without_unused(baseline, tiny)
    return settle(options=merge(kept, by_group({"variant": baseline, **OF_BASELINES[baseline]})))


def train_until(writes: int, log: Path, out: Path, baseline: str | None) -> None:
    """Train in this process; the write after `writes` of them into `out` is its end."""
    replace, done = Path.replace, [0]

    def replace_or_die(temporary: Path, target: Path) -> Path:
        if out in Path(target).parents:
            if done[0] == writes:
                os.truncate(temporary, temporary.stat().st_size // 2)
                os._exit(KILLED)
            done[0] += 1
        return replace(temporary, target)

    Path.replace = replace_or_die
    train(config(log, baseline), out)
    os._exit(0)


def main(log: Path, folder: Path, baseline: str | None = None) -> None:
    """Fork a run after another until one is not killed."""
    import_module("torch._dynamo")  # what an optimiser imports when it is made: once, not in every fork
    code, writes = KILLED, 0
    while code == KILLED:
        child = os.fork()
        if child == 0:
            train_until(writes, log, folder / str(writes), baseline)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        writes += 1
    sys.exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
