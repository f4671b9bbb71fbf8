"""Select the matrices that paths mean: runs by dataset, series and seed, and files.

    select(paths) ─► Selection ─► Group, a dataset ─► Source, a run or a file ─► open() ─► ItemMatrix

Every command that takes runs and matrix files takes them from here. What makes runs a series, and what it is
called, `degen.runs.choose` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from degen.embeddings.file_options import FileOptions
from degen.embeddings.item_matrix import ItemMatrix, no_embeddings_yet, open_file, open_run
from degen.embeddings.registry import folder_format, folder_mend
from degen.errors import UserError, similar_file
from degen.runs.choose import Series, select_runs, without_damaged
from degen.runs.directory import RunDirectory, find_runs, is_run


@dataclass(frozen=True)
class Source:
    """A run or a matrix file whose matrix has not been read yet.

    `name` is that of the run's series, or the file's without suffix. `run` is None for a file, even for one
    that lies in a run.
    """

    name: str
    path: Path
    options: FileOptions
    run: RunDirectory | None = None

    @property
    def seed(self) -> int:
        """Seed of the run; 0 for a file."""
        return 0 if self.run is None else self.run.seed

    @property
    def dataset(self) -> str:
        """Dataset of the run; empty for a file."""
        return "" if self.run is None else self.run.dataset

    @property
    def definition(self) -> str:
        """Definition of alignment and uniformity that the run measures by; empty for a file."""
        return "" if self.run is None else self.run.definition

    @property
    def begun(self) -> bool:
        """True for a file, and for a run that has finished an epoch."""
        return self.run is None or self.run.has_embeddings

    def open(self) -> ItemMatrix:
        """Read the matrix with the ids and counts of its rows."""
        options = self.options
        if self.run is not None:
            return open_run(self.run, options.frequency, finite=options.finite)
        return open_file(self.path, options)


@dataclass(frozen=True)
class Group:
    """The runs of a dataset.

    `series` is in the order of tables and figures, each with a source for each seed, by rising seed.
    """

    name: str
    series: Mapping[str, Sequence[Source]]


@dataclass(frozen=True)
class Selection:
    """The sources in the order of the paths given, each once, the runs among them by dataset, and notes.

    The runs of a folder stand in the order of `groups`. `by_path` has the sources of each path given.
    """

    sources: Sequence[Source]
    groups: Sequence[Group]
    notes: Sequence[str]
    by_path: Sequence[Sequence[Source]]

    @property
    def files(self) -> list[Source]:
        """The matrix files."""
        return [source for source in self.sources if source.run is None]


def select(
    paths: Sequence[Path], options: FileOptions | None = None, *, begun_only: bool = True
) -> Selection:
    """Return the runs at and below `paths`, and the matrix files among them.

    With `begun_only`, runs without item embeddings are left out, and named in the notes. Raise a `UserError`
    for a path that does not exist or holds no run, for choices of files without a file, and where no run has
    item embeddings.
    """
    options = options or FileOptions()
    found = [(path, _runs(path)) for path in paths]
    files = {path.resolve(): Source(path.stem, path, options) for path, runs in found if not runs}
    if missing := [file.path for file in files.values() if not (file.path.exists() or file.path.suffix)]:
        mend = similar_file(missing[0]) or "; give a run, a folder above runs or a matrix file"
        raise UserError(f"{missing[0]} does not exist{mend}")
    if not files:
        options.check_for_runs()
    notes: list[str] = []
    runs = list({run.path.resolve(): run for _, several in found for run in several}.values())
    runs = without_damaged(runs, paths, notes, names_only=True)
    begun = [run for run in runs if run.has_embeddings or not begun_only]
    if not begun and not files:
        raise no_embeddings_yet(runs[0])
    for_runs = FileOptions(frequency=None if files else options.frequency, finite=options.finite)
    groups = [_group(name, series, for_runs) for name, series in select_runs(begun).items()]
    sources = files | {
        source.path.resolve(): source
        for group in groups
        for members in group.series.values()
        for source in members
    }
    rank = {place: position for position, place in enumerate(sources)}
    places: list[list[Path]] = []
    for path, several in found:
        below = [run.path.resolve() for run in several] or [path.resolve()]
        places.append(sorted((place for place in below if place in sources), key=rank.__getitem__))
    return Selection(
        [sources[place] for place in dict.fromkeys(place for below in places for place in below)],
        groups,
        [*notes, *(f"{run.path} has no item embeddings yet: left out" for run in runs if run not in begun)],
        [[sources[place] for place in below] for below in places],
    )


def select_one(path: Path, options: FileOptions | None = None) -> Source:
    """Return the one run or matrix file that `path` means; raise a `UserError` for several runs."""
    first, *others = select([path], options, begun_only=False).sources
    if others:
        raise UserError(f"{path} holds {1 + len(others)} runs; name one of them, such as {first.path}")
    return first


def _runs(path: Path) -> list[RunDirectory]:
    """Return the runs at and below a folder; none for a file, and for a folder that is read as a matrix."""
    if not path.is_dir() or not (is_run(path) or folder_format(path) is None):
        return []
    try:
        return find_runs(path)
    except UserError:
        if mend := folder_mend(path):
            raise UserError(f"{path} has no runs; {mend}") from None
        raise


def _group(name: str, series: Series, options: FileOptions) -> Group:
    sources = {
        label: [Source(label, run.path, options, run) for run in runs] for label, runs in series.items()
    }
    return Group(name, sources)
