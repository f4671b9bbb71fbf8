"""Atomic writing of files: each is written under a temporary name in its folder and then renamed.

A process that is killed leaves at most a temporary file behind, which `remove_leftovers` removes.

A folder may have a keeper (`KEEPERS`), which is told of each file in it before the file takes its place or
goes. That of a run directory is its manifest (`degen.runs.manifest`).
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from degen.errors import CannotWrite, UserError

if TYPE_CHECKING:
    import numpy.typing as npt

_TEMPORARY = ".partial-"

_OF_FILES = {
    *(".pdf", ".png", ".svg", ".eps", ".ps", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff"),
    *(".html", ".htm", ".tex", ".md", ".txt", ".csv", ".tsv", ".json", ".jsonl", ".npy", ".npz", ".parquet"),
    *(".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".vec", ".toml", ".xlsx", ".zip", ".gz", ".log"),
}
"""Suffixes of files, which no folder is made with: `runs.v2` is a folder."""


def refuse_file(argument: str, folder: Path) -> None:
    """Raise a `UserError` for a folder that is a file, or would have the name of one."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`{argument}` {folder} is a file; name a folder")
    if folder.suffix.lower() in _OF_FILES and not folder.is_dir():
        mend = f"name a folder, such as {folder.with_suffix('')}"
        raise UserError(f"`{argument}` {folder} looks like a file; {mend}")


class Keeper(Protocol):
    """The one who is told of changes to the files of a folder."""

    def change(self, contents: Mapping[Path, Path | None]) -> AbstractContextManager[None]:
        """Hear of files that take new contents in a block, by the file that holds these; None removes one."""


KEEPERS: dict[Path, Keeper] = {}
"""Keepers by the absolute path of their folder, for as long as this process holds it."""


def _told(contents: Mapping[Path, Path | None]) -> AbstractContextManager[None]:
    """Tell the keeper of the folder in which files change, for the block in which they do."""
    if KEEPERS:
        for folder in next(iter(contents)).absolute().parents:
            if folder in KEEPERS:
                return KEEPERS[folder].change(contents)
    return nullcontext()


@contextmanager
def atomic_path(path: Path, *, kept: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, and rename it to `path` at the end of the block.

    If the block raises an error, the temporary file is removed and `path` stays as it was. With `kept=False`
    the keeper of its folder is not told.

    Raises
    ------
    CannotWrite
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
        with _told({path: temporary}) if kept else nullcontext():
            temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    except Exception as error:
        if not _is_full(error):
            raise
        raise _unwritable(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a file to `target`, which it replaces."""
    try:
        with _told({target: source, source: None}):
            source.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error


def remove(*paths: Path) -> None:
    """Remove files; those that are not there are passed over."""
    if found := [path for path in paths if path.is_symlink() or path.is_file()]:
        with _told(dict.fromkeys(found)):
            for path in found:
                path.unlink(missing_ok=True)


def _is_full(error: Exception) -> bool:
    """Return whether an error of a library that writes files, of whatever type, is of a full disk."""
    return any(words in str(error) for words in ("No space left on device", "os error 28"))


def _unwritable(path: Path, error: OSError) -> CannotWrite:
    if blocking := next((folder for folder in path.parents if folder.is_file()), None):
        return CannotWrite(f"cannot write {path}: {blocking} is a file, not a folder; choose another path")
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or _is_full(error)
    mend = "free some space or choose another path" if full else "choose another path"
    return CannotWrite(f"cannot write {path}: {error.strerror or error}; {mend}")


Place = Callable[[Path], AbstractContextManager[Path]]
"""Gives the temporary path of a file: `atomic_path`, or `degen.files.outputs.output_path`."""


def write_text(path: Path, text: str, place: Place = atomic_path) -> None:
    """Write UTF-8 text atomically."""
    with place(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, place: Place = atomic_path) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n", place)


def write_array(path: Path, array: npt.NDArray[Any], place: Place = atomic_path) -> None:
    """Write an array as `.npy`, atomically."""
    import numpy as np  # not at the top: `degen --help` runs without NumPy

    with place(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def why_no_line(text: str) -> str | None:
    """Return why a text cannot stand in a line of its own, as a clause; None where it can."""
    if len(f"{text}.".splitlines()) > 1:
        return "holds a line break"
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        return "holds half of a surrogate pair, which is no text"
    return None


def write_lines(path: Path, lines: list[str], place: Place = atomic_path) -> None:
    """Write one string per line, atomically.

    Raises
    ------
    UserError
        if a string has a line break, so that it would be several lines, or cannot be encoded.
    """
    try:
        content = "".join(f"{line}\n" for line in lines).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"cannot write {path}: {error.object[error.start - 9 : error.end]!r} is no text"
        ) from None
    if content.count(b"\n") > len(lines) or b"\r" in content:
        broken = next(line for line in lines if "\n" in line or "\r" in line)
        raise UserError(
            f"cannot write {path}: {broken!r} holds a line break, and each line is one of its entries"
        )
    with place(path) as temporary:
        temporary.write_bytes(content)


def is_temporary(path: Path) -> bool:
    """True if `path` is a temporary file of `atomic_path`, in use or left by a killed process."""
    return path.name.startswith(_TEMPORARY) and not path.is_dir()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder` and below."""
    for path in folder.rglob(f"{_TEMPORARY}*"):
        if is_temporary(path):
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
