"""Read any supported log: guess its format, call that format's reader, and note what was inferred."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from degen.data.interactions import Interactions
from degen.data.reading.guess_format import Layout, guess_format
from degen.data.reading.json_lines import read_json_lines
from degen.data.reading.open_log import stem
from degen.data.reading.parquet import read_parquet_log
from degen.data.reading.table import TableReader
from degen.data.reading.user_lines import read_user_lines
from degen.errors import UserError

UTF8 = "utf-8-sig"
"""UTF-8, with or without the byte-order mark that spreadsheets write."""


def read_interactions(
    path: Path, columns: dict[str, str] | None = None, input_format: str | None = None
) -> Interactions:
    """Read a log; raise a `UserError` with the file, the line and the mend where that fails.

    `columns` is the column of `user`, of `item` and, optionally, of `time`, by name or number from 0.
    `input_format` is one of `guess_format.FORMATS`. What is None is guessed.
    """
    layout = guess_format(path, columns, input_format)
    try:
        log = _read(path, layout, columns, UTF8)
        encoding: tuple[str, ...] = ()
    except UnicodeDecodeError:
        log = _read(path, layout, columns, "latin-1")
        encoding = ("it is not UTF-8 and was read as Latin-1",)
    if not len(log.users):
        raise UserError(f"{path} was read as {layout.summary} and holds no interaction")
    order: tuple[str, ...] = ()
    if log.times is None and layout.shape != "sequences":
        order = ("it has no times: the order of the file is taken as the order in time",)
    if layout.shape == "sequences" and stem(path).endswith("_sample"):
        order = (
            "files named *_sample hold candidates for ranking where this format comes from: is this the log?",
        )
    notes = (f"read as {layout.summary}", *encoding, *log.notes, *order)
    return replace(log, notes=notes)


def _read(path: Path, layout: Layout, columns: dict[str, str] | None, encoding: str) -> Interactions:
    if layout.shape == "parquet":
        return read_parquet_log(path, columns)
    if layout.shape == "json":
        return read_json_lines(path, columns, encoding)
    if layout.shape == "sequences":
        return read_user_lines(path, layout.separator, encoding)
    assert layout.columns is not None
    table = TableReader(path, layout.separator, layout.columns, layout.width, header=layout.header)
    return table.read(encoding)
