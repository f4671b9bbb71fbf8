"""One user a line, `user item item …`, oldest first, as S3Rec, FMLP-Rec, CoSeRec and BSARec have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from degen.data.interactions import Codes, IdCoder, Interactions
from degen.data.sources import open_text

_LINES = 4_096


def read_user_lines(path: Path, separator: str | None, encoding: str) -> Interactions:
    """Read a file of one user a line.

    Parameters
    ----------
    separator
        None for any white space, as `str.split` has it; ids with spaces need a tab.
    """
    users, items = IdCoder(), IdCoder()
    user_codes: list[Codes] = []
    without_items = 0
    with open_text(path, encoding) as file:
        while rows := list(map(_splitter(separator), islice(file, _LINES))):
            rows = [row for row in rows if row]
            without_items += sum(len(row) == 1 for row in rows)
            codes = users.add([row[0] for row in rows])
            lengths = np.fromiter((len(row) - 1 for row in rows), dtype=np.int64, count=len(rows))
            user_codes.append(np.repeat(codes, lengths))
            items.add([item for row in rows for item in row[1:]])
    notes = (f"{without_items:,} lines have a user and no item; they were left out",) if without_items else ()
    return Interactions(np.concatenate(user_codes), items.codes(), None, users.ids, items.ids, notes)


def _splitter(separator: str | None) -> Callable[[str], list[str]]:
    if separator is None:
        return str.split
    return lambda line: _fields(line.rstrip("\n").split(separator))


def _fields(fields: Iterable[str]) -> list[str]:
    # A blank line is one empty field; an empty field among others is a separator too many.
    return [field for field in fields if field]
