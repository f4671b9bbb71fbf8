"""Read a matrix from a file of named arrays, with the ids and counts that stand beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from degen.embeddings.content import NO_IDS, Asked, Content, Counts
from degen.embeddings.formats.named_arrays import ArrayFile, choose
from degen.embeddings.formats.tabular.cells import LISTED, as_ids
from degen.embeddings.formats.tabular.names import best_id, is_frequency
from degen.embeddings.formats.weights.padding import padding_at_ends
from degen.embeddings.known_projects import known_matrices
from degen.errors import UserError


def read_archive(path: Path, file: ArrayFile, asked: Asked, *, ids_beside: bool = False) -> Content:
    """Return the matrix that `asked.key` names, or the only one, and the ids that its writer put beside it.

    With `ids_beside`, an array of the file may hold the ids, by `asked.ids` or by its name, and another the
    counts. Raise a `UserError` that lists the arrays where there is no such matrix or more than one.
    """
    matrices = known_matrices(file)
    usual = [known.key for known in matrices if known.usual]
    name = choose(path, file, asked.key, file.usual or (usual[0] if len(usual) == 1 else None))
    known = next((known for known in matrices if known.key == name), None)
    values = file.arrays[name].read()
    ids = known.ids if known else file.ids.get(name)
    if ids is not None and values.shape[:1] != (len(ids),):
        ids = None
    counts: Counts | None = None
    notes = _on_the_choice(path, file, name) if asked.key is None else []
    if ids is None and ids_beside and values.ndim == 2:
        ids, of_ids = _ids(path, file, asked, len(values))
        counts, of_counts = _counts(path, file, len(values))
        notes += of_ids + of_counts
    by_rows = known is None and ids is None and file.trained
    padding = padding_at_ends(file, name, values) if by_rows else None
    return Content(values, ids, counts, tuple(notes), known=known, padding=padding)


def _on_the_choice(path: Path, file: ArrayFile, name: str) -> list[str]:
    """Return a note on the matrix that was taken by its name in the format, where there are others."""
    matrices = [each for each, stored in file.arrays.items() if len(stored.shape) == 2]
    if name != file.usual or len(matrices) < 2:
        return []
    return [f"{path}: the matrix is {name}; `key` chooses another of {len(matrices)}"]


def _ids(path: Path, file: ArrayFile, asked: Asked, n: int) -> tuple[list[str] | None, list[str]]:
    """Return the ids in an array of the file, and notes."""
    if asked.ids == NO_IDS:
        return None, []
    if asked.ids is not None:
        name = choose(path, file, asked.ids, None)
        if (ids := _as_ids(file, name, n)) is None:
            raise UserError(f"{path}: '{name}' holds no ids for {n} rows; name another array with `ids`")
        return ids, []
    names = _beside(file, n)
    best = best_id([each.rpartition(".")[2] for each in names])
    ids = None if best is None else _as_ids(file, names[best], n)
    if best is None or ids is None:
        maybe = [name for name in names if not is_frequency(name) and _as_ids(file, name, n)]
        shown = ", ".join(map(repr, maybe[:LISTED])) + (", …" if len(maybe) > LISTED else "")
        return None, [f"{path}: {shown} may hold ids; `ids` names the array"] if maybe else []
    return ids, [f"{path}: ids are in '{names[best]}'; `ids='none'` leaves them"]


def _counts(path: Path, file: ArrayFile, n: int) -> tuple[Counts | None, list[str]]:
    names = [name for name in _beside(file, n) if is_frequency(name)]
    counts = file.arrays[names[0]].read() if len(names) == 1 else None
    if not isinstance(counts, np.ndarray) or counts.dtype.kind not in "iu" or (counts < 0).any():
        return None, []
    return counts.reshape(-1).astype(np.int64), [f"{path}: '{names[0]}' is read as the frequency"]


def _beside(file: ArrayFile, n: int) -> list[str]:
    """Return the names of arrays with a cell for each of `n` rows; MATLAB's columns have two dimensions."""
    shapes = ((n,), (n, 1), (1, n))
    return [name for name, stored in file.arrays.items() if stored.shape in shapes]


def _as_ids(file: ArrayFile, name: str, n: int) -> list[str] | None:
    """Return an array as `n` ids: text, or whole numbers; None where it holds something else."""
    if name not in _beside(file, n):
        return None
    try:
        cells = file.arrays[name].read()
    except UserError:  # objects, which are never unpickled
        return None
    cells = np.asarray(cells[:]).reshape(-1)
    if cells.dtype.kind == "S":
        return [word.decode("utf-8", errors="backslashreplace") for word in cells.tolist()]
    whole = cells.dtype.kind in "iuU" or (cells.dtype.kind == "f" and (cells == np.floor(cells)).all())
    return as_ids(cells) if whole else None
