"""Atomic writing of files: each is written under a temporary name in its folder and then renamed.

A process that is killed leaves at most a temporary file behind, which `remove_leftovers` removes.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError

if TYPE_CHECKING:
    import numpy.typing as npt

_TEMPORARY = ".partial-"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, and rename it to `path` at the end of the block.

    If the block raises an error, the temporary file is removed and `path` stays as it was.

    Raises
    ------
    UserError
        if the folder cannot be created or written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_TEMPORARY, suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        os.umask(mask := os.umask(0))  # the only way to read it
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> UserError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    mend = "free some space or choose another path" if full else "choose another path"
    return UserError(f"cannot write {path}: {error.strerror or error}; {mend}")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as `.npy`, atomically."""
    import numpy as np  # not at the top: `degen --help` runs without NumPy

    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def write_lines(path: Path, lines: list[str]) -> None:
    """Write one string per line, atomically."""
    write_text(path, "".join(f"{line}\n" for line in lines))


def is_temporary(path: Path) -> bool:
    """Whether `path` is a temporary file of `atomic_path`, in use or left by a killed process."""
    return path.name.startswith(_TEMPORARY)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder` and below."""
    for path in folder.rglob(f"{_TEMPORARY}*"):
        path.unlink(missing_ok=True)


def writable(folder: Path) -> Path:
    """Create `folder` if it does not exist, check that it can be written, and return it.

    Call it before long work, so that the result does not fail to be written.

    Raises
    ------
    UserError
        if nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UserError(
            f"cannot write into {folder}: {error.strerror}; choose another folder by `out`"
        ) from error


def file_names(names: Iterable[str]) -> list[str]:
    """Return unique parts of file names; what is no letter, digit or one of `_+.-` becomes `-`.

    >>> file_names(["HR@10 of scl", "ucl+scl", "ucl+scl"])
    ['HR-10-of-scl', 'ucl+scl', 'ucl+scl-2']
    """
    seen: Counter[str] = Counter()
    result = []
    for given in names:
        name = re.sub(r"[^\w+.-]+", "-", given)
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return result
