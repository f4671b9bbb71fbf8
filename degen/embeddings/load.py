"""Load a matrix from a file of any format, and check it.

    .npy                    numpy_files      an array of two dimensions
    .npz                    numpy_files      one of its arrays, chosen by `key` if several have two dimensions
    .safetensors .mat       safetensors …    likewise
    .pth .pt .ckpt .bin     checkpoint       a tensor of a PyTorch checkpoint, of which nothing is executed
    .h5 .hdf5 .keras        weights          an array of Keras or of any HDF5
    .kv .model .save .ftz   weights          models of gensim, RecTools and fastText, likewise
    .bin                    word2vec         word2vec's binary format, recognized by its first line
    .csv .tsv .txt .vec     text             one row per line, with or without header and ids; word2vec, GloVe
    .emb, .gz .bz2 .xz      text             node2vec's text; any of these, packed
    .itememb                text             RecBole's item embeddings
    .parquet                parquet          a column of lists, or one column of numbers per dimension
    .feather .arrow .ipc    parquet          the same in Arrow's own files
    .pkl .pickle            tabular.pickles  a DataFrame, an array or vectors by id, read as data
    .json .jsonl            tabular          rows, records, columns or vectors by id
    a folder                weights          a model of Hugging Face

`registry` has the formats as a table, and `tabular.roles` decides which columns of one are ids. Rows that are
not items (padding, masks) are left out if the project that wrote the file is known (`known_projects`), or as
`skip_rows` says. A matrix of 256 MiB or more that lies in one piece stays in its file (`file_rows`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from degen.embeddings.checks import as_floats, check_finite, energy_notes, refuse_counts, repeated_notes
from degen.embeddings.content import NO_IDS, Asked, Counts
from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.weights.known_matrix import Cores, KnownMatrix
from degen.embeddings.formats.weights.padding import Padding
from degen.embeddings.known_projects import parse_rows, rows_of
from degen.embeddings.registry import read_content
from degen.embeddings.sidecars import ids_beside, ids_file
from degen.shown import shown

_LISTED = 4
"""Maximum number of rows that a note lists one by one where they are in one piece."""


@dataclass(frozen=True)
class Matrix:
    """A matrix with one row per item.

    Attributes
    ----------
    values
        [n, d], with n ≥ 1 and d ≥ 1: float32 where the file holds floats of 32 bits or fewer, else float64.
        An array, or `FileRows` where the matrix stays in its file.
    ids
        the ids of the n rows, or None where the file has none.
    notes
        sentences about what was concluded or left out, and why.
    cores
        where items without ids are numbered by their first appearance in the filtered log, as RecBole does:
        the minimum actions per user and per item of the filters that may have been used. Empty otherwise.
    frequency
        int64 [n], where a column of the file says how often each row occurs.
    """

    values: Values | FileRows
    ids: list[str] | None = None
    notes: tuple[str, ...] = ()
    cores: Cores = ()
    frequency: Counts | None = None


def load_matrix(
    path: Path | str,
    key: str | None = None,
    skip_rows: str | None = None,
    *,
    ids: str | int | None = None,
    separator: str | None = None,
    finite: bool = True,
) -> Matrix:
    """Read a matrix [n, d] with one row per item.

    Parameters
    ----------
    path
        a file whose suffix names its format.
    key
        the name of an array, or of a column of lists. It is not needed if the file has one matrix, or if the
        project that wrote it is known.
    skip_rows
        rows to leave out because they are not items: `first`, `last`, `none`, or numbers separated by commas,
        where -1 is the last row. By default, those that the project that wrote a checkpoint is known to have,
        or a first or last row that is all zeros or was never trained. A note says which.
    ids
        the column of a table, or the array beside the matrix, that holds the ids: its name, or its number
        from 0, where -1 is the last. `none` says that every column of numbers is a dimension. By default, the
        column whose name or numbers leave no doubt.
    separator
        the sign between the fields of a text, or `tab` or `blank`. By default, the one that its first lines
        show.
    finite
        whether to refuse NaN and infinity. A matrix that stays in its file is not checked.

    Raises
    ------
    UserError
        one sentence with the mend: there is no such file, format, array or row; the file is damaged, or its
        content is not numbers, ragged, not finite, or not of two dimensions; a column may hold ids or not.
    """
    path = Path(path)
    chosen = None if skip_rows is None else parse_rows(skip_rows)
    asked = Asked(key, None if ids is None else str(ids), separator, ids_file(path) is not None)
    content = read_content(path, asked)
    values, known, counts = as_floats(path, content.values), content.known, content.frequency
    refuse_counts(path, values)
    n = len(values)
    names = None if ids == NO_IDS else content.ids or ids_beside(path, n)
    # A row with an id of its own is an item, whatever it looks like.
    padding = content.padding if names is None or content.ids is not None else None
    concluded = known.rows if known else padding.rows if padding else ()
    left_out = rows_of(path, concluded if chosen is None else chosen, n)
    notes = content.notes
    if chosen is None:
        notes += _notes(path, known, left_out) if known else _notes_on_rows(path, padding, values)
    values = _without(values, left_out)
    names = names and np.delete(np.array(names, dtype=object), left_out).tolist()
    counts = None if counts is None else np.delete(counts, left_out)
    if finite and isinstance(values, np.ndarray):
        check_finite(path, values, names)
    notes += repeated_notes(path, names) + energy_notes(path, values, content.columns)
    return Matrix(values, names, tuple(map(shown, notes)), known.cores if known else (), counts)


def _notes(path: Path, known: KnownMatrix, left_out: list[int]) -> tuple[str, ...]:
    """Return a note on the rows that a known project has beside its items, or on the doubt about them."""
    doubt = f"; {known.doubt}" if known.doubt else ""
    if left_out:
        rows = ", ".join(map(str, left_out))
        note = f"{path}: {known.key} of {known.project}, without rows that are no items ({rows}){doubt}"
        return (f"{note}; `skip_rows='none'` keeps all",)
    return (f"{path}: {known.key} of {known.project}, with all rows{doubt}",) if doubt else ()


def _notes_on_rows(path: Path, padding: Padding | None, values: Values | FileRows) -> tuple[str, ...]:
    """Return notes on rows that look like padding where the writer of the file is unknown."""
    if padding is not None and padding.rows:
        rows = _in_words(padding.rows)
        return (f"{path}: left out {rows}, as {padding.reason}; `skip_rows='none'` keeps all",)
    if padding is not None:
        return (f"{path}: {padding.reason}; `skip_rows` leaves rows out",)
    n = len(values)
    ends = {"first": values[0:1], "last": values[n - 1 : n]} if n > 1 else {}
    return tuple(
        f"{path}: the {name} row is all zeros, as a padding row is; `skip_rows={name!r}` leaves it out"
        for name, row in ends.items()
        if not row.any()
    )


def _in_words(rows: tuple[int, ...]) -> str:
    """Return increasing row numbers in words, many in one piece by the first and the last."""
    if len(rows) > _LISTED and rows[-1] - rows[0] + 1 == len(rows):
        return f"{rows[0]} … {rows[-1]}"
    return ", ".join(map(str, rows))


def _without(values: Values | FileRows, left_out: list[int]) -> Values | FileRows:
    if not left_out:
        return values
    if isinstance(values, FileRows):
        return replace(values, left_out=np.array(left_out, dtype=np.int64))
    kept = np.delete(np.arange(len(values)), left_out)
    in_one_piece = kept[-1] - kept[0] + 1 == len(kept)
    return values[kept[0] : kept[-1] + 1] if in_one_piece else values[kept]
