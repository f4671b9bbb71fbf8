"""Read a matrix from JSON: rows of numbers, records, columns, or a vector for each id.

[[0.1, 0.2], …]                                   rows
[{"asin": "B01", "vector": [0.1, 0.2]}, …]        records, also one a line (`.jsonl`)
{"asin": ["B01", …], "vector": [[0.1, 0.2], …]}   columns
{"B01": [0.1, 0.2], …}                            a vector for each id
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from degen.embeddings.content import NO_IDS, Asked, Content
from degen.embeddings.formats.tabular.cells import Kind
from degen.embeddings.formats.tabular.frame import frame, held_of, vectors
from degen.embeddings.formats.tabular.names import id_rank
from degen.embeddings.formats.tabular.roles import content_of
from degen.errors import UserError
from degen.files.parse import Unreadable, parse_json, read_text

LINES = (".jsonl", ".ndjson")
_MEND = "write a list of rows, a list of records, or a vector for each id"


def read_json_matrix(path: Path, asked: Asked) -> Content:
    """Return the matrix in JSON, with the ids of its rows, if any.

    Raise a `UserError` where the file is damaged, or holds none of the forms that are read.
    """
    try:
        if path.suffix.lower() in LINES:
            value = [parse_json(line, unique=True) for line in read_text(path).split("\n") if line.strip()]
        else:
            value = parse_json(read_text(path), unique=True)  # or one of two rows would be lost
    except Unreadable as error:
        raise UserError(f"{path} cannot be read as JSON: {error}; {_MEND}") from error
    if isinstance(value, list) and value:
        return _rows(path, value, asked)
    if isinstance(value, dict) and value and all(isinstance(part, list) for part in value.values()):
        if _of_columns(value):
            columns = {name: held_of(cells) for name, cells in value.items()}
            return content_of(frame(path, columns), asked)
        return _vectors(path, value, asked)
    raise UserError(f"{path} holds no matrix; {_MEND}")


def _rows(path: Path, rows: list[Any], asked: Asked) -> Content:
    if all(isinstance(row, list) for row in rows):
        width = len(rows[0])
        ragged = next((at for at, row in enumerate(rows) if len(row) != width), None)
        if ragged is not None:
            raise UserError(
                f"{path} row {ragged} has {len(rows[ragged])} numbers where {width} are expected; give every "
                "row the same number"
            )
        columns = {str(at): held_of([row[at] for row in rows]) for at in range(width)}
        return content_of(frame(path, columns, named=False), asked)
    if not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path} holds no matrix; {_MEND}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    missing = next((at for at, row in enumerate(rows) if len(row) != len(names)), None)
    if missing is not None:
        lacks = next((name for name in names if name not in rows[missing]), "")
        raise UserError(f"{path} record {missing} has no {lacks!r}; give every record the same names")
    return content_of(frame(path, {name: held_of([row[name] for row in rows]) for name in names}), asked)


def _of_columns(value: dict[str, list[Any]]) -> bool:
    """Return whether the lists are columns: one is named as ids, or they do not all hold numbers alone."""
    if any(id_rank(name) is not None and name for name in value):
        return True
    return any(not isinstance(cell, int | float) for cells in value.values() for cell in cells[:1])


def _vectors(path: Path, value: dict[str, list[Any]], asked: Asked) -> Content:
    held = held_of(list(value.values()))
    if held.kind is not Kind.LISTS or asked.key is not None or asked.ids not in (None, NO_IDS):
        raise UserError(f"{path} holds a list for each id, which must be as many numbers for each; {_MEND}")
    return vectors(path, list(value), held)
