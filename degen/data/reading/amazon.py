"""Order of the columns in Amazon's ratings without names: user first (2014) or item first (2018)."""

from __future__ import annotations

import re

from degen.data.reading.head import FileHead
from degen.data.reading.open_log import stem

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


def item_comes_first(head: FileHead) -> tuple[bool, str]:
    """Decide by the form of the ids, else by the file's name and the column with fewer distinct values.

    Returns
    -------
    tuple
        whether the item comes first, and a few words on why.
    """
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
