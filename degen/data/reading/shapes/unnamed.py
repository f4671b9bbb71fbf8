"""Layouts of tables without column names: pairs of user and item, with a time, a rating or both."""

from __future__ import annotations

import re

from degen.data.reading.columns import Columns
from degen.data.reading.open_log import stem
from degen.data.reading.shapes.digits import check_digits
from degen.data.reading.shapes.head import FileHead
from degen.data.reading.shapes.headless import unknown_shape
from degen.data.reading.shapes.layout import Layout, between, table_layout
from degen.data.reading.shapes.plausible import (
    LEAST,
    are_constant,
    are_fractions,
    are_in_order,
    are_percents,
    are_ratings,
    may_be_moments,
    mostly_stamps,
    mostly_times,
    surely_moments,
)
from degen.errors import UserError

# An item has ten characters: a book's ISBN, or B and nine more. A user has A and twelve or thirteen more.
_ITEM = re.compile(r"[0-9B][0-9A-Z]{9}")
_NAME = re.compile(r"[A-Za-z_]+")
# Names of the files of 2018. No file of 2014 has one of them, for their names begin with `ratings_`.
_CATEGORIES_2018 = """
    amazon_fashion all_beauty appliances arts_crafts_and_sewing automotive books cds_and_vinyl
    cell_phones_and_accessories clothing_shoes_and_jewelry digital_music electronics gift_cards
    grocery_and_gourmet_food home_and_kitchen industrial_and_scientific kindle_store luxury_beauty
    magazine_subscriptions movies_and_tv musical_instruments office_products patio_lawn_and_garden
    pet_supplies prime_pantry software sports_and_outdoors tools_and_home_improvement toys_and_games
    video_games
"""


def unknown(head: FileHead) -> UserError:
    """Return the error for a table whose columns cannot be told."""
    return unknown_shape(head, str(head.path))


def has_stamps(head: FileHead) -> bool:
    """Return whether one of the last of four columns can be a time; a few small numbers may be."""
    few = len(head.rows) < LEAST
    return any(mostly_stamps(head.column(at)) or (few and mostly_times(head.column(at))) for at in (2, 3))


def pairs(head: FileHead, dated: bool = False) -> Layout:
    """Return the layout of a table of user, item and perhaps a time, a rating or both.

    Times are `dated` if the user gave the pattern of their dates.
    """
    separated = f"between {between(head.separator)}"
    if head.width == 2:
        return table_layout(
            head, Columns(0, 1, None), f"pairs (user, item) {separated}", notes=may_name_columns(head)
        )
    third = head.column(2)
    if not surely_moments(third) and (surely_moments(head.column(0)) or surely_moments(head.column(1))):
        raise unknown(head)
    if head.width > 3 and are_ratings(third):
        return table_layout(head, Columns(0, 1, 3), f"pairs (user, item, rating, time) {separated}")
    if len(third) >= LEAST and (are_ratings(third) or are_fractions(third)):
        mend = "pass `columns='user=0,item=1,time=2'` if the third is a time"
        summary = f"pairs (user, item, rating) {separated}; {mend}"
        return table_layout(head, Columns(0, 1, None), summary)
    if not dated:
        _check_third(head, third)
    return table_layout(
        head, Columns(0, 1, 2), f"pairs (user, item, time) {separated}", notes=_doubts(head, third)
    )


def _doubts(head: FileHead, third: list[str]) -> tuple[str, ...]:
    """Return a note on times that may be ratings, in a table too short to tell, or numbers in no order."""
    mend = "if so, leave it out with `columns='user=0,item=1'`"
    if len(third) < LEAST:
        return (f"its third column may hold ratings: {mend}",) if are_ratings(third) else ()
    if may_be_moments(third) or are_in_order(head.column(0), third, ties=True):
        return ()
    return (f"its third column has numbers in no order, such as {third[0]}, which may be no times: {mend}",)


def may_name_columns(head: FileHead) -> tuple[str, ...]:
    """Return a note on a first line that is read as an action, if its words are those of names."""
    rare = all(head.column(at).count(field) == 1 for at, field in enumerate(head.first))
    if len(head.rows) < LEAST or not rare or not all(map(_NAME.fullmatch, head.first)):
        return ()
    names = ",".join(f"{role}={name}" for role, name in zip(("user", "item"), head.first, strict=False))
    return (
        f"its first line ({', '.join(head.first)}) is read as an action: if it names the columns, pass "
        f"`columns='{names}'`",
    )


def _check_third(head: FileHead, third: list[str]) -> None:
    """Refuse numbers that may as well be counts or categories as times."""
    check_digits(third, "its third column", str(head.path), "`columns='user=0,item=1'`")
    if len(third) < LEAST or mostly_stamps(third) or not mostly_times(third):
        return
    if are_constant(third) or not are_in_order(head.column(0), third):
        raise UserError(
            f"{head.path} has numbers such as {third[0]} in its third column, which may be counts or "
            "categories; pass `columns='user=0,item=1'` to leave them out, or "
            "`columns='user=0,item=1,time=2'` if they are times"
        )


def ratings(head: FileHead, forced: str | None) -> Layout:
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
    if forced is None and not _can_be_rated(head, time):
        raise unknown(head)
    order = "item, user" if swapped else "user, item"
    tail = "time, rating" if time == 2 else "rating, time"
    summary = f"ratings ({order}, {tail}) between {between(head.separator)}, {why}"
    return table_layout(head, Columns(int(swapped), int(not swapped), time), summary)


def _can_be_rated(head: FileHead, time: int) -> bool:
    """Return whether the columns beside the time can be two ids and a rating; of few lines any can."""
    rated = head.column(5 - time)
    small = are_ratings(rated) or are_fractions(rated) or are_percents(rated)
    timed = [surely_moments(head.column(at)) for at in (0, 1)]
    return len(rated) < LEAST or (small and (mostly_stamps(head.column(time)) and not any(timed)))


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
