"""Columns of distinct whole numbers without a name that tells: ids, a dimension, or a doubt.

A matrix of real numbers has no column of whole ones by chance, nor one of small whole numbers a column in
which each occurs once. Whole numbers at the edge of real ones are counts or ids, even where they repeat. All
are judged by the first rows before whole columns are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, takewhile

import numpy as np

from degen.embeddings.formats.tabular.cells import HEAD, Cells, Column, Table, as_numbers, named
from degen.errors import UserError

_FEW = 3
"""Rows up to which any numbers may be distinct and whole by chance; more than so many less one are judged."""

ENOUGH = 8
"""Rows from which distinct whole numbers are no chance."""

_NEARLY = 0.8
"""Share of distinct numbers in a column from which those of another may all be so by chance."""

_MOST = 8
"""Number of columns of distinct whole numbers above which only one that stands out may be ids."""


def untold_ids(table: Table, numbers: Sequence[int]) -> tuple[int | None, list[str]]:
    """Return the column that cannot be anything but ids, if there is one, and notes.

    `numbers` are at least two columns of numbers whose names tell nothing. Raise a `UserError` where a column
    may hold ids or not.
    """
    head = dict(zip(numbers, table.head(numbers), strict=True))
    distinct = [at for at in numbers if _is_whole(head[at]) and _is_distinct(head[at])]
    if len(head[numbers[0]]) < _FEW:
        return None, whole_notes(table, numbers, head)
    if len(distinct) > _MOST:
        distinct = [at for at in distinct if _stands_out(at, head)]
    if len(head[numbers[0]]) == HEAD:
        head |= {at: table.cells(at) for at in distinct}
        distinct = [at for at in distinct if _is_whole(head[at]) and _is_distinct(head[at])]
    fractions = [at for at in numbers if not _is_whole(head[at])]
    sure = _sure(table, numbers, distinct, head, counting=not fractions)
    if sure is None:
        if suspects := distinct if fractions else _in_doubt(numbers, distinct, head):
            raise _doubt(table, suspects)
        check_whole(table, numbers, head)
        return None, whole_notes(table, numbers, head)
    rest = [at for at in numbers if at != sure]
    check_whole(table, rest, head, ids=sure)
    return sure, [
        f"{named(table.columns, sure)} holds distinct whole numbers, which are read as ids; `ids='none'` "
        "reads it as a dimension",
        *whole_notes(table, rest, head),
    ]


def check_whole(
    table: Table, numbers: Sequence[int], head: dict[int, Cells] | None = None, ids: int | None = None
) -> None:
    """Raise a `UserError` where the first or last columns hold whole numbers as counts or ids do.

    `numbers` are the columns that would be dimensions, and `ids` is the column of ids that has been found.
    """
    head = head or dict(zip(numbers, table.head(numbers), strict=True))
    whole = _few_whole(numbers, head)
    edges = {*takewhile(whole.__contains__, numbers), *takewhile(whole.__contains__, reversed(numbers))}
    found = [at for at in whole if at in edges and _like_counts(head[at]) and _like_counts(table.cells(at))]
    if not found:
        return
    columns, at = table.columns, found[0]
    held = f"{table.path}: {named(columns, at)} holds whole numbers among columns of fractions"
    if ids is not None:
        kept = f"say `ids={_word(columns, ids)}` if it is a dimension"
        raise UserError(f"{held}, which may be counts or a dimension; name it 'count', or {kept}")
    kinds = f"say `ids={_word(columns, at)}` or `ids='none'`, or name it 'count'"
    raise UserError(f"{held}, which may be ids, counts or a dimension; {kinds}")


def whole_notes(table: Table, numbers: Sequence[int], head: dict[int, Cells] | None = None) -> list[str]:
    """Return a note on a few columns of whole numbers among many with fractions."""
    head = head or dict(zip(numbers, table.head(numbers), strict=True))
    whole = [at for at in _few_whole(numbers, head) if _is_whole(table.cells(at))]
    shown = ", ".join(named(table.columns, at) for at in whole)
    return [f"whole numbers only, read as a dimension: {shown}"] if whole else []


def _few_whole(numbers: Sequence[int], head: dict[int, Cells]) -> list[int]:
    """Return the columns of whole numbers where they are few among many with fractions, by the first rows."""
    whole = [at for at in numbers if _is_whole(head[at]) and as_numbers(head[at]).any()]
    few = 0 < len(whole) <= 3 and len(numbers) - len(whole) >= max(2, len(whole))
    return [at for at in whole if len(head[at]) >= ENOUGH] if few else []


def _like_counts(cells: Cells) -> bool:
    """Return whether numbers are whole, none below 0, and more than the 0 and 1 of a mark."""
    values = as_numbers(cells)
    return _is_whole(cells) and bool(values.min() >= 0 and len(np.unique(values)) > 2)


def _sure(
    table: Table, numbers: Sequence[int], distinct: Sequence[int], head: dict[int, Cells], *, counting: bool
) -> int | None:
    """Return the one column of distinct whole numbers, if it is the first or last and named unlike others.

    With `counting`, it must count the rows too: others hold whole numbers as well, which repeat.
    """
    if len(distinct) != 1 or distinct[0] not in (numbers[0], numbers[-1]):
        return None
    at = distinct[0]
    enough = len(head[at]) >= ENOUGH and (_counts_up(head[at]) or not counting)
    return at if enough and not _in_a_series(table.columns, at, numbers) else None


def _in_doubt(numbers: Sequence[int], distinct: Sequence[int], head: dict[int, Cells]) -> list[int]:
    """Return which columns of whole numbers may be ids, where all columns hold such numbers.

    A column is distinct by chance where the others are nearly so.
    """
    if not distinct or len(head[distinct[0]]) < ENOUGH:
        return []
    rest = [at for at in numbers if at not in distinct]
    shares = [len(np.unique(as_numbers(head[at]))) / len(head[at]) for at in rest]
    if shares and np.median(shares) < _NEARLY:
        return list(distinct)
    return [at for at in distinct if _stands_out(at, head)]


def _stands_out(at: int, head: dict[int, Cells]) -> bool:
    """Return whether a column counts the rows, or is never below 0 and exceeds others that mostly are."""
    if _counts_up(head[at]):
        return True
    rest = [as_numbers(cells) for other, cells in head.items() if other != at]
    values, below = as_numbers(head[at]), sum(bool((cells < 0).any()) for cells in rest)
    return bool(2 * below > len(rest) and values.min() >= 0) and all(
        values.max() > np.abs(each).max() for each in rest
    )


def _doubt(table: Table, suspects: Sequence[int]) -> UserError:
    at = suspects[0]
    others = f", as do {len(suspects) - 1} more" if len(suspects) > 1 else ""
    return UserError(
        f"{table.path}: {named(table.columns, at)} holds distinct whole numbers{others}, which may be ids "
        f"or a dimension; say which with `ids={_word(table.columns, at)}` or `ids='none'`"
    )


def _word(columns: Sequence[Column], at: int) -> str:
    """Return how a user says a column: its name, or its number where it has none."""
    return repr(columns[at].name or str(at))


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
