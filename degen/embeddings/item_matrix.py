"""A matrix of item embeddings with the ids and counts of its rows.

a run, its item_embeddings.npy or embeddings/e###.npy     with the run's ids and counts
any other file                                            as `degen.embeddings` reads it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from degen.embeddings import FileRows, load_matrix
from degen.embeddings.content import Counts
from degen.embeddings.file_options import FileOptions
from degen.embeddings.file_rows import Values
from degen.embeddings.formats import named_arrays
from degen.embeddings.frequency import read_frequency
from degen.embeddings.sidecars import frequency_beside
from degen.errors import UserError
from degen.runs.directory import (
    BEST,
    EMBEDDINGS,
    ITEM_EMBEDDINGS,
    ITEM_FREQUENCY,
    ITEMS,
    LAST,
    NEXT,
    PRETRAIN,
    RunDirectory,
    is_run,
)
from degen.runs.manifest import refuse_changed


@dataclass(frozen=True)
class ItemMatrix:
    """A matrix and what is known of its rows.

    `values` is float32 or float64 [n, d], or `FileRows` where it stays in its file `path`. The n `ids`, the
    `frequency`, int64 [n], and the `run` that it belongs to are None where unknown. `notes` has a sentence
    for each thing that was left out or concluded.
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

    def projectable(self) -> Values | FileRows:
        """Return the values; raise a `UserError` unless n ≥ d ≥ 2, which a projection needs."""
        n, d = self.values.shape
        if d < 2:
            raise UserError(
                f"{self.path} has {n} rows of {d} numbers; a projection needs at least two dimensions"
            )
        if n < d:
            known = self.ids is not None or self.frequency is not None
            mend = f"it needs {d} items" if known else "are its columns the items? Then transpose it"
            raise UserError(f"{self.path} has {n} rows of {d} numbers, fewer items than dimensions; {mend}")
        return self.values


def no_embeddings_yet(run: RunDirectory) -> UserError:
    """Return the error of a run whose first epoch has not finished."""
    return UserError(f"{run.path} has no {ITEM_EMBEDDINGS} yet; finish the run with `resume=True`")


def open_run(run: RunDirectory, frequency: Path | None = None, *, finite: bool = True) -> ItemMatrix:
    """Read the item embeddings of a run's best epoch.

    `frequency` is as in `load_frequency`, by default the run's own counts. `finite` refuses NaN and infinity.
    Raise a `UserError` where there are none yet, or a file is damaged or does not belong to the others.
    """
    if not run.has_embeddings:
        raise no_embeddings_yet(run)
    if frequency is None and (run.path / ITEM_EMBEDDINGS).stat().st_size < named_arrays.LARGE:
        # degen wrote these files, so they need no guessing. Whatever is unusual about them goes the long way,
        # which says what is wrong.
        refuse_changed(run.path, (ITEM_EMBEDDINGS, ITEMS, ITEM_FREQUENCY))
        values, ids, counts = run.item_embeddings, run.items, run.item_frequency
        usual = values.ndim == 2 and values.dtype == np.float32 and counts.dtype == np.int64
        if usual and len(values) == len(ids) == len(counts) and np.isfinite(values).all():
            return ItemMatrix(run.path / ITEM_EMBEDDINGS, values, ids, counts, (), run)
    return open_file(run.path / ITEM_EMBEDDINGS, FileOptions(frequency=frequency, finite=finite))


def open_file(path: Path, options: FileOptions | None = None) -> ItemMatrix:
    """Read a matrix file as `load_matrix` does; one of a run has the run's ids and counts.

    `options.frequency` is as in `load_frequency`, by default the counts of the run, those beside an export,
    or a column of the file itself.
    """
    options = options or FileOptions()
    if path.name in (BEST, LAST, NEXT, PRETRAIN) and options.key is None and is_run(path.parent):
        raise UserError(f"{path} is the model of a run; give the run, {path.parent}")
    # A run owns its item embeddings, of the best epoch and of others.
    owners = (
        (path.parent, path.name == ITEM_EMBEDDINGS),
        (path.parent.parent, path.parent.name == EMBEDDINGS),
    )
    run = next((RunDirectory(folder) for folder, fits in owners if fits and is_run(folder)), None)
    if run is not None:
        refuse_changed(run.path, (path.relative_to(run.path).as_posix(), ITEMS, ITEM_FREQUENCY))
    matrix = load_matrix(
        path,
        options.key,
        options.skip_rows,
        ids=options.ids,
        separator=options.separator,
        finite=options.finite,
    )
    frequency = options.frequency
    n, ids, notes = len(matrix.values), matrix.ids, matrix.notes
    if run is not None:
        ids = run.items
        if len(ids) != n:
            raise UserError(
                f"{path} has {n} rows, but {len(ids)} items are listed; the two must belong together"
            )
        frequency = frequency or run.path / ITEM_FREQUENCY
    frequency = frequency or frequency_beside(path)
    if frequency is None:
        return ItemMatrix(path, matrix.values, ids, matrix.frequency, notes, run)
    counts, log_ids, more = read_frequency(frequency, n, ids, matrix.cores, str(path))
    return ItemMatrix(path, matrix.values, ids or log_ids, counts, (*notes, *more), run)
