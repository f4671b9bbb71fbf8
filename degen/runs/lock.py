"""Room for a run: refuse an occupied folder, lock it for one process, remove an earlier run."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from degen.errors import UserError
from degen.files.outputs import EXPORTED, LIST, MANIFEST, written_outputs
from degen.files.writing import is_temporary, refuse_file, remove, remove_leftovers
from degen.runs import directory
from degen.runs.manifest import keeping, kept

OCCUPIED = "another process trains into"
"""Beginning of the message about a run directory that is locked."""

LONGEST = 255
"""Maximum number of bytes of a name on the usual file systems."""

_EXPORTED = (
    *(*EXPORTED, directory.ITEM_EMBEDDINGS, directory.ITEMS, directory.ITEM_FREQUENCY),
    *(f"item_embeddings.{suffix}" for suffix in ("safetensors", "vec", "parquet", "itememb")),
    *("tensors.tsv", "metadata.tsv"),
)
"""Names of exported files."""

ATTEMPTS, PAUSE = 4, 0.05
"""Number of attempts at a lock, and seconds between them: `is_held` holds it for a moment."""


def refuse_occupied(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Raise `UserError` where `out` holds something that neither `resume` nor `overwrite` covers."""
    for argument, value in {"resume": resume, "overwrite": overwrite}.items():
        if value not in (True, False):  # text such as 'no' would count as true
            raise UserError(f"`{argument}` is True or False; got {value!r}")
    if resume and overwrite:
        raise UserError(
            "`resume=True` goes on with a run and `overwrite=True` removes it; choose one of the two"
        )
    _refuse_name(out)
    refuse_file("out", out)
    if not directory.is_own_run(out):
        _refuse_other(out)
    elif resume or overwrite:
        return
    elif directory.RunDirectory(out).state == "finished":
        raise UserError(f"{out} holds a finished run; add `overwrite=True` to train it again")
    else:
        raise UserError(
            f"{out} holds an unfinished run; add `resume=True` to go on, or `overwrite=True` to start anew"
        )


def _refuse_name(out: Path) -> None:
    """Raise for a path that a file system or a library cannot take, before anything is trained for it."""
    try:
        names = [part.encode("utf-8") for part in out.parts]
    except UnicodeEncodeError as error:
        raise UserError(f"`out` {out} is no text in UTF-8; name another folder") from error
    if longest := max((len(name) for name in names if len(name) > LONGEST), default=0):
        raise UserError(
            f"`out` has a name of {longest} bytes, and file systems take {LONGEST}; name another folder"
        )
    if any(b"\0" in name for name in names):
        raise UserError(f"`out` {out} has a zero byte, which no file system takes; name another folder")


def _refuse_other(out: Path) -> None:
    """Raise where a folder that is no run holds anything but what a killed process left."""
    if not out.is_dir() or all(directory.is_leftover(path) for path in out.iterdir()):
        return
    if (out / directory.METRICS).exists() or (out / directory.ENVIRONMENT).exists():
        raise UserError(f"{out / directory.CONFIG} is missing or damaged; put it back, or name another `out`")
    raise UserError(f"`out` {out} is not empty and is no run; name another folder")


def remove_run(out: Path) -> None:
    """Remove what degen wrote of a run and of its exports and figures, and nothing else.

    That is what the manifest and the lists of outputs name, and files that have a name of a run's. An older
    version, which has neither, also leaves files that have a name of an export's. The configuration and the
    manifest stay until the next run replaces them.
    """
    remove(*_own_files(out) - {out / directory.CONFIG, out / MANIFEST})
    for folder in reversed(output_folders(out)):
        with suppress(OSError):  # it holds files of the user's
            folder.rmdir()


def outputs_to_stay(out: Path) -> list[Path]:
    """Return the files in the folders of a run directory that `remove_run` leaves: no list names them."""
    inside = {path for folder in output_folders(out) for path in folder.iterdir() if path.is_file()}
    try:
        own = _own_files(out)
    except UserError:  # a damaged manifest
        own = set()
    return sorted(path for path in inside - own if not is_temporary(path))


def _own_files(out: Path) -> set[Path]:
    listed = {out / name for name in kept(out).names}
    known = {out / name for name in directory.KNOWN}
    known |= {path for pattern in directory.NUMBERED for path in out.glob(pattern)}
    written = {path for folder in (out, *output_folders(out)) for path in written_outputs(folder)}
    if not (out / MANIFEST).exists():
        places = (out / directory.EXPORT, *(out / directory.EXPORT).glob("*/"))
        known |= {place / name for place in places if not (place / LIST).exists() for name in _EXPORTED}
    return listed | known | written


def output_folders(out: Path) -> list[Path]:
    """Return the folders of a run directory that degen makes, each before those inside it."""
    tops = [out / name for name in directory.FOLDERS]
    return [
        folder
        for top in tops
        if top.is_dir() and not top.is_symlink()
        for folder in (
            top,
            *sorted(path for path in top.rglob("*") if path.is_dir() and not path.is_symlink()),
        )
    ]


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
    for attempt in range(ATTEMPTS):
        lock = _opened(folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            if attempt == ATTEMPTS - 1:
                break
            time.sleep(PAUSE)
            continue
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
                lock.close()
                raise
        if not _is_in_place(lock, folder):  # the process that held it has removed it since it was opened
            lock.close()
            continue
        with lock:
            try:
                yield
            finally:
                (folder / directory.LOCK).unlink(missing_ok=True)
        return
    raise UserError(f"{OCCUPIED} {folder} at this moment; wait for it, or name another `out`")


def clear_away(folder: Path) -> None:
    """Finish the manifest of a finished run that was killed after its last file, and remove what is left.

    Nothing is done where nothing is left, where another process holds the folder, or where it cannot be
    written: the manifest names both states of a file, and is right as it is.
    """
    with suppress(UserError):
        if kept(folder).under_way or (folder / directory.LOCK).exists():
            with sole_writer(folder), keeping(folder):
                remove_leftovers(folder)


def is_held(folder: Path) -> bool:
    """Return whether a process trains into a run directory at this moment. Nothing is made or removed."""
    try:
        import fcntl

        # A lock that others may share: two processes that look at once do not see each other.
        with (folder / directory.LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False


def _opened(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / directory.LOCK).open("a")
    except OSError as error:
        raise UserError(
            f"cannot write {folder}: {error.strerror}; choose another folder with `out`"
        ) from error


def _is_in_place(lock: IO[str], folder: Path) -> bool:
    """Return whether an open lock is still the file of its folder: on another one nothing is locked."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(folder / directory.LOCK))
    except OSError:
        return False
