"""Names of columns that tell what they hold: ids, or how often an item occurs."""

from __future__ import annotations

import re
from collections.abc import Sequence

ID_NAMES = {"", "id", "ids", "index", "iid", "item", "item_id", "itemid", "key", "name", "token", "word"}
"""Names, in lower case, of columns that hold ids whatever is in them."""

_ITEMS = (
    *("item", "iid", "movie", "product", "track", "song", "asin", "sku", "article", "book", "isbn", "game"),
    *("business", "venue", "poi", "recipe", "news", "ean", "upc", "gtin", "mbid", "uri", "album", "artist"),
)
_OTHERS = ("node", "entity", "doc", "document", "user", "customer", "session", "query", "vocab", "token")
_USERS = ("user", "customer", "session", "uid", "query")
_NOUN = re.compile(rf"(\w+[_ ])?({'|'.join((*_ITEMS, *_OTHERS))})([_ ]?(ids?|code|key|no|nr|number))?")
_ENDING = re.compile(r".*([^a-z]ids?|[_ ]?code|[_ ]key)|[b-z]id(?<!bid|did|hid|kid|lid|mid|rid)")
_CAMEL = re.compile(r".*[a-z0-9](Id|ID)s?")
"""A name whose case tells that it ends in id, unlike `grid` and `valid`."""
_INDEX = re.compile(r"unnamed: ?\d+|__index_level_\d+__|level_\d+|index|row\.?names?|rowid|")

_FREQUENCY = re.compile(
    r"(item[_ ]?)?(counts?|frequency|frequencies|freq|popularity)"
    r"|(n|num|count)[_ ]?(of[_ ])?(ratings|interactions|actions|reviews|clicks|purchases)"
)


def id_rank(name: str) -> int | None:
    """Return how well a name fits a column of ids, 0 the best; None where it does not sound like one.

    >>> [id_rank(name) for name in ("movieId", "asin", "id", "user_id", "Unnamed: 0", "x", "valid")]
    [0, 0, 1, 2, 3, None, None]
    """
    plain = _plain(name)
    if _INDEX.fullmatch(plain):
        return 3
    endings = _ENDING.fullmatch(plain) or _CAMEL.fullmatch(_bare(name))
    if not (_NOUN.fullmatch(plain) or endings or plain in ID_NAMES):
        return None
    if any(word in plain for word in _ITEMS):
        return 0
    return 2 if any(word in plain for word in _USERS) else 1


def best_id(names: Sequence[str]) -> int | None:
    """Return the first of the names that fit a column of ids best, as its place; None where none does."""
    ranks = {at: rank for at, name in enumerate(names) if (rank := id_rank(name)) is not None}
    return min(ranks, key=lambda at: ranks[at], default=None)


def holds_ids(name: str) -> bool:
    """Return whether a column of that name holds ids whatever is in it."""
    return _plain(name) in ID_NAMES


def is_frequency(name: str) -> bool:
    """Return whether a column of that name says how often an item occurs."""
    return _FREQUENCY.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    return _bare(name).lower()


def _bare(name: str) -> str:
    """Return a name without the type that RecBole writes behind it."""
    return re.sub(r"(?i:(:token|:float)$)", "", name.strip())
