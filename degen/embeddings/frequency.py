"""How often each item occurs, for the colours: a count a row, or a count an id."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.embeddings.binary import read_npy
from degen.embeddings.matrix import check_file
from degen.embeddings.text import DELIMITERS, is_number, numbered_lines, numbers
from degen.errors import UserError

Counts = npt.NDArray[np.int64]


def load_frequency(path: Path | str, n: int, ids: list[str] | None = None) -> Counts:
    """Read how often each of `n` items occurs; return int64 [n], all ≥ 0.

    Parameters
    ----------
    path
        `.npy` with n whole numbers, or text (`.txt .csv .tsv`): a count a line in the order of the rows, or
        an id and a count a line in any order, of which those that `ids` lacks are passed over. A first line
        of words is a header.
    n
        rows of the matrix.
    ids
        their ids, to be matched with those of the file.

    Raises
    ------
    UserError
        one sentence with the mend: no such file or format, not whole numbers ≥ 0, not n of them, an id
        without a count or with two.
    """
    path = Path(path)
    check_file(path, [".npy", *DELIMITERS])
    binary = path.suffix.lower() == ".npy"
    counts = _whole_numbers(path, read_npy(path)) if binary else _read_text(path, ids)
    if counts.shape != (n,):
        raise UserError(
            f"{path} has counts of shape {list(counts.shape)} for {n} rows; give one count for each row"
        )
    return counts


def _read_text(path: Path, ids: list[str] | None) -> Counts:
    lines = list(numbered_lines(path))
    if lines and not is_number(lines[0][1][-1]):
        del lines[0]
    if not lines:
        raise UserError(f"{path} holds no counts; write one a line")
    values = [numbers(path, number, fields[-1:])[0] for number, fields in lines]
    counts = _whole_numbers(path, np.array(values))
    names = [" ".join(fields[:-1]) for _, fields in lines]
    if not any(names):
        return counts
    if ids is None:
        raise UserError(
            f"{path} counts by id, but the matrix has no ids; write one count a line, in row order"
        )
    return _by_id(path, names, counts, ids)


def _by_id(path: Path, names: list[str], counts: Counts, ids: list[str]) -> Counts:
    count = dict(zip(names, counts.tolist(), strict=True))
    if len(count) < len(names):
        [(twice, _)] = Counter(names).most_common(1)
        raise UserError(f"{path} counts {twice!r} more than once; leave one line for each id")
    missing = [name for name in ids if name not in count]
    if missing:
        raise UserError(
            f"{path} has no count for {len(missing)} of the {len(ids)} ids of the matrix, such as "
            f"{missing[0]!r}; add a line for each, with 0 if it never occurs"
        )
    return np.array([count[name] for name in ids], dtype=np.int64)


def _whole_numbers(path: Path, values: npt.NDArray[Any]) -> Counts:
    if values.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {values.dtype}; save whole numbers, such as int64")
    whole = np.isfinite(values) & (values >= 0) & (values < 2**63) & (values == np.floor(values))
    if not whole.all():
        raise UserError(f"{path} holds {values[~whole].flat[0]}; a frequency is a whole number, 0 or more")
    return np.asarray(values, dtype=np.int64)
