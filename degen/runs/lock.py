"""Room for a run: refuse an occupied folder, lock it for one process, remove an earlier run."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from degen.errors import UserError
from degen.runs import directory

OCCUPIED = "another process trains into"
"""Beginning of the message about a run directory that is locked."""


def refuse_occupied(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Raise `UserError` where `out` holds something that neither `resume` nor `overwrite` covers."""
    if resume and overwrite:
        raise UserError(
            "`resume=True` goes on with a run and `overwrite=True` removes it; choose one of the two"
        )
    if out.exists() and not out.is_dir():
        raise UserError(f"`out` {out} is a file; name a folder")
    if not directory.is_run(out):
        if out.is_dir() and not all(directory.is_leftover(path) for path in out.iterdir()):
            config = out / directory.CONFIG
            if config.exists() or (out / directory.METRICS).exists():
                raise UserError(f"{config} is missing or damaged; put it back, or name another `out`")
            raise UserError(f"`out` {out} is not empty and is no run; name another folder")
    elif resume or overwrite:
        return
    elif directory.RunDirectory(out).state == "finished":
        raise UserError(f"{out} holds a finished run; add `overwrite=True` to train it again")
    else:
        raise UserError(
            f"{out} holds an unfinished run; add `resume=True` to go on, or `overwrite=True` to start anew"
        )


def remove_run(out: Path) -> None:
    """Remove what a run writes, and nothing else."""
    for name in (
        directory.TEST,
        directory.LAST,
        directory.BEST,
        directory.METRICS,
        directory.TRACE,
        directory.PRETRAIN,
        directory.PRETRAIN_METRICS,
        directory.PRETRAIN_EMBEDDINGS,
        directory.INITIAL_EMBEDDINGS,
        directory.ITEM_EMBEDDINGS,
        directory.ITEM_BIAS,
        directory.ENVIRONMENT,
    ):
        (out / name).unlink(missing_ok=True)
    for name in (directory.EMBEDDINGS, directory.FIGURES, directory.EXPORT, directory.TENSORBOARD):
        shutil.rmtree(out / name, ignore_errors=True)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold a run directory, so that no two processes train into it at once. It is made if need be.

    The lock is the system's and goes with the process, so a killed run leaves none behind. Where the system
    has none (Windows, some network file systems) nothing is held. `UserError` where another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / directory.LOCK).open("a")
    except OSError as error:
        raise UserError(
            f"cannot write {folder}: {error.strerror}; choose another folder with `out`"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{OCCUPIED} {folder} at this moment; wait for it, or name another `out`"
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
                raise
        try:
            yield
        finally:
            (folder / directory.LOCK).unlink(missing_ok=True)
