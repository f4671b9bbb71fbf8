"""The sides of a comparison: series of runs and matrix files, in the order in which they were typed.

The rule:

1. The runs of one dataset are grouped into series, each a side, and matrix files join them. Sides stand in
   the order of the paths that were typed. Those of one folder keep the order of the tables.
2. Two or more folders, each with the runs of one series, are a side each, called by its folder. Their logs
   may differ, such as those of two months. The same holds for single runs of different logs. A note says
   so, because users and items are then paired only where their ids agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from degen.analysis.passes.rows import Rows
from degen.embeddings.file_options import FileOptions
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.select import Selection, Source, select
from degen.errors import UserError, nearest
from degen.files.writing import file_names
from degen.runs.choose import select_runs
from degen.runs.directory import RunDirectory

_MATRICES = "matrices"
"""Name of a comparison of files without runs."""

_Sources = Sequence[Source]


@dataclass(frozen=True, eq=False)
class Side:
    """One of those compared: a series of runs with a matrix for each seed, rising, or a file."""

    name: str
    matrices: tuple[ItemMatrix, ...]

    @cached_property
    def rows(self) -> tuple[Rows, ...]:
        """The matrices with the frequencies of their items."""
        return tuple(Rows(matrix.values, matrix.frequency, name=self.name) for matrix in self.matrices)

    @property
    def runs(self) -> list[RunDirectory]:
        """The runs behind the matrices; none for a file."""
        return [matrix.run for matrix in self.matrices if matrix.run is not None]


def read_sides(
    paths: Sequence[Path], options: FileOptions, against: str | None, notes: list[str]
) -> dict[str, list[Side]]:
    """Return the sides of each dataset, the one to compare against first: `against`, or the first typed.

    Raises
    ------
    UserError
        where there is one side only, or where a file could belong to several datasets.
    """
    selection = select(paths, options)
    notes += selection.notes
    if _each_is_a_side(paths, selection):
        logs = list(dict.fromkeys(source.dataset for source in selection.sources if source.run is not None))
        found = {", ".join(logs): list(zip(_called(paths), selection.by_path, strict=True))}
        if len(_logs(selection)) > 1:
            notes.append(
                f"the runs are of different logs ({', '.join(logs)}): users and items are paired only where "
                "their ids agree"
            )
    else:
        found = _by_series(selection)
    sides = {
        name: [_side(called, sources, notes) for called, sources in members]
        for name, members in found.items()
    }
    result = {name: base_first(members, against) for name, members in sides.items() if len(members) > 1}
    if not result:
        raise _too_few(sides)
    notes += [f"{name}: 1 to compare, and two are needed: left out" for name in sides if name not in result]
    return result


def _by_series(selection: Selection) -> dict[str, list[tuple[str, _Sources]]]:
    """Return the series of each dataset and the files, in the order typed."""
    groups, files = selection.groups, selection.files
    if files and len(groups) > 1:
        datasets = ", ".join(group.name for group in groups)
        raise UserError(
            f"{files[0].path} could belong to any of {datasets}; give the runs of one dataset with a file"
        )
    place = {source.path: position for position, source in enumerate(selection.sources)}
    names = file_names(file.name for file in files)
    of_files: list[tuple[str, _Sources]] = [(name, [file]) for name, file in zip(names, files, strict=True)]
    series = {group.name: list(group.series.items()) for group in groups} or {_MATRICES: []}
    return {
        name: sorted([*members, *of_files], key=lambda member: min(place[one.path] for one in member[1]))
        for name, members in series.items()
    }


def _each_is_a_side(paths: Sequence[Path], selection: Selection) -> bool:
    """Return whether each path is a side by itself, whatever series and datasets its runs are of."""
    groups, each = selection.groups, selection.by_path
    apart = sum(map(len, each)) == len(selection.sources)
    if len(paths) < 2 or not groups or not apart or not all(map(_one_series, each)):
        return False
    folders = [
        path
        for path, sources in zip(paths, each, strict=True)
        if sources[0].run is not None and sources[0].path.resolve() != path.resolve()
    ]
    if len(folders) > 1 and len(folders) + len(selection.files) == len(paths):
        return True
    sides = sum(len(group.series) for group in groups) + len(selection.files)
    nothing_in_common = all(len(group.series) + len(selection.files) < 2 for group in groups)
    one_dataset_two_logs = len(groups) == 1 and len(_logs(selection)) > 1
    return sides == len(paths) and (nothing_in_common or one_dataset_two_logs)


def _one_series(sources: _Sources) -> bool:
    runs = [source.run for source in sources if source.run is not None]
    series = [label for group in select_runs(runs).values() for label in group]
    return len(series) + len(sources) - len(runs) == 1


def _logs(selection: Selection) -> set[tuple[str, str]]:
    """Return the dataset and the fingerprint of the log of each run."""
    runs = [source.run for source in selection.sources if source.run is not None]
    return {(run.dataset, str(run.config.get("data", {}).get("fingerprint", ""))) for run in runs}


def _called(paths: Sequence[Path]) -> list[str]:
    """Return the names of paths: their last parts, or where two are the same the parts that tell them apart.

    >>> _called([Path("/runs/jan"), Path("/runs/feb")])
    ['jan', 'feb']
    >>> _called([Path("/jan/runs/sasrec-s0"), Path("/feb/runs/sasrec-s0")])
    ['jan', 'feb']
    """
    every = [path.absolute() for path in paths]
    names = [path.stem if path.is_file() else path.resolve().name for path in every]
    parts = [list(path.parts) for path in every]
    if len(set(names)) == len(names):
        return names
    while min(map(len, parts)) > 1 and len({part[-1] for part in parts}) == 1:
        parts = [part[:-1] for part in parts]
    while min(map(len, parts)) > 1 and len({part[0] for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    return ["/".join(part) for part in parts]


def _too_few(sides: dict[str, list[Side]]) -> UserError:
    """Return the error that names what was given: a file by its name, a series with its dataset."""
    alone = [
        f"{side.name} of {name}" if side.runs else side.matrices[0].path.name
        for name, members in sides.items()
        for side in members
    ]
    one = f"compare needs at least two inputs and got one ({alone[0]})"
    several = f"compare needs two inputs of one dataset and got {', '.join(alone)}"
    return UserError(
        f"{several if len(alone) > 1 else one}. Give two matrix files, two runs of one dataset, or a "
        "folder for each side."
    )


def _side(name: str, sources: _Sources, notes: list[str]) -> Side:
    matrices = tuple(source.open() for source in sources)
    for source, matrix in zip(sources, matrices, strict=True):
        notes += matrix.notes
        if source.run is not None and source.run.state != "finished":
            notes.append(f"{source.path} is not finished: as far as it is")
    return Side(name, matrices)


def base_first(sides: list[Side], against: str | None) -> list[Side]:
    """Return sides with the one to compare against first; a `UserError` says that none has its name."""
    if against is None:
        return sides
    wanted, names = against.lower(), [side.name for side in sides]
    if wanted not in map(str.lower, names):
        raise UserError(f"`against` '{against}' is none of those compared{nearest(against, names)}")
    return sorted(sides, key=lambda side: side.name.lower() != wanted)
