"""The first line of a text: names of columns, their numbers as pandas writes them, or a row."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from degen.embeddings.formats.tabular.lines import is_number
from degen.embeddings.formats.tabular.names import id_rank
from degen.errors import UserError

_FEW_COLUMNS = 8
"""Columns up to which a row of whole numbers may be 0, 1, 2, … by chance."""


def is_header(fields: list[str]) -> bool:
    """Return whether a first line holds names, or the column numbers that pandas writes instead."""
    numeric = [field for field in fields if is_number(field)]
    if not numeric:
        return True
    words = (field for field in fields if not is_number(field))
    # With only two numbers and no name of ids beside them, the line may well be data.
    enough = len(numeric) > 2 or any(id_rank(word) is not None for word in words)
    return enough and any(numeric == [*map(str, range(start, start + len(numeric)))] for start in (0, 1))


def counted_notes(path: Path, names: list[str], rows: list[list[str]]) -> tuple[str, ...]:
    """Return a note on a first line of nothing but 0, 1, 2, …, which is read as the numbers of the columns.

    pandas writes such a line, from 0. Raise a `UserError` where it may be a row: the others hold whole
    numbers too, and it is short and begins with 1, or the next one counts as well.
    """
    if not all(map(is_number, [*names, *(field for row in rows[:1] for field in row)])):
        return ()
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    whole = all(is_number(field) and float(field).is_integer() for fields in rows for field in fields)
    steps = {float(after) - float(before) for row in rows[:1] for before, after in pairwise(row)}
    counting = whole and steps == {1}
    if counting or (whole and names[0] == "1" and len(names) <= _FEW_COLUMNS):
        raise UserError(
            f"{path} line 1 is {shown}, which may be a row or the numbers of the columns; write a line of "
            "names before it, or instead of it"
        )
    return (f"{path}: line 1 ({shown}) is read as the numbers of the columns, not as a row",)
