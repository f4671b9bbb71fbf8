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
    COLUMNS_EXAMPLE,
    Columns,
    chosen_columns,
    find_columns,
    named_columns,
    plain_name,
)
from degen.data.reading.head import HEAD_BYTES, FileHead, are_ratings, mostly_stamps
from degen.data.reading.open_log import PARQUET, first_bytes, stem
from degen.data.sequences import MIN_ACTIONS
from degen.errors import UserError, one_of

FORMATS = ("inter", "sequences", "pairs", "movielens", "amazon-2014", "amazon-2018", "csv", "json", "parquet")
_ALIASES = {"recbole": "inter", "yelp": "json", "jsonl": "json", "tsv": "csv"}
_BETWEEN = {"::": "'::'", "\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", None: "spaces"}
_LEAST_RATINGS = 50
"""Rows from which a third column of small numbers is taken for ratings. Fewer might be times by chance."""

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

    `separator` stands between fields; None is any white space. Of a table, `width` is the number of fields
    per line, and `header` says whether the first line holds names.
    """

    shape: Literal["table", "sequences", "json", "parquet"]
    summary: str
    separator: str | None = None
    columns: Columns | None = None
    width: int = 0
    header: bool = False


def format_name(text: str) -> str:
    """Return the name in `FORMATS` of an input format, which may be given by an alias and in any case."""
    name = one_of("input_format", text, [*FORMATS, *_ALIASES])
    return _ALIASES.get(name, name)


def guess_format(path: Path, choice: dict[str, str] | None = None, input_format: str | None = None) -> Layout:
    """Guess how to read a file; the user's choice of columns or of a format overrules the guess.

    Raise a `UserError` if the file is empty or binary, or has no known shape.
    """
    forced = None if input_format is None else format_name(input_format)
    start = first_bytes(path, HEAD_BYTES)
    if forced == "parquet" or (forced is None and start.startswith(PARQUET)):
        return Layout("parquet", "a Parquet table")
    head = FileHead.of(path, start)
    if forced == "json" or (forced is None and head.lines[0].lstrip()[:1] in ("{", "[")):
        return Layout("json", "one JSON object per line")
    if forced == "sequences":
        return _sequences(head)
    if choice is not None:
        names = [plain_name(field) for field in head.first]
        header = head.has_header or any(name in names for name in choice.values())
        columns = chosen_columns(choice, head.first, str(path), numbers_only=not header)
        summary = f"a table with the columns given, between {_BETWEEN[head.separator]}"
        return _table(head, columns, summary, header)
    headless = forced in _HEADLESS and not head.typed and named_columns(head.first) is None
    return _named(head) if head.has_header and not headless else _unnamed(head, forced)


def _sequences(head: FileHead) -> Layout:
    half = len(head.lines) / 2
    # Tabs are preferred to spaces, and both to signs that ids may hold.
    usual = (sign for sign in "\t " if sum(sign in line for line in head.lines) > half)
    sign = " " if _list_in_second_field(head) else next(usual, head.separator)
    separator = None if sign == " " else sign
    summary = f"one user per line between {_BETWEEN[separator]}, taken to be oldest first"
    return Layout("sequences", summary, separator)


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
    columns = find_columns(names, None, str(head.path))
    kind = "RecBole's .inter" if head.typed else "a table"
    summary = f"{kind} with the columns {', '.join(columns.pick(names))}"
    return _table(head, columns, summary, header=True)


def _unnamed(head: FileHead, forced: str | None) -> Layout:
    """Return the layout of a file without column names, by the number and the content of its fields."""
    if forced in ("inter", "csv"):
        raise UserError(
            f"{head.path} has no line of known column names; say which is which with "
            f"{COLUMNS_EXAMPLE}, or with numbers from 0"
        )
    if forced is None and _looks_like_sequences(head):
        return _sequences(head)
    if head.width == 1:
        raise UserError(
            f"{head.path} line 1 has one field, '{head.first[0][:40]}'; each line needs a user and an item"
        )
    if forced == "pairs" or head.width < 4:
        return _pairs(head)
    if forced is None and head.width > 4:
        raise UserError(
            f"{head.path} has {head.width} columns and no names; say which is which, "
            "such as `columns='user=0,item=1,time=3'`"
        )
    return _ratings(head, forced)


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
    between = f"between {_BETWEEN[head.separator]}"
    if head.width == 2:
        return _table(head, Columns(0, 1, None), f"pairs (user, item) {between}")
    third = head.column(2)
    if head.width > 3 and are_ratings(third):
        return _table(head, Columns(0, 1, 3), f"pairs (user, item, rating, time) {between}")
    if len(third) >= _LEAST_RATINGS and are_ratings(third):
        mend = "pass `columns='user=0,item=1,time=2'` if the third is a time"
        summary = f"pairs (user, item, rating) {between}; {mend}"
        return _table(head, Columns(0, 1, None), summary)
    return _table(head, Columns(0, 1, 2), f"pairs (user, item, time) {between}")


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
    summary = f"ratings ({order}, {tail}) between {_BETWEEN[head.separator]}, {why}"
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
    return Layout("table", summary, head.separator, columns, width, header)
