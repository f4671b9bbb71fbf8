"""Decide which columns of a table hold ids, which counts, and which the dimensions of the matrix.

A column of ids that is read as a dimension would outweigh all others in every measure, and nobody would see
it. So it is recognized by its name, by pandas' mark of an index, or by its numbers. Where the numbers leave a
doubt the table is refused, and the user says which (`ids`).

    a name of ids, or pandas' index     ids, where it holds text or distinct whole numbers; else left out
    a name of counts                    the frequency, where it holds whole numbers; else left out
    the only column of text             ids
    distinct whole numbers, no name     ids in the first or last column, where all others have fractions, or
                                        beside lists; refused elsewhere
    other whole numbers, no name        refused at the edge of columns with fractions, a dimension elsewhere
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from degen.embeddings.content import NO_IDS, Asked, Content, Counts
from degen.embeddings.formats.tabular.cells import (
    LISTED,
    Column,
    Kind,
    Table,
    are_counts,
    as_ids,
    as_numbers,
    named,
)
from degen.embeddings.formats.tabular.names import holds_ids, id_rank, is_frequency
from degen.embeddings.formats.tabular.suspects import ENOUGH, check_whole, untold_ids, whole_notes
from degen.errors import UserError, nearest


@dataclass
class Roles:
    """The columns of ids and counts, if any, those of the dimensions, and what is said about the others."""

    ids: int | None = None
    frequency: int | None = None
    dimensions: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def content_of(table: Table, asked: Asked) -> Content:
    """Return the matrix in a table, with the ids and counts of its rows.

    Raise a `UserError` where no column holds numbers, `asked` names a column that is not there, or a column
    may hold ids or not.
    """
    roles = _roles(table, asked)
    values, cells = table.matrix(roles.dimensions, roles.ids)
    counts = None if roles.frequency is None else _counts(table, roles)
    names = () if _lists(table) else [table.columns[column].name for column in roles.dimensions]
    ids = None if cells is None else as_ids(cells)
    return Content(values, ids, counts, tuple(f"{table.path}: {note}" for note in roles.notes), names)


def find_column(table: Table, wanted: str) -> int:
    """Return the column with the number, from 0, or the name `wanted`; raise a `UserError` for none."""
    columns = table.columns
    if wanted.removeprefix("-").isdecimal():
        if not -len(columns) <= int(wanted) < len(columns):
            raise UserError(
                f"{table.path} has {len(columns)} columns, so no column {wanted}; numbers count from 0"
            )
        return int(wanted) % len(columns)
    names = [column.name for column in columns]
    if wanted not in names:
        known = nearest(wanted, names, "give its number from 0") if any(names) else "; give its number from 0"
        raise UserError(f"{table.path} has no column {wanted!r}{known}")
    return names.index(wanted)


def _roles(table: Table, asked: Asked) -> Roles:
    roles = Roles()
    numbers = [at for at, column in enumerate(table.columns) if column.kind is Kind.NUMBERS]
    if asked.ids is not None:
        if asked.ids == NO_IDS:
            return _with_dimensions(table, roles, numbers, asked)
        roles.ids = find_column(table, asked.ids)
        if table.columns[roles.ids].kind not in (Kind.NUMBERS, Kind.TEXT):
            raise UserError(f"{table.path} holds no ids in {named(table.columns, roles.ids)}; name another")
    numbers = _without_named(table, roles, [at for at in numbers if at != roles.ids])
    if roles.ids is None:
        _only_text(table, roles)
    if _lists(table):
        _beside_lists(table, roles, numbers, asked)
    else:
        if roles.ids is None and not asked.ids_beside and len(numbers) > 1:
            roles.ids, note = untold_ids(table, numbers)
            roles.notes += note
        elif len(numbers) > 1:
            if asked.ids is None and roles.ids is not None:
                check_whole(table, numbers, ids=roles.ids)
            roles.notes += whole_notes(table, numbers)
    return _with_dimensions(table, roles, [at for at in numbers if at != roles.ids], asked)


def _beside_lists(table: Table, roles: Roles, numbers: list[int], asked: Asked) -> None:
    """Take the only column of distinct whole numbers beside lists for ids; name those that are left out."""
    if roles.ids is None and not asked.ids_beside:
        found = [at for at in numbers if len(table.cells(at)) >= ENOUGH and _distinct(table, at)]
        if len(found) == 1:
            roles.ids = found[0]
            roles.notes.append(
                f"{named(table.columns, roles.ids)} holds distinct whole numbers, which are read as ids; "
                "`ids='none'` leaves them"
            )
    if rest := [at for at in numbers if at != roles.ids]:
        roles.notes.append(f"left out, since the dimensions are in lists: {_listed(table, rest)}")


def _lists(table: Table) -> list[int]:
    return [at for at, column in enumerate(table.columns) if column.kind is Kind.LISTS]


def _without_named(table: Table, roles: Roles, numbers: list[int]) -> list[int]:
    """Give columns whose name tells what they hold their roles; return the other columns of numbers."""
    columns, left_out, used = table.columns, [], {roles.ids}
    if roles.ids is None:
        roles.ids = named_ids(table)
        if roles.ids in numbers:
            otherwise = "leaves them" if _lists(table) else "reads it as a dimension"
            roles.notes.append(f"ids are in {named(columns, roles.ids)}; `ids='none'` {otherwise}")
        used.add(roles.ids)
    rest = []
    for at in numbers:
        name = columns[at].name
        if at in used:
            continue
        if is_frequency(name):
            if roles.frequency is None and are_counts(as_numbers(table.cells(at))).all():
                roles.frequency = at
                roles.notes.append(f"{named(columns, at)} is read as the frequency")
            else:
                left_out.append(at)
        elif _rank(columns, at) is not None and _whole(table, at):
            left_out.append(at)
        else:
            rest.append(at)
    if left_out:
        roles.notes.append(f"left out, since by its name it is no dimension: {_listed(table, left_out)}")
    return rest


def named_ids(table: Table, besides: int | None = None) -> int | None:
    """Return the column whose name fits ids best, of those but `besides` whose cells may be ids."""
    columns = table.columns
    ranks = {at: _rank(columns, at) for at in range(len(columns))}
    order = sorted(
        (at for at, rank in ranks.items() if rank is not None and at != besides),
        key=lambda at: (ranks[at], at),
    )
    fitting = (at for at in order if columns[at].kind is Kind.TEXT or _distinct(table, at))
    surely = (at for at in order if holds_ids(columns[at].name))
    return next(fitting, next(surely, None))


def _rank(columns: Sequence[Column], at: int) -> int | None:
    """Return how well a column fits ids by its name or pandas' mark, 0 the best; None where nothing tells."""
    column = columns[at]
    if column.kind not in (Kind.NUMBERS, Kind.TEXT):
        return None
    # A column without a name among others with one is the index that pandas wrote.
    rank = id_rank(column.name) if column.name or any(other.name for other in columns) else None
    return 3 if rank is None and column.index else rank


def _only_text(table: Table, roles: Roles) -> None:
    """Take the only column of text for ids; of several, none."""
    texts = text_columns(table)
    if len(texts) == 1:
        roles.ids = texts[0]
    elif texts:
        shown = _listed(table, texts)
        roles.notes.append(f"several columns of text ({shown}) may be ids; `ids` names the one")


def text_columns(table: Table) -> list[int]:
    """Return the columns of text."""
    return [at for at, column in enumerate(table.columns) if column.kind is Kind.TEXT]


def _with_dimensions(table: Table, roles: Roles, numbers: list[int], asked: Asked) -> Roles:
    lists = _lists(table)
    if not lists and asked.key is None:
        if not numbers:
            shown = ", ".join(column.name for column in table.columns)
            raise UserError(f"{table.path} has no column of numbers; it has: {shown}")
        none = [at for at, column in enumerate(table.columns) if column.kind in (Kind.TEXT, Kind.OTHER)]
        if none := [at for at in none if at != roles.ids]:
            roles.notes.append(f"left out, since it holds no numbers: {_listed(table, none)}")
        roles.dimensions = numbers
        return roles
    names = [table.columns[at].name for at in lists]
    if asked.key is None and len(lists) > 1:
        raise UserError(
            f"{table.path} has {len(lists)} columns of lists; choose one with `key`: {', '.join(names)}"
        )
    if asked.key is not None and asked.key not in names:
        raise UserError(
            f"{table.path} has no column of lists '{asked.key}'; it has: "
            f"{', '.join(names) or 'no column of lists'}"
        )
    roles.dimensions = [lists[0] if asked.key is None else lists[names.index(asked.key)]]
    return roles


def _listed(table: Table, columns: Sequence[int]) -> str:
    shown = [named(table.columns, at) for at in columns[:LISTED]]
    return ", ".join(shown) + (f" and {len(columns) - LISTED} more" if len(columns) > LISTED else "")


def _whole(table: Table, column: int) -> bool:
    """Return whether a column of numbers holds whole ones, apart from empty cells."""
    values = as_numbers(table.cells(column))
    values = values[~np.isnan(values)]
    return bool(len(values) and (values == np.floor(values)).all())


def _distinct(table: Table, column: int) -> bool:
    """Return whether a column of numbers holds whole ones, each once, and no empty cell."""
    cells = table.cells(column)
    if not _whole(table, column) or np.isnan(as_numbers(cells)).any():
        return False
    return len(set(cells if isinstance(cells, list) else cells.tolist())) == len(cells)


def _counts(table: Table, roles: Roles) -> Counts:
    assert roles.frequency is not None
    return as_numbers(table.cells(roles.frequency)).astype(np.int64)
