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

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from degen.data.reading.columns import (
    NUMBERS_EXAMPLE,
    Columns,
    chosen_columns,
    find_columns,
    named_columns,
    plain_name,
)
from degen.data.reading.open_log import PARQUET, first_bytes, stem
from degen.data.reading.shapes.head import HEAD_BYTES, FileHead
from degen.data.reading.shapes.headless import known_shape, unknown_shape
from degen.data.reading.shapes.plausible import (
    LEAST,
    are_constant,
    are_fractions,
    are_in_order,
    are_ratings,
    mostly_stamps,
    mostly_times,
)
from degen.data.reading.shapes.roles import settle_roles
from degen.data.reading.told import Told
from degen.data.sequences import MIN_ACTIONS
from degen.errors import UserError

_BETWEEN = {"::": "'::'", "\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", None: "spaces"}

_HEADLESS = ("pairs", "amazon-2014", "amazon-2018")
"""Formats whose first line is an action like the others, even if its ids look like column names."""

# An item has ten characters: a book's ISBN, or B and nine more. A user has A and twelve or thirteen more.
_ITEM = re.compile(r"[0-9B][0-9A-Z]{9}")
# Names of the files of 2018. No file of 2014 has one of them, for their names begin with `ratings_`.
_CATEGORIES_2018 = """
    amazon_fashion all_beauty appliances arts_crafts_and_sewing automotive books cds_and_vinyl
    cell_phones_and_accessories clothing_shoes_and_jewelry digital_music electronics gift_cards
    grocery_and_gourmet_food home_and_kitchen industrial_and_scientific kindle_store luxury_beauty
    magazine_subscriptions movies_and_tv musical_instruments office_products patio_lawn_and_garden
    pet_supplies prime_pantry software sports_and_outdoors tools_and_home_improvement toys_and_games
    video_games
"""


@dataclass(frozen=True)
class Layout:
    """The way to read a file: `shape` picks the reader, and `summary` says what was guessed.

    `separator` stands between fields; None is any white space. `comments` is the number of lines to skip at
    the start. Of a table, `width` is the number of fields per line, and `header` says whether the first line
    holds names.
    """

    shape: Literal["table", "sequences", "json", "parquet"]
    summary: str
    separator: str | None = None
    columns: Columns | None = None
    width: int = 0
    header: bool = False
    comments: int = 0


def guess_format(path: Path, told: Told | None = None) -> Layout:
    """Guess how to read a file; what the user tells of it overrules the guess.

    Raise a `UserError` if the file is empty or binary, or has no known shape.
    """
    told = told or Told()
    start = first_bytes(path, HEAD_BYTES)
    layout = _of_head(path, start, told)
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
    head = FileHead.of(path, start, told.sign() if named else None, named)
    if forced == "json" or (forced is None and head.lines[0].lstrip()[:1] in ("{", "[")):
        array = head.lines[0].lstrip().startswith("[")
        return Layout("json", "an array of JSON objects" if array else "one JSON object per line")
    if forced == "sequences":
        return _sequences(head)
    if told.columns is not None:
        return _chosen(head, told.columns, told.header)
    headless = forced in _HEADLESS and not head.typed and named_columns(head.first) is None
    header = head.has_header and not headless if told.header is None else told.header
    return _named(head) if header else _unnamed(head, forced)


def _chosen(head: FileHead, choice: dict[str, str], told: bool | None) -> Layout:
    """Return the layout of a table whose columns the user chose; only a header that was told has numbers."""
    names = [plain_name(field) for field in head.first]
    # Names that the user types are found in the first line only if that can be a line of names.
    typed = {part for name in choice.values() for part in (name, *name.split("+")) if not part.isdecimal()}
    guessed = head.has_header or (head.may_name and not typed.isdisjoint(names))
    header = guessed if told is None else told
    columns = chosen_columns(
        choice, head.first, str(head.path), numbers_only=not header, numbers_first=told is None
    )
    summary = f"a table with the columns given, between {_between(head)}"
    if header and told is None:
        summary += f", whose first line names them ({', '.join(names[:8])}{', …' * (len(names) > 8)})"
    return _table(head, columns, summary, header)


def _between(head: FileHead) -> str:
    return _BETWEEN.get(head.separator, repr(head.separator))


def _sequences(head: FileHead) -> Layout:
    half = len(head.lines) / 2
    # Tabs are preferred to spaces, and both to signs that ids may hold.
    usual = (sign for sign in "\t " if sum(sign in line for line in head.lines) > half)
    sign = " " if _list_in_second_field(head) else next(usual, head.separator)
    sign = head.given if head.is_given else sign
    separator = None if sign == " " else sign
    summary = (
        f"one user per line between {_BETWEEN.get(separator, repr(separator))}, taken to be oldest first"
    )
    return Layout("sequences", summary, separator, comments=head.comments)


def _list_in_second_field(head: FileHead) -> bool:
    """Return whether lines are `user<tab>item item item`."""
    if head.separator != "\t" or head.width != 2 or not head.one_row_per_user:
        return False
    return sum(len(items.split()) > 2 for items in head.column(1)) > len(head.rows) / 2


def _named(head: FileHead) -> Layout:
    """Return the layout of a table whose first line names its columns."""
    names = [plain_name(field) for field in head.first]
    if "item_id_list" in names:
        raise UserError(
            f"{head.path} holds samples already split (item_id_list); give the log they were made from"
        )
    columns = settle_roles(names, find_columns(names, None, str(head.path)), head.below, str(head.path))
    kind = "RecBole's .inter" if head.typed else "a table"
    summary = f"{kind} with the columns {', '.join(columns.pick(names))}"
    return _table(head, columns, summary, header=True)


def _unnamed(head: FileHead, forced: str | None) -> Layout:
    """Return the layout of a file without column names, by the number and the content of its fields."""
    if forced in ("inter", "csv"):
        raise UserError(
            f"{head.path} has no line of known column names; say which is which with "
            f"{NUMBERS_EXAMPLE}, by numbers from 0, or by names and `header=True`"
        )
    if forced is None and (known := known_shape(head.width, head.column, str(head.path))):
        return _table(head, known[1], f"{known[0]} between {_between(head)}")
    if forced is None and _looks_like_sequences(head):
        return _sequences(head)
    if head.width == 1:
        raise UserError(
            f"{head.path} line {head.comments + 1} has one field, '{head.first[0][:40]}'; each line needs a "
            "user and an item"
        )
    if forced == "pairs" or head.width < 4:
        return _pairs(head)
    if forced is None and (head.width > 4 or not _has_stamps(head)):
        raise unknown_shape(head.width, head.first, head.column, str(head.path))
    return _ratings(head, forced)


def _has_stamps(head: FileHead) -> bool:
    """Return whether one of the last of four columns can be a time; a few small numbers may be."""
    few = len(head.rows) < LEAST
    return any(mostly_stamps(head.column(at)) or (few and mostly_times(head.column(at))) for at in (2, 3))


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
    if head.width > 4:
        return True
    # A table has a rating and a time stamp, in either order.
    third, fourth = head.column(2), head.column(3)
    rated = are_ratings(third) and mostly_stamps(fourth)
    return not (rated or (mostly_stamps(third) and are_ratings(fourth)))


def _pairs(head: FileHead) -> Layout:
    """Return the layout of a table of user, item and perhaps a time, a rating or both."""
    between = f"between {_between(head)}"
    if head.width == 2:
        return _table(head, Columns(0, 1, None), f"pairs (user, item) {between}")
    third = head.column(2)
    if head.width > 3 and are_ratings(third):
        return _table(head, Columns(0, 1, 3), f"pairs (user, item, rating, time) {between}")
    if len(third) >= LEAST and (are_ratings(third) or are_fractions(third)):
        mend = "pass `columns='user=0,item=1,time=2'` if the third is a time"
        summary = f"pairs (user, item, rating) {between}; {mend}"
        return _table(head, Columns(0, 1, None), summary)
    _check_third(head, third)
    return _table(head, Columns(0, 1, 2), f"pairs (user, item, time) {between}")


def _check_third(head: FileHead, third: list[str]) -> None:
    """Refuse small numbers that may as well be counts as times."""
    if len(third) < LEAST or mostly_stamps(third) or not mostly_times(third):
        return
    if are_constant(third) or not are_in_order(head.column(0), third):
        raise UserError(
            f"{head.path} has small numbers such as {third[0]} in its third column, which may be counts; "
            "pass `columns='user=0,item=1'` to leave them out, or `columns='user=0,item=1,time=2'` if they "
            "are times"
        )


def _ratings(head: FileHead, forced: str | None) -> Layout:
    """Return the layout of a table of two ids, a rating and a time, in any of their orders."""
    if head.width < 4:
        raise UserError(
            f"{head.path} has {head.width} columns where {forced} has 4: user, item, rating, time"
        )
    swapped = forced == "amazon-2018"
    why = f"as `input_format='{forced}'` says"
    if forced is None:
        swapped, why = _item_comes_first(head)
    time = 2 if mostly_stamps(head.column(2)) and not mostly_stamps(head.column(3)) else 3
    order = "item, user" if swapped else "user, item"
    tail = "time, rating" if time == 2 else "rating, time"
    summary = f"ratings ({order}, {tail}) between {_between(head)}, {why}"
    return _table(head, Columns(int(swapped), int(not swapped), time), summary)


def _item_comes_first(head: FileHead) -> tuple[bool, str]:
    """Return whether Amazon's ratings without names have the item first, and a few words on why."""
    first, second = head.column(0), head.column(1)
    item_first = _are_items(first)
    if item_first != _are_items(second):
        return item_first, f"Amazon's {'2018' if item_first else '2014'} order, by the form of the ids"
    name = stem(head.path).lower().removesuffix("_5")
    if name.startswith("ratings_"):
        return False, "Amazon's 2014 order, by the file's name"
    more = len(set(second)) - len(set(first))
    if name in _CATEGORIES_2018.split() and more >= 0:
        return True, "Amazon's 2018 order, by the file's name"
    if item_first and more > 0:
        return True, "Amazon's 2018 order, by the first column having fewer different values"
    return False, "the usual order"


def _are_items(ids: list[str]) -> bool:
    """Return whether nearly all of the ids have the form of an item's."""
    return sum(_ITEM.fullmatch(identifier) is not None for identifier in ids) > 0.9 * len(ids)


def _table(head: FileHead, columns: Columns, summary: str, header: bool = False) -> Layout:
    width = len(head.first) if header else head.width
    if head.comments:
        summary += f", after {head.comments} lines of comments"
    return Layout("table", summary, head.separator, columns, width, header, head.comments)
