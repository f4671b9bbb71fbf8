"""Columns of distinct whole numbers without a name that tells: ids, a dimension, or a doubt.

A matrix of real numbers has no column of whole ones by chance, nor one of small whole numbers a column in
which each occurs once. Both are judged by the first rows before whole columns are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from degen.embeddings.formats.tabular.cells import HEAD, Cells, Column, Table, as_numbers, named
from degen.errors import UserError

_FEW = 3
"""Rows up to which any numbers may be distinct and whole by chance; more than so many less one are judged."""

_ENOUGH = 8
"""Rows from which distinct whole numbers are no chance."""

_MOST = 8
"""Number of columns of distinct whole numbers above which they are alike, so that none of them is ids."""


def untold_ids(table: Table, numbers: Sequence[int]) -> tuple[int | None, list[str]]:
    """Return the column that cannot be anything but ids, if there is one, and notes.

    `numbers` are at least two columns of numbers whose names tell nothing. Raise a `UserError` where a column
    may hold ids or not.
    """
    head = dict(zip(numbers, table.head(numbers), strict=True))
    rows = len(next(iter(head.values())))
    distinct = [at for at in numbers if _is_whole(head[at]) and _is_distinct(head[at])]
    if rows < _FEW or not distinct or len(distinct) > _MOST:
        return None, whole_notes(table, numbers, head)
    if rows == HEAD:
        head |= {at: table.cells(at) for at in distinct}
        distinct = [at for at in distinct if _is_whole(head[at]) and _is_distinct(head[at])]
    fractions = [at for at in numbers if not _is_whole(head[at])]
    sure = _sure(table, numbers, distinct, head, counting=not fractions)
    if sure is None and distinct and (fractions or _in_doubt(numbers, distinct, head)):
        raise _doubt(table, distinct)
    if sure is None:
        return None, whole_notes(table, numbers, head)
    return sure, [
        f"{named(table.columns, sure)} holds distinct whole numbers, which are read as ids; `ids='none'` "
        "reads it as a dimension"
    ]


def whole_notes(table: Table, numbers: Sequence[int], head: dict[int, Cells] | None = None) -> list[str]:
    """Return a note on a few columns of whole numbers among many with fractions."""
    head = head or dict(zip(numbers, table.head(numbers), strict=True))
    whole = [at for at in numbers if _is_whole(head[at]) and as_numbers(head[at]).any()]
    if not 0 < len(whole) <= 3 or len(numbers) - len(whole) < max(2, len(whole)):
        return []
    whole = [at for at in whole if len(head[at]) >= _ENOUGH and _is_whole(table.cells(at))]
    shown = ", ".join(named(table.columns, at) for at in whole)
    return [f"whole numbers only, read as a dimension: {shown}"] if whole else []


def _sure(
    table: Table, numbers: Sequence[int], distinct: Sequence[int], head: dict[int, Cells], *, counting: bool
) -> int | None:
    """Return the one column of distinct whole numbers, if it is the first or last and named unlike others.

    With `counting`, it must count the rows too: others hold whole numbers as well, which repeat.
    """
    if len(distinct) != 1 or distinct[0] not in (numbers[0], numbers[-1]):
        return None
    at = distinct[0]
    enough = len(head[at]) >= _ENOUGH and (_counts_up(head[at]) or not counting)
    return at if enough and not _in_a_series(table.columns, at, numbers) else None


def _in_doubt(numbers: Sequence[int], distinct: Sequence[int], head: dict[int, Cells]) -> bool:
    """Return whether one of several columns of whole numbers may be ids: it is distinct, others are not."""
    enough = len(head[distinct[0]]) >= _ENOUGH
    return enough and (len(distinct) < len(numbers) or any(_counts_up(head[at]) for at in distinct))


def _doubt(table: Table, distinct: Sequence[int]) -> UserError:
    at = distinct[0]
    name = table.columns[at].name or str(at)
    others = f", as do {len(distinct) - 1} more" if len(distinct) > 1 else ""
    return UserError(
        f"{table.path}: {named(table.columns, at)} holds distinct whole numbers{others}, which may be ids "
        f"or a dimension; say which with `ids={name!r}` or `ids='none'`"
    )


def _is_whole(cells: Cells) -> bool:
    values = as_numbers(cells)
    return bool(np.isfinite(values).all() and (values == np.floor(values)).all())


def _is_distinct(cells: Cells) -> bool:
    return len(set(cells if isinstance(cells, list) else cells.tolist())) == len(cells)


def _counts_up(cells: Cells) -> bool:
    """Return whether the numbers are 0, 1, 2, … or 1, 2, 3, …."""
    values = as_numbers(cells)
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def _in_a_series(columns: Sequence[Column], at: int, numbers: Sequence[int]) -> bool:
    """Return whether a column is named like its neighbour but for the number: `x0`, `x1`, or `0`, `1`."""
    stems = [columns[other].name.rstrip("0123456789") for other in numbers]
    ends = [columns[other].name.removeprefix(stem) for other, stem in zip(numbers, stems, strict=True)]
    place = list(numbers).index(at)
    return any(
        place in pair and stems[pair[0]] == stems[pair[1]] and all(ends[each] for each in pair)
        for pair in pairwise(range(len(numbers)))
    )
