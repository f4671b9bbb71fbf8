"""What a user names as a matrix, with the ids and counts of its rows.

    a run, its item_embeddings.npy or embeddings/e###.npy     with the run's ids and counts
    any other file                                            as `degen.embeddings` reads it

Every command that takes a matrix takes it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from degen.embeddings import FileRows, load_matrix
from degen.embeddings.file_rows import Values
from degen.embeddings.frequency import Counts, read_frequency
from degen.embeddings.sidecars import frequency_beside
from degen.errors import UserError
from degen.runs.directory import EMBEDDINGS, ITEM_EMBEDDINGS, ITEM_FREQUENCY, RunDirectory, find_runs, is_run


@dataclass(frozen=True)
class ItemMatrix:
    """A matrix and what is known of its rows.

    Attributes
    ----------
    path
        its file.
    values
        float32 or float64 [n, d]; `FileRows` where it stays in its file.
    ids
        of the n rows, or None.
    frequency
        int64 [n], or None.
    notes
        what was left out or concluded, a sentence each.
    run
        the run that it belongs to, if any.
    """

    path: Path
    values: Values | FileRows
    ids: list[str] | None
    frequency: Counts | None
    notes: tuple[str, ...]
    run: RunDirectory | None = None

    @property
    def names(self) -> list[str]:
        """The ids, or where there are none the numbers of the rows."""
        return self.ids if self.ids is not None else [str(row) for row in range(len(self.values))]

    def projectable(self) -> Values:
        """Return the values, read where they stay in their file.

        Raises
        ------
        UserError
            unless n ≥ d ≥ 2, which a projection needs.
        """
        n, d = self.values.shape
        if d < 2:
            raise UserError(
                f"{self.path} has {n} rows of {d} numbers; a projection needs at least two dimensions"
            )
        if n < d:
            raise UserError(
                f"{self.path} has {n} rows of {d} numbers, fewer items than dimensions; give one row an "
                "item (transpose it if its columns are the items)"
            )
        return self.values[:]


def open_matrix(
    path: Path,
    key: str | None = None,
    skip_rows: str | None = None,
    frequency: Path | None = None,
    *,
    finite: bool = True,
) -> ItemMatrix:
    """Read what a user names as a matrix.

    Parameters
    ----------
    path
        a run, or a file.
    key, skip_rows, finite
        as in `load_matrix`; a run has neither arrays to choose nor rows to leave out.
    frequency
        as in `load_frequency`; by default the counts of the run, or those beside an export.

    Raises
    ------
    UserError
        for whatever can be mended in paths, files and options.
    """
    file = _run_file(path, key, skip_rows) if path.is_dir() else path
    if not file.exists() and not file.suffix:
        raise UserError(f"{path} does not exist; give a run, a folder above runs or a matrix file")
    run = _owner(file)
    matrix = load_matrix(file, key, skip_rows, finite=finite)
    n, ids, notes = len(matrix.values), matrix.ids, matrix.notes
    if run is not None:
        ids = run.items
        if len(ids) != n:
            raise UserError(
                f"{file} has {n} rows, but {len(ids)} items are listed; the two must belong together"
            )
        frequency = frequency or run.path / ITEM_FREQUENCY
    frequency = frequency or frequency_beside(file)
    if frequency is None:
        return ItemMatrix(file, matrix.values, ids, None, notes, run)
    counted = read_frequency(frequency, n, ids, matrix.cores)
    return ItemMatrix(file, matrix.values, ids or counted.ids, counted.counts, (*notes, *counted.notes), run)


def _run_file(path: Path, key: str | None, skip_rows: str | None) -> Path:
    for option, value in (("--key", key), ("--skip-rows", skip_rows)):
        if value is not None:
            raise UserError(f"{option} is for files; {path} is a run, whose rows are its items: leave it out")
    [run, *others] = find_runs(path)
    if others:
        raise UserError(f"{path} holds {1 + len(others)} runs; name one of them, such as {run.path}")
    if not (run.path / ITEM_EMBEDDINGS).exists():
        raise UserError(
            f"{run.path} has no {ITEM_EMBEDDINGS} yet; finish the run with `degen train … --resume`"
        )
    return run.path / ITEM_EMBEDDINGS


def _owner(path: Path) -> RunDirectory | None:
    """Return the run whose item embeddings, of the best or of another epoch, the file is."""
    if path.name == ITEM_EMBEDDINGS and is_run(path.parent):
        return RunDirectory(path.parent)
    if path.parent.name == EMBEDDINGS and is_run(path.parent.parent):
        return RunDirectory(path.parent.parent)
    return None
