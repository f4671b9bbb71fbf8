"""Guess the format of an interaction log from its first megabyte.

    Parquet's mark at the start                 parquet
    { at the start                              json        one object per line: Amazon's reviews, Yelp's
    name:type in the first line                 inter       RecBole
    other column names in the first line        csv         MovieLens' ratings.csv, Amazon 2023, any other
    lines of many lengths, no user twice        sequences   one user per line
    2 or 3 fields                               pairs       user, item[, time]
    4 fields: two ids, a rating and a time      movielens, amazon-2014, amazon-2018

The file's name only helps to tell Amazon's two orders apart. The layout's summary says in words what was
guessed, and every command prints it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from degen.data.reading.columns import (
    NUMBERS_EXAMPLE,
    chosen_columns,
    find_columns,
    named_columns,
    plain_name,
)
from degen.data.reading.open_log import PARQUET, first_bytes
from degen.data.reading.shapes.doubts import doubts
from degen.data.reading.shapes.head import HEAD_BYTES, FileHead
from degen.data.reading.shapes.headless import known_shape
from degen.data.reading.shapes.layout import Layout, between, table_layout
from degen.data.reading.shapes.plausible import (
    are_fractions,
    are_ratings,
    mostly_stamps,
    own_words,
    surely_moments,
)
from degen.data.reading.shapes.roles import settle_roles
from degen.data.reading.shapes.unnamed import has_stamps, may_name_columns, pairs, ratings, unknown
from degen.data.reading.told import Told
from degen.data.sequences import MIN_ACTIONS
from degen.errors import UserError

_TRIED = 10
"""Maximum number of columns that are tried as times where all lines have equally many fields."""

_READ_BY_NAME = (
    "its first line names its columns, so they are read by name; `input_format` makes no difference"
)

_HEADLESS = ("pairs", "amazon-2014", "amazon-2018")
"""Formats whose first line is an action like the others, even if its ids look like column names."""


def guess_format(path: Path, told: Told | None = None) -> Layout:
    """Guess how to read a file; what the user tells of it overrules the guess.

    Raise a `UserError` if the file is empty or binary, or has no known shape.
    """
    told = told or Told()
    start = first_bytes(path, HEAD_BYTES)
    layout = _of_head(path, start, told)
    if told.form == "movielens" and layout.header:
        layout = replace(layout, notes=(*layout.notes, _READ_BY_NAME))
    if layout.shape != "table":
        for name in ("header", *(["separator"] if layout.shape != "sequences" else [])):
            if getattr(told, name) is not None:
                raise UserError(
                    f"{path} is read as {layout.summary}, where `{name}` means nothing; leave it out"
                )
    return layout


def _of_head(path: Path, start: bytes, told: Told) -> Layout:
    forced = told.form
    if forced == "parquet" or (forced is None and start.startswith(PARQUET)):
        return Layout("parquet", "a Parquet table")
    named = told.separator is not None
    # A prepared log is read as sequences, and its first user may be called `#`.
    marked = forced != "sequences"
    head = FileHead.of(path, start, told.sign() if named else None, is_given=named, may_be_marked=marked)
    if forced == "json" or (forced is None and head.lines[0].lstrip()[:1] in ("{", "[")):
        array = head.lines[0].lstrip().startswith("[")
        return Layout("json", "an array of JSON objects" if array else "one JSON object per line")
    _check_separator(head, told)
    if forced == "sequences":
        return _sequences(head)
    if told.columns is not None:
        return _chosen(head, told.columns, told.header)
    headless = forced in _HEADLESS and not head.typed and named_columns(head.first) is None
    header = head.has_header and not headless if told.header is None else told.header
    dated = told.time_format is not None
    return _named(head, dated) if header else _unnamed(head, forced, dated)


def _check_separator(head: FileHead, told: Told) -> None:
    """Refuse a separator that is told and that no line has."""
    by_fields = told.separator is not None and told.form != "sequences"
    if by_fields and head.width == 1 and told.sign() is not None:
        raise UserError(
            f"{head.path} has no '{told.separator}' between fields: its first line is "
            f"'{head.lines[0][:40]}'; leave `separator` out to have it recognised, or give the right one"
        )


def _chosen(head: FileHead, choice: dict[str, str], told: bool | None) -> Layout:
    """Return the layout of a table whose columns the user chose; only a header that was told has numbers."""
    names = [plain_name(field) for field in head.first]
    # Names that the user types are found in the first line only if that can be a line of names.
    typed = {part for name in choice.values() for part in (name, *name.split("+")) if not part.isdecimal()}
    guessed = head.has_header or (head.may_name and not typed.isdisjoint(names))
    header = guessed if told is None else told
    known = head.typed or named_columns(head.first) is not None or not typed.isdisjoint(names)
    if header and told is None and not known and "time" not in choice:
        # Its words stand above numbers, as names do. So would a word in place of a number.
        raise UserError(
            f"{head.path} may name its columns in its first line ({', '.join(names[:8])}); pass "
            "`header=True` if it does, or `header=False` if that line is an action"
        )
    columns = chosen_columns(
        choice, head.first, str(head.path), numbers_only=not header, numbers_first=told is None
    )
    summary = f"a table with the columns given, between {between(head.separator)}"
    if header and told is None:
        summary += f", whose first line names them ({', '.join(names[:8])}{', …' * (len(names) > 8)})"
    notes = () if header or told is not None else may_name_columns(head)
    return table_layout(head, columns, summary, header, notes)


def _sequences(head: FileHead) -> Layout:
    half = len(head.lines) / 2
    # Tabs are preferred to spaces, and both to signs that ids may hold.
    usual = (sign for sign in "\t " if sum(sign in line for line in head.lines) > half)
    sign = " " if _list_in_second_field(head) else next(usual, head.separator)
    sign = head.given if head.is_given else sign
    separator = None if sign == " " else sign
    summary = f"one user per line between {between(separator)}, taken to be oldest first"
    return Layout("sequences", summary, separator, comments=head.comments)


def _list_in_second_field(head: FileHead) -> bool:
    """Return whether lines are `user<tab>item item item`."""
    if head.separator != "\t" or head.width != 2 or not head.one_row_per_user:
        return False
    return sum(len(items.split()) > 2 for items in head.column(1)) > len(head.rows) / 2


def _named(head: FileHead, dated: bool) -> Layout:
    """Return the layout of a table whose first line names its columns."""
    names = [plain_name(field) for field in head.first]
    if "item_id_list" in names:
        raise UserError(
            f"{head.path} holds samples already split (item_id_list); give the log they were made from"
        )
    found = find_columns(names, None, str(head.path))
    columns = settle_roles(names, found, head.below, str(head.path), dated=dated)
    kind = "RecBole's .inter" if head.typed else "a table"
    summary = f"{kind} with the columns {', '.join(columns.pick(names))}"
    notes = () if dated else doubts(names, columns, head.below)
    return table_layout(head, columns, summary, header=True, notes=notes)


def _unnamed(head: FileHead, forced: str | None, dated: bool) -> Layout:
    """Return the layout of a file without column names, by the number and the content of its fields."""
    if forced in ("inter", "csv"):
        raise UserError(
            f"{head.path} has no line of known column names; say which is which with "
            f"{NUMBERS_EXAMPLE}, by numbers from 0, or by names and `header=True`"
        )
    if forced is None and (known := known_shape(head, str(head.path))):
        return table_layout(head, known[1], f"{known[0]} between {between(head.separator)}")
    if forced is None and _looks_like_sequences(head):
        return _sequences(head)
    if head.width == 1:
        raise UserError(
            f"{head.path} line {head.comments + 1} has one field, '{head.first[0][:40]}'; each line needs a "
            "user and an item"
        )
    if forced == "pairs" or head.width < 4:
        return pairs(head, dated)
    if forced is None and (head.width > 4 or not has_stamps(head)):
        raise unknown(head)
    return ratings(head, forced)


def _looks_like_sequences(head: FileHead) -> bool:
    """Return whether a file without column names has one user per line rather than one action."""
    if _list_in_second_field(head):
        return True
    if max(head.widths) < 1 + MIN_ACTIONS:
        return False  # no user has enough items, so this is a table, perhaps with a bad line
    if not head.one_row_per_user:
        return len(head.widths) > 1 and head.width > 4
    if len(head.widths) > 1:
        # Between commas, a table with a bad line is likelier than one user per line.
        table = head.width <= 4 and head.widths[head.width] > len(head.rows) / 2
        return not (table and head.separator not in (None, "\t"))
    columns = [head.column(at) for at in range(1, min(head.width, _TRIED))]
    timed = [surely_moments(column) for column in columns]
    if (any(timed) and not all(timed)) or any(map(are_fractions, columns)):
        return False  # items are no dates and no numbers with fractions, so this is a table
    if not all(timed) and surely_moments(head.column(0)):
        return False  # a time is no user
    if own_words(columns) > (head.separator is None):
        return False  # between spaces, one such column may be a sign that stands before the items of all
    if head.width > 4:
        return True
    # A table has a rating and a time stamp, in either order.
    third, fourth = head.column(2), head.column(3)
    rated = are_ratings(third) and mostly_stamps(fourth)
    return not (rated or (mostly_stamps(third) and are_ratings(fourth)))
