"""Outputs of commands: exports, figures, tables and reports, which replace no file that degen did not write.

Each folder into which degen writes outputs has a list of them, `.degen-outputs.jsonl`: a line per file with
its name, size and SHA-256. A file that is there already is replaced if the list has it as it is. One that is
not in the list, or was changed since, is refused unless `force=True` allows it, or it holds the same bytes.
A file of a run's own is never replaced.

Older versions of degen kept no lists. A file that no list names counts as theirs in the folders of a study or
of the paper, in `export` and `figures` of a run without a manifest, where all files of an export stand
together, and where it is a report with degen's mark. It is replaced, and a note says so.

A line is added before its file takes its place: a kill leaves a line too many, never a file without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from degen.errors import UserError
from degen.files.digest import Digest
from degen.files.output_list import LIST as LIST
from degen.files.output_list import add_to_list, listed
from degen.files.parse import Unreadable, parse_json, read_text
from degen.files.writing import atomic_path

MANIFEST = "manifest.json"
"""Name of the manifest of a run directory."""

EXPORTED = ("sequence_representations.npy", "targets.npy", "ranks.npy", "users.txt")
"""Files that every version's `degen export` has written together."""

_RUN = ("metrics.jsonl", "environment.json")
_IN_RUNS = ("export", "figures")
_REPORT, _HEAD = b'<meta name="generator" content="degen ', 4096

_FORCED: ContextVar[bool] = ContextVar("_FORCED", default=False)
_OWN: ContextVar[bool] = ContextVar("_OWN", default=False)
_NOTE: ContextVar[Callable[[Path], None] | None] = ContextVar("_NOTE", default=None)


@contextmanager
def replacing(force: bool, note: Callable[[str], None] | None = None) -> Iterator[None]:
    """Let outputs in a block replace files that degen did not write, if `force` is true.

    `note` is told once per folder that files of an older version were replaced.
    """
    told: set[Path] = set()

    def tell(path: Path) -> None:
        if note is not None and path.parent not in told:
            told.add(path.parent)
            note(f"{path} is by an older version of degen, which kept no list of its files: it is replaced")

    forced, noted = _FORCED.set(force or _FORCED.get()), _NOTE.set(_NOTE.get() if note is None else tell)
    try:
        yield
    finally:
        _FORCED.reset(forced)
        _NOTE.reset(noted)


@contextmanager
def in_own_folders() -> Iterator[None]:
    """Take files that no list names for those of an older version of degen, in a block.

    It is for folders that are degen's, of studies and of the paper. Only files under names that degen writes
    there are ever asked for. A file that a list names and that was changed since is still the user's.
    """
    token = _OWN.set(True)
    try:
        yield
    finally:
        _OWN.reset(token)


def may_replace(path: Path) -> bool:
    """Return whether an output may replace the file at `path`."""
    return _may_replace(path, listed(path.parent).get(path.name, []))


def _may_replace(path: Path, known: Sequence[Digest]) -> bool:
    if _FORCED.get() or any(digest.fits(path) for digest in known):
        return True
    return not known and _is_older(path)


def _is_older(path: Path) -> bool:
    """Return whether an older version of degen wrote a file that no list names."""
    if path.is_symlink():
        return False
    if _OWN.get() or any(_is_in_older_run(folder) for folder in list(path.absolute().parents)[:2]):
        return True
    if path.name in EXPORTED:
        return all(path.with_name(name).is_file() for name in EXPORTED)
    try:
        with path.open("rb") as file:
            return path.suffix == ".html" and _REPORT in file.read(_HEAD)
    except OSError:
        return False


def _is_in_older_run(folder: Path) -> bool:
    run = folder.parent
    marks = any((run / name).is_file() for name in _RUN) and (run / "config.toml").is_file()
    return folder.name in _IN_RUNS and marks and not (run / MANIFEST).exists()


@contextmanager
def output_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path, and rename it to the output `path` at the end of the block (`atomic_path`).

    Raises
    ------
    UserError
        if a file is there that degen did not write, and the block has written other contents.
    """
    with atomic_path(path, kept=False) as temporary:
        yield temporary
        digest, known = Digest.of(temporary), listed(path.parent).get(path.name, [])
        if not digest.fits(path):
            _refuse_foreign(path, known)
            _note_older(path, known)
        if digest not in known:
            add_to_list(path, digest)


def refuse_foreign(*paths: Path) -> None:
    """Raise for the first path that holds a file which degen did not write, or which was changed since.

    Call it before long work whose outputs have known names.
    """
    for path in paths:
        _refuse_foreign(path, listed(path.parent).get(path.name, []))


def _refuse_foreign(path: Path, known: Sequence[Digest]) -> None:
    """Raise as `refuse_foreign` for a path whose file degen wrote with one of the `known` digests."""
    if not path.is_file() and not path.is_symlink():
        return
    refuse_run_file(path)
    if not _may_replace(path, known):
        why = "it was changed since degen wrote it" if known else "no list says that degen wrote it"
        raise UserError(
            f"{path} is there already, and {why}; name another `out`, or replace it with `force=True`"
        )


def _note_older(path: Path, known: Sequence[Digest]) -> None:
    """Say of a file of an older version that it is about to be replaced."""
    tell = _NOTE.get()
    if tell is not None and path.is_file() and not _FORCED.get() and not known:
        tell(path)


def refuse_run_file(path: Path) -> None:
    """Raise for a file that the manifest of a run directory lists."""
    for folder in list(path.absolute().parents)[:2]:
        manifest = folder / MANIFEST
        if not manifest.is_file():
            continue
        try:
            files = parse_json(read_text(manifest))["files"]
            own = path.absolute().relative_to(folder).as_posix() in files
        except (Unreadable, KeyError, TypeError):
            continue
        if own:
            raise UserError(f"{path} belongs to the run in {folder}; name another `out`")


def written_outputs(folder: Path) -> list[Path]:
    """Return the outputs in a folder that are as degen wrote them, and the list of them."""
    found = [
        folder / name
        for name, digests in listed(folder).items()
        if any(digest.fits(folder / name) for digest in digests)
    ]
    return [*found, folder / LIST] if (folder / LIST).is_file() else found


def changed_outputs(folder: Path) -> list[Path]:
    """Return the outputs in a folder that were changed since degen wrote them, but for missing ones."""
    return [
        folder / name
        for name, digests in listed(folder).items()
        if (folder / name).exists() and not any(digest.fits(folder / name) for digest in digests)
    ]
