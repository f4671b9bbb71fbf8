"""Read any supported log: guess its format, call that format's reader, and note what was inferred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from degen.data.interactions import Interactions
from degen.data.reading.actions import check_lines
from degen.data.reading.guess_format import guess_format
from degen.data.reading.ids import IdCoder
from degen.data.reading.objects.json_lines import read_json_lines
from degen.data.reading.open_log import open_text, stem
from degen.data.reading.parquet import read_parquet_log
from degen.data.reading.shapes.layout import Layout
from degen.data.reading.table import TableReader
from degen.data.reading.told import Told
from degen.errors import UserError

_LINES = 4_096
"""Lines of users that are read at once."""


def read_interactions(path: Path, told: Told | None = None) -> Interactions:
    """Read a log; raise a `UserError` with the file, the line and the mend where that fails."""
    told = told or Told()
    layout = guess_format(path, told)
    try:
        # UTF-8, with or without the byte-order mark that spreadsheets write.
        log = _read(path, layout, told, "utf-8-sig")
        encoding: tuple[str, ...] = ()
    except UnicodeDecodeError:
        log = _read(path, layout, told, "latin-1")
        encoding = ("it is not UTF-8 and was read as Latin-1",)
    if not len(log.users):
        raise UserError(f"{path} was read as {layout.summary} and holds no interaction")
    order: tuple[str, ...] = ()
    if log.times is None and layout.shape != "sequences":
        order = ("no times are read: the order of the file is taken as the order in time",)
    if layout.shape == "sequences" and stem(path).endswith("_sample"):
        order = (
            "files named *_sample hold candidates for ranking where this format comes from: is this the log?",
        )
    notes = (f"read as {layout.summary}", *encoding, *log.notes, *layout.notes, *order)
    return replace(log, notes=notes)


def _read(path: Path, layout: Layout, told: Told, encoding: str) -> Interactions:
    if layout.shape == "parquet":
        return read_parquet_log(path, told)
    if layout.shape == "json":
        return read_json_lines(path, told, encoding)
    if layout.shape == "sequences":
        return _read_user_lines(path, layout, encoding)
    assert layout.columns is not None
    table = TableReader(
        path,
        layout.separator,
        layout.columns,
        layout.width,
        header=layout.header,
        comments=layout.comments,
        time_format=told.time_format,
    )
    return table.read(encoding)


def _read_user_lines(path: Path, layout: Layout, encoding: str) -> Interactions:
    """Read a log with one user per line, oldest first, as S3Rec and its descendants write.

    The items of a user on several lines are joined in that order. A separator None is any white space, as in
    `str.split`; ids with spaces need a tab.
    """
    users, items = IdCoder(), IdCoder()
    lengths: list[int] = []
    separator = layout.separator
    # Dropping empty fields leaves nothing of a blank line, and forgives a separator too many.
    split: Callable[[str], list[str]] = (
        str.split
        if separator is None
        else lambda line: [field for field in line.rstrip("\n").split(separator) if field]
    )
    with open_text(path, encoding) as file:
        for _ in range(layout.comments):
            file.readline()
        while lines := list(islice(file, _LINES)):
            rows = [row for row in map(split, lines) if row]
            users.add([row[0] for row in rows])
            lengths += [len(row) - 1 for row in rows]
            items.add([item for row in rows for item in row[1:]])
    line_codes, user_ids = users.finish()
    item_codes, item_ids = items.finish()
    check_lines(path, "user", user_ids)
    check_lines(path, "item", item_ids)
    notes = []
    if lengths and lengths[0]:
        some = ", ".join(item_ids[code] for code in item_codes[: min(lengths[0], 5)])
        more = ", …" if lengths[0] > 5 else ""
        notes.append(f"its first line is user {user_ids[0]}, items {some}{more}")
    if without_items := lengths.count(0):
        notes.append(f"{without_items:,} lines have a user and no item and were left out")
    return Interactions(np.repeat(line_codes, lengths), user_ids, item_codes, item_ids, None, tuple(notes))
