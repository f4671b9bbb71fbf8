"""Read word2vec's binary format: a line `n d`, then per row its id, a blank and d numbers of float32.

The original program ends each row with a line feed and gensim does not. Both are read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from degen.errors import UserError

_SIZE = re.compile(rb"(\d{1,12}) (\d{1,6})\n")
_CHUNK = 1 << 20
"""Minimum number of bytes that are read at once."""


def is_word2vec(path: Path) -> bool:
    """Return whether the file begins with the line `n d`."""
    with path.open("rb") as file:
        return _SIZE.match(file.read(32)) is not None


def read_word2vec(path: Path) -> tuple[npt.NDArray[np.float32], list[str]]:
    r"""Return the matrix, float32 [n, d], and its ids, in which bytes that are not UTF-8 read like `\xe9`.

    Raise a `UserError` where the file is shorter than its first line promises.
    """
    with path.open("rb") as file:
        size = _SIZE.match(file.readline())
        if size is None:
            raise UserError(f"{path} does not begin with its numbers of rows and columns; write it again")
        n, d = int(size[1]), int(size[2])
        if n * (4 * d + 1) > path.stat().st_size:
            raise _short(path, n)
        values = np.empty((n, d), dtype=np.float32)
        return values, _rows(path, file, values)


def _rows(path: Path, file: IO[bytes], values: npt.NDArray[np.float32]) -> list[str]:
    """Fill `values` and return the ids."""
    ids, buffer, at = [], b"", 0
    n, d = values.shape
    for row in range(n):
        while (blank := buffer.find(b" ", at)) < 0 or blank + 1 + 4 * d > len(buffer):
            more = file.read(max(_CHUNK, 4 * d))
            if not more:
                raise _short(path, n)
            buffer, at = buffer[at:] + more, 0
        ids.append(buffer[at:blank].lstrip(b"\n").decode(errors="backslashreplace"))
        values[row] = np.frombuffer(buffer, dtype="<f4", count=d, offset=blank + 1)
        at = blank + 1 + 4 * d
    return ids


def _short(path: Path, n: int) -> UserError:
    return UserError(f"{path} line 1 promises {n} rows, but fewer follow; write the whole file again")
