"""Read the frequency of each item of a matrix, from a file of counts or from the log itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.columns import named_columns
from degen.data.reading.ids import by_appearance
from degen.data.reading.read import read_interactions
from degen.data.sequences import k_core
from degen.embeddings.content import Counts
from degen.embeddings.formats.named_arrays import choose
from degen.embeddings.formats.numpy_files import open_npz, read_npy
from degen.embeddings.formats.parquet import TABLES
from degen.embeddings.formats.safetensors import open_safetensors
from degen.embeddings.formats.tabular.counts import table_counts, text_counts, whole_numbers
from degen.embeddings.formats.tabular.lines import DELIMITERS, PACKED, numbered_lines, suffix_of
from degen.embeddings.formats.tabular.names import is_frequency
from degen.embeddings.formats.text import text_table
from degen.embeddings.formats.weights.known_matrix import Cores
from degen.embeddings.registry import check_exists
from degen.errors import UserError

_ARRAYS = {".npz": open_npz, ".safetensors": open_safetensors}
_TABLES = (".csv", ".tsv", *TABLES)
_COUNTED = [".npy", *DELIMITERS, *_ARRAYS, *TABLES]
_LOOKED_AT = 1000
"""Lines by which a packed text of counts is told from a log."""


def load_frequency(path: Path | str, n: int, ids: list[str] | None = None) -> Counts:
    """Read the frequency of each of `n` items, int64 [n], at least 0.

    Parameters
    ----------
    path
        One of these: `.npy` with n whole numbers. Text (`.txt .csv .tsv`, packed or not) with one count per
        line, in the order of the rows, or with an id and a count per line, in any order; ids that the matrix
        lacks are ignored, and a first line of words is a header. `FILE:COLUMN`, a column of `.csv .tsv
        .parquet .feather` by name or number from 0, by id where both table and matrix have ids and by row
        otherwise, or an array of `.npz .safetensors`. Any other file, and a table that names user and item,
        is an interaction log whose actions are counted; an id that it lacks has frequency 0.
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
    path: Path | str, n: int, ids: list[str] | None = None, cores: Cores = (), of: str = "the matrix"
) -> tuple[Counts, list[str] | None, tuple[str, ...]]:
    """Read frequencies as `load_frequency` does, and return the ids where a log tells them, and notes too.

    `cores` are those of the matrix, by which rows without ids are found in a log (see `_log_counts`). Errors
    call it `of`.
    """
    file, colon, column = str(path).rpartition(":")
    # The name of a file may contain a colon.
    whole = Path(path).exists() or not Path(file).suffix or not (colon and column)
    path = Path(path if whole else file)
    check_exists(path)
    if whole and _is_log(path):
        return _log_counts(path, n, ids, cores, of)
    counts, names = _counts(path) if whole else _column(path, column)
    if names is not None and ids is not None:
        return _by_id(path, names, counts, ids, of), None, ()
    if names is not None and whole:
        raise UserError(f"{path} counts by id, but {of} has no ids; write one count per line, in row order")
    if len(counts) != n:
        mend = "one count for each row" if ids is None else "an id and a count per line"
        raise UserError(
            f"{path} has {len(counts):,} counts for the {n:,} rows of {of}; give {mend}, or leave out "
            "`frequency`"
        )
    return counts, None, ()


def _is_log(path: Path) -> bool:
    """Return whether a file is a log, by its suffix, or because its columns name user and item.

    A packed text without such names is a log too, unless it has one or two fields a line and no id twice.
    """
    suffix = suffix_of(path)
    if suffix not in _TABLES:
        return suffix not in _COUNTED or (path.suffix.lower() in PACKED and not _maybe_counts(path))
    if suffix in TABLES:
        with TABLES[suffix](path) as table:
            return named_columns([column.name for column in table.columns]) is not None
    names = next(numbered_lines(path), (0, [""]))[1]
    if named_columns(names) is not None:
        return True
    return path.suffix.lower() in PACKED and not _maybe_counts(path)


def _maybe_counts(path: Path) -> bool:
    rows = [fields for _, fields in islice(numbered_lines(path), _LOOKED_AT)]
    names = Counter(fields[0] for fields in rows if len(fields) > 1)
    return all(len(fields) <= 2 for fields in rows) and max(names.values(), default=1) == 1


def _counts(path: Path) -> tuple[Counts, Sequence[str] | None]:
    suffix = suffix_of(path)
    if suffix == ".npy":
        return whole_numbers(path, read_npy(path)), None
    if suffix in DELIMITERS:
        return text_counts(path)
    if suffix in TABLES:
        with TABLES[suffix](path) as table:
            named = [column.name for column in table.columns if is_frequency(column.name)]
            if len(named) == 1:
                return table_counts(table, named[0])
    raise UserError(f"{path} has columns or arrays: name the one of counts, as {path}:NAME")


def _column(path: Path, column: str) -> tuple[Counts, Sequence[str] | None]:
    suffix = suffix_of(path)
    if suffix in _ARRAYS:
        file = _ARRAYS[suffix](path)
        return whole_numbers(path, file.arrays[choose(path, file, column, None)].read()), None
    if suffix in TABLES:
        with TABLES[suffix](path) as table:
            return table_counts(table, column)
    if suffix in _TABLES:
        return table_counts(text_table(path), column)
    raise UserError(f"{path} has no columns; leave out :{column}")


def _by_id(path: Path, names: Sequence[str], counts: Counts, ids: list[str], of: str) -> Counts:
    count = dict(zip(names, counts.tolist(), strict=True))
    if len(count) < len(names):
        [(repeated, _)] = Counter(names).most_common(1)
        raise UserError(f"{path} counts {repeated!r} more than once; leave one line for each id")
    missing = [name for name in ids if name not in count]
    if names and len(missing) == len(ids):
        raise UserError(
            f"{path} has none of the ids of {of}, such as {ids[0]!r} (its own are like {names[0]!r}); give "
            "counts of these items, or leave out `frequency`"
        )
    if missing:
        raise UserError(
            f"{path} has no count for {len(missing):,} of the {len(ids):,} ids of {of}, such as "
            f"{missing[0]!r}; add a line for each, with 0 if it never occurs"
        )
    return np.array([count[name] for name in ids], dtype=np.int64)


def _log_counts(
    path: Path, n: int, ids: list[str] | None, cores: Cores, of: str
) -> tuple[Counts, list[str], tuple[str, ...]]:
    """Return the frequencies of `n` items in the log at `path`, int64 [n], their ids, and notes.

    Without ids, each of `cores` (minimum actions per user and per item) is tried as the filter after which
    the items were numbered by their first appearance. The first that leaves n items is taken.
    """
    log = read_interactions(path)
    if ids is not None:
        return _by_log_id(path, log, ids, of)
    if not cores:
        raise UserError(f"{path} counts by item, but {of} has no ids; give it ids, or counts in row order")
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
        f"{path} has {', '.join(left)}, and {of} has {n} rows; give the log as it was filtered for "
        "training, so that RecBole's numbers can be rebuilt"
    )


def _by_log_id(
    path: Path, log: Interactions, ids: list[str], of: str
) -> tuple[Counts, list[str], tuple[str, ...]]:
    count = dict(zip(log.item_ids, np.bincount(log.items, minlength=len(log.item_ids)).tolist(), strict=True))
    counts = np.array([count.get(name, 0) for name in ids], dtype=np.int64)
    if not counts.any():
        raise UserError(
            f"{path} has none of the ids of {of}, such as {ids[0]!r} (its own are like "
            f"{log.item_ids[0]!r}); give the log that the matrix was trained on"
        )
    return counts, ids, (f"{path}: every action of the log is counted",)
