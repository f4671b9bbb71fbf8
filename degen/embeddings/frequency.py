"""Read the frequency of each item of a matrix, from a file of counts or from the log itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from degen.data.interactions import Interactions
from degen.data.reading.columns import named_columns
from degen.data.reading.ids import by_appearance
from degen.data.reading.read import read_interactions
from degen.data.sequences import k_core
from degen.embeddings.content import Counts
from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.named_arrays import choose
from degen.embeddings.formats.numpy_files import open_npz, read_npy
from degen.embeddings.formats.parquet import column_names, read_column
from degen.embeddings.formats.safetensors import open_safetensors
from degen.embeddings.formats.text import DELIMITERS, ID_NAMES, is_number, numbered_lines, numbers
from degen.embeddings.known_projects import Cores
from degen.embeddings.registry import check_exists
from degen.errors import UserError, nearest

_ARRAYS = {".npz": open_npz, ".safetensors": open_safetensors}
_TABLES = (".csv", ".tsv", ".parquet")
_COUNTED = [".npy", *DELIMITERS, *_ARRAYS, ".parquet"]


def load_frequency(path: Path | str, n: int, ids: list[str] | None = None) -> Counts:
    """Read the frequency of each of `n` items, int64 [n], at least 0.

    Parameters
    ----------
    path
        One of these: `.npy` with n whole numbers. Text (`.txt .csv .tsv`) with one count per line, in the
        order of the rows, or with an id and a count per line, in any order; ids that the matrix lacks are
        ignored, and a first line of words is a header. `FILE:COLUMN`, a column of `.csv .tsv .parquet`, by
        id where both table and matrix have ids and by row otherwise, or an array of `.npz .safetensors`. Any
        other file, and a table that names user and item, is an interaction log whose actions are counted; an
        id that it lacks has frequency 0.
    n
        number of rows of the matrix.
    ids
        the ids of the rows, to be matched with those of the file.

    Raises
    ------
    UserError
        where there is no such file or column, the numbers are not n whole numbers of at least 0, or an id has
        no count or two.
    """
    return read_frequency(path, n, ids)[0]


def read_frequency(
    path: Path | str, n: int, ids: list[str] | None = None, cores: Cores = ()
) -> tuple[Counts, list[str] | None, tuple[str, ...]]:
    """Read frequencies as `load_frequency` does, and return the ids where a log tells them, and notes too.

    `cores` are those of the matrix, by which rows without ids are found in a log (see `_log_counts`).
    """
    file, colon, column = str(path).rpartition(":")
    # The name of a file may contain a colon.
    whole = Path(path).exists() or not Path(file).suffix or not (colon and column)
    path = Path(path if whole else file)
    check_exists(path)
    if whole and _is_log(path):
        return _log_counts(path, n, ids, cores)
    counts = _counts(path, ids) if whole else _column(path, column, ids)
    if len(counts) != n:
        raise UserError(f"{path} has {len(counts)} counts for {n} rows; give one count for each row")
    return counts, None, ()


def _is_log(path: Path) -> bool:
    """Return whether a file is a log, by its suffix, or because its columns name user and item."""
    suffix = path.suffix.lower()
    if suffix not in _TABLES:
        return suffix not in _COUNTED
    names = column_names(path) if suffix == ".parquet" else next(numbered_lines(path), (0, [""]))[1]
    return named_columns(names) is not None


def _counts(path: Path, ids: list[str] | None) -> Counts:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _whole_numbers(path, read_npy(path))
    if suffix in DELIMITERS:
        return _read_text(path, ids)
    raise UserError(f"{path} has columns or arrays: name the one of counts, as {path}:NAME")


def _column(path: Path, column: str, ids: list[str] | None) -> Counts:
    suffix = path.suffix.lower()
    if suffix in _ARRAYS:
        file = _ARRAYS[suffix](path)
        return _whole_numbers(path, file.arrays[choose(path, file, column, None)].read())
    if suffix not in _TABLES:
        raise UserError(f"{path} has no columns; leave out :{column}")
    values, names = read_column(path, column) if suffix == ".parquet" else _text_column(path, column)
    counts = _whole_numbers(path, values)
    return counts if names is None or ids is None else _by_id(path, names, counts, ids)


def _text_column(path: Path, column: str) -> tuple[npt.NDArray[np.float64], list[str] | None]:
    """Return a column of a table with a header, and the ids of its rows, if any."""
    lines = numbered_lines(path)
    header = [name.strip() for name in next(lines, (0, [""]))[1]]
    if column not in header:
        raise UserError(f"{path} has no column '{column}'{nearest(column, header)}")
    position = header.index(column)
    id_position = next((at for at, name in enumerate(header) if name.lower() in ID_NAMES), None)
    values, ids = [], []
    for number, fields in lines:
        if len(fields) != len(header):
            raise UserError(
                f"{path} line {number} has {len(fields)} columns where {len(header)} are expected; give "
                "every row the same number"
            )
        values += numbers(path, number, fields[position : position + 1])
        ids.append(fields[id_position] if id_position is not None else "")
    return np.array(values), None if id_position is None else ids


def _read_text(path: Path, ids: list[str] | None) -> Counts:
    lines = list(numbered_lines(path))
    if lines and not is_number(lines[0][1][-1]):
        del lines[0]
    if not lines:
        raise UserError(f"{path} holds no counts; write one per line")
    values = [numbers(path, number, fields[-1:])[0] for number, fields in lines]
    counts = _whole_numbers(path, np.array(values))
    names = [" ".join(fields[:-1]) for _, fields in lines]
    if not any(names):
        return counts
    if ids is None:
        raise UserError(
            f"{path} counts by id, but the matrix has no ids; write one count per line, in row order"
        )
    return _by_id(path, names, counts, ids)


def _by_id(path: Path, names: Sequence[str], counts: Counts, ids: list[str]) -> Counts:
    count = dict(zip(names, counts.tolist(), strict=True))
    if len(count) < len(names):
        [(repeated, _)] = Counter(names).most_common(1)
        raise UserError(f"{path} counts {repeated!r} more than once; leave one line for each id")
    missing = [name for name in ids if name not in count]
    if missing:
        raise UserError(
            f"{path} has no count for {len(missing)} of the {len(ids)} ids of the matrix, such as "
            f"{missing[0]!r}; add a line for each, with 0 if it never occurs"
        )
    return np.array([count[name] for name in ids], dtype=np.int64)


def _whole_numbers(path: Path, values: Values | FileRows) -> Counts:
    if isinstance(values, FileRows) or values.ndim != 1:
        raise UserError(f"{path} has counts of shape {list(values.shape)}; give one count for each row")
    if values.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {values.dtype}; save whole numbers, such as int64")
    valid = np.isfinite(values) & (values >= 0) & (values < 2**63) & (values == np.floor(values))
    if not valid.all():
        raise UserError(f"{path} holds {values[~valid].flat[0]}; a frequency is a whole number, 0 or more")
    return np.asarray(values, dtype=np.int64)


def _log_counts(
    path: Path, n: int, ids: list[str] | None, cores: Cores
) -> tuple[Counts, list[str], tuple[str, ...]]:
    """Return the frequencies of `n` items in the log at `path`, int64 [n], their ids, and notes.

    Without ids, each of `cores` (minimum actions per user and per item) is tried as the filter after which
    the items were numbered by their first appearance. The first that leaves n items is taken.
    """
    log = read_interactions(path)
    if ids is not None:
        return _by_log_id(path, log, ids)
    if not cores:
        raise UserError(
            f"{path} counts by item, but the matrix has no ids; give it ids, or counts in row order"
        )
    left = []
    for min_user, min_item in cores:
        items = log.items[k_core(log.users, log.items, min_user, min_item)]
        codes, order = by_appearance(items, len(log.item_ids))
        if len(order) == n:
            core = (
                f"its core of {min_user} actions per user and {min_item} per item"
                if min_user + min_item
                else "it"
            )
            note = f"{path}: ids and counts as RecBole numbers the items of {core}, by first appearance"
            return np.bincount(codes, minlength=n), [log.item_ids[item] for item in order.tolist()], (note,)
        left.append(f"{len(order)} items with at least {min_user} actions per user and {min_item} per item")
    raise UserError(
        f"{path} has {', '.join(left)}, and the matrix has {n} rows; give the log as it was filtered for "
        "training, so that RecBole's numbers can be rebuilt"
    )


def _by_log_id(path: Path, log: Interactions, ids: list[str]) -> tuple[Counts, list[str], tuple[str, ...]]:
    count = dict(zip(log.item_ids, np.bincount(log.items, minlength=len(log.item_ids)).tolist(), strict=True))
    counts = np.array([count.get(name, 0) for name in ids], dtype=np.int64)
    if not counts.any():
        raise UserError(
            f"{path} has none of the ids of the matrix, such as {ids[0]!r} (its own are like "
            f"{log.item_ids[0]!r}); give the log that the matrix was trained on"
        )
    return counts, ids, (f"{path}: every action of the log is counted",)
