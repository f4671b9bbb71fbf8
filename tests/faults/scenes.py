"""Work that is killed: what it starts from, how it starts and goes on, and what it must leave in the end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tiny_runs

Words = list[str]
TINY = ["--epochs", "3", "--dim", "8", "--max-length", "8", "--batch-size", "32", "--device", "cpu"]
TINY += ["--input-format", "sequences", "--min-user", "0", "--min-item", "0", "--threads", "1", "--quiet"]
TINY += ["--set", "model.feed_forward=16"]


@dataclass(frozen=True)
class Scene:
    """Work of one kind.

    Attributes
    ----------
    start
        words of the command, in a folder that holds `toy.txt` and, where `after` is given, a finished run.
    resume
        words that are added where it goes on.
    out
        the folder, or file, that it writes.
    after
        whether it needs the finished run `run`.
    own
        started as a process of its own, since it starts others; else forked.
    """

    start: Words
    out: str
    resume: Sequence[str] = ()
    after: bool = False
    own: bool = False

    def begin(self, *, again: bool) -> None:
        """Do the work in this process, in the current folder."""
        if self.start[0] == "monitor":
            from degen.errors import one_sentence

            with one_sentence("degen"):
                record(Path(self.out))
            return
        from degen.cli.app import main

        sys.argv = ["degen", *self.start, *(self.resume if again else ())]
        main()


def record(out: Path) -> None:
    """Record a loop that is not degen's, or go on; what it records follows from the epoch."""
    from degen import Monitor

    frequency = np.arange(20)
    with Monitor(out, item_frequency=frequency, resume=True, keep_embeddings=1) as monitor:
        for epoch in range(len(monitor.rows) + 1, 6):
            values = np.random.default_rng(epoch).normal(size=(20, 4)).astype(np.float32)
            monitor.record(epoch, values, metrics={"NDCG@10": epoch / 10})
        monitor.finish({"NDCG@10": 0.5})


def _train(variant: str, *more: str) -> Words:
    return ["train", "--dataset", "toy.txt", "--variant", variant, *TINY, *more]


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "degen"]
TRACED = ("--trace-gradients", "--keep-embeddings", "1", "--out", "run")

SCENES: dict[str, Scene] = {
    "train": Scene(_train("scl", "--out", "run"), "run", ["--resume"]),
    "train, traced": Scene(_train("duorec", *TRACED), "run", ["--resume"]),
    "train, stacked": Scene(
        _train("scl", "--seeds", "0-1", "--stack", "--out", "runs"), "runs", ["--resume"]
    ),
    "train, two processes": Scene(_train("sasrec", "--out", "run"), "run", ["--resume"], own=True),
    "export": Scene(["export", "run", "--to", "parquet", "--quiet"], "run/export", after=True),
    "report": Scene(["report", "run", "--out", "report.html", "--quiet"], "report.html", after=True),
    "prepare": Scene(
        ["data", "prepare", "toy.txt", "--input-format", "sequences", "--out", "prepared", "--quiet"],
        "prepared",
    ),
    "sweep": Scene(
        [
            *[
                "sweep",
                "--variant",
                "scl",
                "--dataset",
                "toy.txt",
                "--lambda",
                "0.1,0.2",
                "--seeds",
                "0",
                *TINY,
            ],
            *["--out", "studies/one"],
        ],
        "studies",
        own=True,
    ),
    "Monitor": Scene(["monitor"], "recorded"),
}


def command(scene: Scene, *, again: bool) -> Words:
    """Return the words that start a scene as a process of its own."""
    words = [*scene.start, *(scene.resume if again else ())]
    return [sys.executable, *(TORCHRUN if scene.start[0] == "train" else ["-m", "degen"]), *words]


def file_name(name: str) -> str:
    """Return the name of a scene's folder."""
    return name.replace(", ", "-").replace(" ", "-")


def prepare(scene: Scene, folder: Path, finished: Path | None) -> Path:
    """Make the folder that a scene is started in, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    tiny_runs.write_log(folder / "toy.txt")
    if scene.after:
        assert finished is not None
        shutil.copytree(finished, folder / "run")
    return folder


def in_child(folder: Path, work: Callable[[], None], said: Path) -> int:
    """Fork a process that does `work` in `folder`, and return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.environ["DEGEN_CACHE"] = str(folder / "cache")
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        __import__("traceback").print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
