"""The manifest of a run directory: each file that degen wrote there, with its size, SHA-256 and run.

    {"config": …, "files": {name: {"size", "sha256", "config"}}, "under_way": {name: … or null}}

`config` is the hash of the settings that decide the run's result (`degen.config.decisive.run_identity`). It
stands beside each file too, and in the metadata of the safetensors files, so that a file of another run of
the same shape is told.

The manifest is always one step ahead. While a process holds the directory (`keeping`), each file is written
in these steps:

1. The new contents are written under a temporary name, and their hash is taken.
2. The manifest is written: `files` has the hash of the contents that are there, `under_way` that of the new
   ones; null stands for a file that goes.
3. The temporary file takes the place of the old one.

The next write moves what is under way to `files`. So a kill at any moment leaves each file in one of the one
or two states that the manifest names, and a file in any other state is damaged, swapped or edited. Whoever
opens the directory next finds out by the hash which of the two it is.

Only files that changed are hashed. Exports, figures and reports are written by other commands and are listed
in their own folders (`degen.files.outputs`). TensorBoard's event files grow, and are not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from degen.errors import UserError
from degen.files import writing
from degen.files.digest import Digest
from degen.files.outputs import MANIFEST
from degen.files.parse import Unreadable, read_json
from degen.runs.directory import CONFIG


@dataclass(frozen=True)
class Entry:
    """Contents of a file, and the hash of the configuration that they belong to."""

    digest: Digest
    config: str

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the manifest has it."""
        return {"size": self.digest.size, "sha256": self.digest.sha256, "config": self.config}


@dataclass
class Manifest:
    """The record of a run directory; an empty one for a run of an older version.

    Attributes
    ----------
    config
        hash of the run's configuration; empty where it is not known.
    files
        entry of each file by its path below the folder.
    under_way
        entries of the files that were about to change; None for one that was about to go.
    """

    folder: Path
    config: str = ""
    files: dict[str, Entry] = field(default_factory=dict)
    under_way: dict[str, Entry | None] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return the manifest of a run directory, empty without one.

        Raises
        ------
        UserError
            if the file is damaged.
        """
        path = folder / MANIFEST
        if not path.exists():
            return cls(folder)
        try:
            found = read_json(path)
            files = {name: _entry(value) for name, value in found["files"].items()}
            moving = {
                name: None if value is None else _entry(value) for name, value in found["under_way"].items()
            }
            return cls(folder, str(found["config"]), files, moving)
        except (Unreadable, KeyError, TypeError, AttributeError) as error:
            why = error if isinstance(error, Unreadable) else "it lacks what every manifest has"
            raise UserError(
                f"{path} is damaged ({why}), so that the files beside it cannot be checked; remove it to go "
                "on without a check, or train again with `overwrite=True`"
            ) from error

    @property
    def names(self) -> set[str]:
        """Names of all files that degen wrote."""
        return self.files.keys() | self.under_way.keys()

    def fault(self, name: str) -> str | None:
        """Return what is off about a file that the manifest lists, as a clause; None where nothing is."""
        states = [self.files.get(name), *([self.under_way[name]] if name in self.under_way else [])]
        path = self.folder / name
        if not path.exists():
            return None if None in states else "is missing"
        if not path.is_file():
            return "is not a file"
        known = [state.digest for state in states if state is not None]
        if any(digest.fits(path) for digest in known):
            return None
        sizes = {digest.size for digest in known}
        if (size := path.stat().st_size) not in sizes:
            return f"is damaged: it has {size:,} bytes and was written with {min(sizes, default=0):,}"
        return "is damaged or was changed: its SHA-256 is not the one it was written with"

    def settle(self) -> None:
        """Find out what became of the files that were under way when the last writer ended."""
        for name, entry in self.under_way.items():
            path = self.folder / name
            arrived = entry.digest.fits(path) if entry is not None else not path.exists()
            if arrived:
                self._put(name, entry)
        self.under_way = {}

    def _put(self, name: str, entry: Entry | None) -> None:
        if entry is None:
            self.files.pop(name, None)
        else:
            self.files[name] = entry

    # What follows is for the process that holds the folder.

    @contextmanager
    def change(self, contents: Mapping[Path, Path | None]) -> Iterator[None]:
        """Enter new contents of files in the manifest before a block that puts them in their places."""
        coming = self._coming(contents)
        if not coming:
            yield
            return
        self.under_way = coming
        self.write()
        try:
            yield
        except BaseException:
            self.settle()
            raise
        for name, entry in coming.items():
            self._put(name, entry)
        self.under_way = {}

    def _coming(self, contents: Mapping[Path, Path | None]) -> dict[str, Entry | None]:
        found = {
            path.absolute().relative_to(self.folder.absolute()).as_posix(): source
            for path, source in contents.items()
        }
        return {
            name: None if source is None else Entry(Digest.of(source), self.config)
            for name, source in found.items()
            if name != MANIFEST
        }

    def write(self) -> None:
        """Write the manifest, whole or not at all."""
        moving = {name: entry and entry.as_json() for name, entry in sorted(self.under_way.items())}
        files = {name: entry.as_json() for name, entry in sorted(self.files.items())}
        content = {"config": self.config, "files": files, "under_way": moving}
        writing.write_json(self.folder / MANIFEST, content)


def _entry(value: Any) -> Entry:
    digest = Digest.parsed(value)
    if digest is None:
        raise TypeError
    return Entry(digest, str(value["config"]))


@contextmanager
def keeping(folder: Path, *, anew: bool = False) -> Iterator[Manifest]:
    """Enter each file that this process writes into a run directory during a block in its manifest.

    With `anew` the run is about to be removed, and a manifest that is damaged is an empty one.
    """
    place = folder.absolute()
    try:
        manifest = Manifest.read(folder)
    except UserError:
        if not anew:
            raise
        manifest = Manifest(folder)
    manifest.settle()
    writing.KEEPERS[place] = manifest
    try:
        yield manifest
    finally:
        del writing.KEEPERS[place]
        if manifest.files and folder.is_dir():
            with suppress(UserError):  # a full disk: what is under way says the same
                manifest.write()


def kept(folder: Path) -> Manifest:
    """Return the manifest of a run directory: the one that this process keeps, else the one on disk."""
    found = writing.KEEPERS.get(folder.absolute())
    return found if isinstance(found, Manifest) else Manifest.read(folder)


def refuse_damaged(manifest: Manifest, names: Iterable[str]) -> None:
    """Raise for a file that was damaged or edited since degen wrote it; missing ones are passed over."""
    for name in names:
        path = manifest.folder / name
        if name in manifest.names and path.exists() and (fault := manifest.fault(name)):
            raise UserError(
                f"{path} {fault}; put the file back as it was, or train anew with `overwrite=True`"
            )


def refuse_changed(folder: Path, names: Iterable[str]) -> None:
    """Raise as `refuse_damaged` does for files of a run directory that are about to be read.

    A process that trains there may write between a look at its manifest and one at the files, so that files
    are only refused by a manifest that is still the same.
    """
    names, manifest = list(names), kept(folder)
    while True:
        try:
            return refuse_damaged(manifest, names)
        except UserError:
            before, manifest = manifest, kept(folder)
            if manifest == before:
                raise


def refuse_edited(folder: Path) -> None:
    """Raise where `config.toml` was edited, so that it has other settings than the run was trained with.

    A log by another path, and settings that may change, make no other run: they are not refused.
    """
    manifest, path = kept(folder), folder / CONFIG
    if not manifest.config or CONFIG not in manifest.names or manifest.fault(CONFIG) is None:
        return
    from degen.config.decisive import run_identity  # brings pydantic, which most readers do without
    from degen.config.settle import settle

    if path.exists() and run_identity(settle(path)) != manifest.config:
        raise UserError(
            f"{path} was changed since degen wrote it, and the run was trained with other settings; put the "
            "file back as it was, or train anew with `overwrite=True`"
        )


def refuse_strange(path: Path, metadata: Mapping[str, str], config: str) -> None:
    """Raise where a safetensors file names another configuration than `config`, the hash of its run's.

    Files of older versions name none.
    """
    if config and metadata.get("config", config) != config:
        raise UserError(
            f"{path} belongs to a run of other settings, seed or log ({metadata['config']}, and this run is "
            f"{config}); put this run's own file back, or train again with `overwrite=True`"
        )
