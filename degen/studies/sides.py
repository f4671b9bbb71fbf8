"""What is compared with what: the matrices of each variant, a seed each, and files, grouped by dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from degen.analysis.passes.rows import Rows
from degen.embeddings.item_matrix import ItemMatrix, open_matrix
from degen.errors import UserError, nearest
from degen.files import file_names
from degen.runs.choose import by_variant, group_runs
from degen.runs.directory import ITEM_EMBEDDINGS, RunDirectory, collect_runs


@dataclass(frozen=True, eq=False)
class Side:
    """One of those compared: a variant with all its seeds, or a file.

    Attributes
    ----------
    name
        of the variant, or the file's without suffix.
    matrices
        one a seed, by rising seed; at least one.
    """

    name: str
    matrices: tuple[ItemMatrix, ...]

    @cached_property
    def rows(self) -> tuple[Rows, ...]:
        """The matrices with the frequencies of their items."""
        return tuple(Rows(matrix.values, matrix.frequency) for matrix in self.matrices)

    @property
    def runs(self) -> list[RunDirectory]:
        """The runs behind the matrices; none for a file."""
        return [matrix.run for matrix in self.matrices if matrix.run is not None]


@dataclass(frozen=True)
class FileOptions:
    """How matrix files are read: `--key`, `--skip-rows`, `--frequency`."""

    key: str | None = None
    skip_rows: str | None = None
    frequency: Path | None = None


def read_sides(
    paths: Sequence[Path], options: FileOptions, against: str | None, notes: list[str]
) -> dict[str, list[Side]]:
    """Return the sides of each dataset, the one to compare against first.

    Files join the dataset of the runs that are given with them; without runs they are compared among
    themselves.

    Raises
    ------
    UserError
        for whatever can be mended in paths and files; where nothing is left to compare, or `against` is none
        of the sides.
    """
    files = [path for path in paths if not path.is_dir()]
    runs = collect_runs(path for path in paths if path.is_dir())
    groups = {
        name: [_variant(variant, several, notes) for variant, several in by_variant(members).items()]
        for name, members in group_runs(runs).items()
    }
    if files and len(groups) > 1:
        raise UserError(
            f"{files[0]} could belong to any of {', '.join(groups)}; give the runs of one dataset with a file"
        )
    sides = [
        Side(name, (_file(path, options, notes),)) for name, path in zip(_stems(files), files, strict=True)
    ]
    merged = {name: [*found, *sides] for name, found in groups.items()} or {"matrices": sides}
    result = {}
    for name, every in merged.items():
        there = [side for side in every if side.matrices]
        if len(there) < 2:
            notes.append(f"{name}: {len(there)} to compare, and two are needed: left out")
        else:
            result[name] = _first(there, against)
    if not result:
        alone = ", ".join(f"{side.name} is of {name}" for name, found in merged.items() for side in found)
        raise UserError(
            f"nothing to compare: {alone}; give two or more runs of one dataset, or two matrix files"
        )
    return result


def _variant(name: str, runs: Sequence[RunDirectory], notes: list[str]) -> Side:
    begun = [run for run in runs if (run.path / ITEM_EMBEDDINGS).exists()]
    notes += [f"{run.path} has no item embeddings yet: left out" for run in runs if run not in begun]
    notes += [f"{run.path} is not finished: as far as it is" for run in begun if run.state != "finished"]
    return Side(name, tuple(open_matrix(run.path) for run in begun))


def _file(path: Path, options: FileOptions, notes: list[str]) -> ItemMatrix:
    matrix = open_matrix(path, options.key, options.skip_rows, options.frequency)
    notes += matrix.notes
    return matrix


def _stems(files: Sequence[Path]) -> list[str]:
    return file_names(path.stem for path in files)


def _first(sides: list[Side], against: str | None) -> list[Side]:
    """Return the sides with the one that is named in front."""
    names = [side.name for side in sides]
    if against is None:
        return sides
    if against.lower() not in names:
        raise UserError(f"--against '{against}' is none of those compared{nearest(against, names)}")
    return sorted(sides, key=lambda side: side.name != against.lower())
