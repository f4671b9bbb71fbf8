"""Read logs with one user per line, `user item item …`, oldest first, as S3Rec and its descendants write."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.ids import IdCoder
from degen.data.reading.open_log import open_text

_LINES = 4_096
"""Lines that are read at once."""


def read_user_lines(path: Path, separator: str | None, encoding: str) -> Interactions:
    """Read a log with one user per line. The items of a user on several lines are joined in that order.

    A separator None is any white space, as in `str.split`; ids with spaces need a tab.
    """
    users, items = IdCoder(), IdCoder()
    lengths: list[int] = []
    split: Callable[[str], list[str]] = str.split
    if separator is not None:
        # Dropping empty fields leaves nothing of a blank line, and forgives a separator too many.
        split = lambda line: [field for field in line.rstrip("\n").split(separator) if field]  # noqa: E731
    with open_text(path, encoding) as file:
        while lines := list(islice(file, _LINES)):
            rows = [row for row in map(split, lines) if row]
            users.add([row[0] for row in rows])
            lengths += [len(row) - 1 for row in rows]
            items.add([item for row in rows for item in row[1:]])
    line_codes, user_ids = users.finish()
    without_items = lengths.count(0)
    notes = (f"{without_items:,} lines have a user and no item and were left out",) if without_items else ()
    return Interactions(np.repeat(line_codes, lengths), user_ids, *items.finish(), None, notes)
