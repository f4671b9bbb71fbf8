"""Load a matrix from a file of any format, and check it.

    .npy                    numpy_files    an array of two dimensions
    .npz                    numpy_files    one of its arrays, chosen by `key` if several have two dimensions
    .safetensors            safetensors    likewise
    .pth .pt .ckpt .bin     checkpoint     a tensor of a PyTorch checkpoint, of which nothing is executed
    .kv                     checkpoint     gensim's KeyedVectors, likewise
    .bin                    word2vec       word2vec's binary format, recognized by its first line
    .csv .tsv .txt .vec     text           one row per line, with or without header and ids; word2vec, GloVe
    .itememb                text           RecBole's item embeddings
    .parquet                parquet        a column of lists, or one column of numbers per dimension

Rows that are not items (padding, masks) are left out if the project that wrote the file is known
(`known_projects`), or as `skip_rows` says. A matrix of 256 MiB or more that lies in one piece stays in its
file (`file_rows`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from degen.embeddings.file_rows import FileRows, Values, float_type
from degen.embeddings.formats.checkpoint import open_checkpoint, open_pickled
from degen.embeddings.formats.named_arrays import ArrayFile, choose
from degen.embeddings.formats.numpy_files import open_npz, read_npy
from degen.embeddings.formats.parquet import read_parquet
from degen.embeddings.formats.pickled_arrays import plain_list
from degen.embeddings.formats.safetensors import open_safetensors
from degen.embeddings.formats.text import DELIMITERS, read_itememb, read_text
from degen.embeddings.formats.word2vec import is_word2vec, read_word2vec
from degen.embeddings.known_projects import Cores, KnownMatrix, known_matrices, parse_rows, rows_of
from degen.embeddings.sidecars import ids_beside
from degen.errors import UserError, nearest

_ARCHIVES: dict[str, Callable[[Path], ArrayFile]] = {
    ".npz": open_npz,
    ".safetensors": open_safetensors,
    **dict.fromkeys((".pth", ".pt", ".ckpt", ".bin"), open_checkpoint),
    ".kv": open_pickled,
}
_SUFFIXES = [".npy", *_ARCHIVES, *DELIMITERS, ".itememb", ".parquet"]


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
        sentences about rows that were left out, and why.
    cores
        where items without ids are numbered by their first appearance in the filtered log, as RecBole does:
        the minimum actions per user and per item of the filters that may have been used. Empty otherwise.
    """

    values: Values | FileRows
    ids: list[str] | None = None
    notes: tuple[str, ...] = ()
    cores: Cores = ()


def load_matrix(
    path: Path | str, key: str | None = None, skip_rows: str | None = None, *, finite: bool = True
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
        where -1 is the last row. By default, those that the project that wrote a checkpoint is known to have.
    finite
        whether to refuse NaN and infinity. A matrix that stays in its file is not checked.

    Raises
    ------
    UserError
        one sentence with the mend: there is no such file, format, array or row; the file is damaged, or its
        content is not numbers, ragged, not finite, or not of two dimensions.
    """
    path = Path(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise UserError(
            f"{path}: its suffix '{path.suffix}' names no format that can be read here"
            f"{nearest(path.suffix, _SUFFIXES)}; save it as .npy with numpy.save"
        )
    check_exists(path)
    chosen = None if skip_rows is None else parse_rows(skip_rows)
    values, ids, known = _read(path, key)
    values = _as_floats(path, values)
    n = len(values)
    ids = ids or ids_beside(path, n)
    left_out = rows_of(path, chosen if chosen is not None else known.rows if known else (), n)
    notes = _notes(path, known, left_out, values) if chosen is None else ()
    if left_out:
        values = _without(values, left_out)
        gone = set(left_out)
        ids = None if ids is None else [name for row, name in enumerate(ids) if row not in gone]
    if finite and isinstance(values, np.ndarray):
        _check_finite(path, values, ids)
    return Matrix(values, ids, notes, known.cores if known else ())


def check_exists(path: Path) -> None:
    """Raise a `UserError` unless `path` is a file."""
    if not path.is_file():
        raise UserError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; give the path of a file"
        )


def _read(path: Path, key: str | None) -> tuple[Values | FileRows, list[str] | None, KnownMatrix | None]:
    """Return the matrix with all its rows, their ids, and the known project that wrote it."""
    suffix = path.suffix.lower()
    binary = suffix == ".bin" and is_word2vec(path)
    if suffix in _ARCHIVES and not binary:
        return _from_archive(path, _ARCHIVES[suffix](path), key)
    if suffix == ".parquet":
        return *read_parquet(path, key), None
    if key is not None:
        raise UserError(f"{path} holds one matrix only; leave out `key={key!r}`")
    if suffix == ".npy":
        return read_npy(path), None, None
    if binary:
        return *read_word2vec(path), None
    return *(read_itememb(path) if suffix == ".itememb" else read_text(path)), None


def _from_archive(
    path: Path, file: ArrayFile, key: str | None
) -> tuple[Values | FileRows, list[str] | None, KnownMatrix | None]:
    matrices = known_matrices(file)
    name = choose(path, file, key, matrices[0].key if len(matrices) == 1 else None)
    known = next((known for known in matrices if known.key == name), None)
    values = file.arrays[name].read()
    ids = known.ids if known else None
    if name == "vectors":
        ids = plain_list(file.about.get("index_to_key"))
    belong = ids is not None and values.shape[:1] == (len(ids),)
    return values, ids if belong else None, known


def _as_floats(path: Path, values: Values | FileRows) -> Values | FileRows:
    """Return a matrix of real numbers as float32 or float64 of this machine."""
    if isinstance(values, FileRows):
        return values
    if values.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {values.dtype}; save real numbers, such as float32")
    if values.ndim != 2:
        raise UserError(f"{path} has shape {list(values.shape)}; save two dimensions, one row per item")
    if 0 in values.shape:
        n, d = values.shape
        raise UserError(f"{path} has {n} rows of {d} numbers; save one row of numbers per item")
    return values.astype(float_type(values.dtype.str), copy=False)


def _notes(
    path: Path, known: KnownMatrix | None, left_out: list[int], values: Values | FileRows
) -> tuple[str, ...]:
    """Return notes on rows that were left out, or on rows of zeros if the writer of the file is unknown."""
    if known is not None:
        doubt = f"; {known.doubt}" if known.doubt else ""
        rows = ", ".join(map(str, left_out))
        note = f"{path}: {known.key} of {known.project}, without rows that are no items ({rows}){doubt}"
        return (f"{note}; `skip_rows='none'` keeps all",) if left_out else ()
    n = len(values)
    ends = {"first": values[0:1], "last": values[n - 1 : n]} if n > 1 else {}
    return tuple(
        f"{path}: the {name} row is all zeros, as a padding row is; `skip_rows={name!r}` leaves it out"
        for name, row in ends.items()
        if not row.any()
    )


def _without(values: Values | FileRows, left_out: list[int]) -> Values | FileRows:
    if isinstance(values, FileRows):
        return replace(values, left_out=np.array(left_out, dtype=np.int64))
    kept = np.delete(np.arange(len(values)), left_out)
    in_one_piece = kept[-1] - kept[0] + 1 == len(kept)
    return values[kept[0] : kept[-1] + 1] if in_one_piece else values[kept]


def _check_finite(path: Path, values: Values, ids: list[str] | None) -> None:
    """Raise a `UserError` naming the first row that is not finite, if there is one."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        name = f" (id {ids[bad[0]]!r})" if ids else ""
        others = f" and in {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UserError(
            f"{path} holds NaN or infinity in row {bad[0]}{name}, counted from 0,{others or ' only'}; "
            "remove what is not finite"
        )
