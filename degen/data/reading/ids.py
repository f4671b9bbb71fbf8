"""Number the ids of a column by sorting them.

    "B0000ZEPGA" ─► words [n, k], 8 bytes each, little-endian ─► sort ─► codes
                                                                 └─► table of distinct ids

A dictionary of a million strings costs a microsecond per look-up, because it misses the processor's cache
about four times per action of a large log. Sorting reads memory in order. Two ids are equal exactly if their
words are: a hash only groups them, and every group is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.data.long_arrays import Column, blocks, lookup
from degen.errors import UserError

Words = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int32]

WIDEST = 64
"""Maximum number of bytes of an id that is kept as words. Longer ids are rare and go through a dictionary."""

_WORD = 8
_LITTLE = np.dtype("<u8")
_ALIAS = "\x01"
"""First character of the short stand-in for an id that is too long."""

_FOLD = 1 << 20
"""Minimum number of ids that are collected before they are sorted."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


def to_words(ids: Sequence[str]) -> Words:
    """Return the UTF-8 of ids, at most `WIDEST` bytes each, in words uint64 `[n, k]`, padded with zeros.

    Raise a `UserError` for an id that is not valid Unicode or holds a NUL.
    """
    if "\0" in "".join(ids):
        raise UserError("an id holds a NUL character; the file is damaged, or not a log")
    try:
        texts = np.array(ids, dtype=np.bytes_)
    except UnicodeEncodeError:
        try:
            texts = np.array([identifier.encode() for identifier in ids], dtype=np.bytes_)
        except UnicodeEncodeError as error:
            raise UserError(f"the id {error.object!r} is not valid Unicode; mend it in the file") from error
    k = max(-(-texts.dtype.itemsize // _WORD), 1)
    packed = texts.astype(f"S{k * _WORD}").view(_LITTLE).reshape(len(ids), k)
    return packed.astype(np.uint64, copy=False)


def from_words(words: Words) -> list[str]:
    """Return the ids whose words, uint64 `[n, k]`, `to_words` returned."""
    packed = np.ascontiguousarray(words.astype(_LITTLE, copy=False))
    return [text.decode() for text in packed.view(f"S{words.shape[1] * _WORD}").ravel().tolist()]


def distinct(words: Words) -> tuple[Words, Codes]:
    """Return the distinct rows of words `[n, k]`, in any order, and the index of each row among them."""
    key = _mix(words)
    order = np.argsort(key)
    codes, first = _groups(key, order)
    table = words[first]
    if words.shape[1] > 1 and not np.array_equal(words, table[codes]):
        # Two ids have one hash, which happens once in many billion logs. Sort by the words themselves.
        order = np.lexsort(words.T)
        codes, first = _groups(words, order)
        table = words[first]
    return table, codes


def _mix(words: Words) -> npt.NDArray[np.uint64]:
    """Hash each row to uint64 `[n]`; a row of one word is its own hash."""
    key = words[:, 0]
    for column in words.T[1:]:
        key = (key ^ (key >> np.uint64(29))) * _ODD + column
    return key


def _groups(keys: Words, order: npt.NDArray[np.int64]) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Number the groups of equal keys in order; return the group of each row and a row of each group."""
    ordered = keys[order]
    new = np.ones(len(order), dtype=bool)
    changed = ordered[1:] != ordered[:-1]
    new[1:] = changed if changed.ndim == 1 else changed.any(axis=1)
    codes = np.empty(len(order), dtype=np.int32)
    codes[order] = np.cumsum(new, dtype=np.int32) - 1
    return codes, order[new]


MISSING = ("", "NA", "N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "\\N")
"""Texts that tables write where there is no value. As a user they would make one of all who have none."""

_MISSING_WORDS = np.array([int.from_bytes(text.encode(), "little") for text in MISSING], dtype=np.uint64)
_SHORT = np.uint64(1 << 8 * max(map(len, MISSING)))


_MISSING_TEXTS = frozenset(MISSING)


def missing_ids(ids: Words | Sequence[str]) -> npt.NDArray[np.bool_] | None:
    """Return which ids, as texts or in words, are `MISSING`, bool `[n]`, or None where none is."""
    if not isinstance(ids, np.ndarray):
        if _MISSING_TEXTS.isdisjoint(ids):
            return None
        return np.fromiter((identifier in _MISSING_TEXTS for identifier in ids), dtype=bool, count=len(ids))
    # No text of `MISSING` fills its first word, so nothing can follow there.
    short = np.flatnonzero(ids[:, 0] < _SHORT)
    found = short[np.isin(ids[short, 0], _MISSING_WORDS)]
    if not len(found):
        return None
    missing = np.zeros(len(ids), dtype=bool)
    missing[found] = True
    return missing


class IdCoder:
    """Number the ids of a column, given chunk by chunk, in order of their first appearance.

    Memory holds 4 bytes per action, the distinct ids as words, and about as many ids that wait for a number.
    """

    def __init__(self) -> None:
        self._raw: list[Words] = []
        self._waiting = 0
        self._table: Words = np.empty((0, 1), dtype=np.uint64)
        self._codes = Column(np.int32)
        self._aliases: dict[str, str] = {}

    def __len__(self) -> int:
        return self._waiting + len(self._codes)

    def add(self, ids: Sequence[str]) -> None:
        """Take a column of ids."""
        if not ids:
            return
        longest = max(map(len, ids))
        if 4 * longest > WIDEST:
            short = {identifier: self._short(identifier) for identifier in dict.fromkeys(ids)}
            ids = [short[identifier] for identifier in ids]
        self.add_words(to_words(ids))

    def add_words(self, words: Words) -> None:
        """Take a column of ids in the form that `to_words` returns."""
        self._raw.append(words)
        self._waiting += len(words)
        # Each fold sorts the table of distinct ids too, so it waits until as many new ids have come.
        if self._waiting >= max(_FOLD, len(self._table)):
            self._fold()

    def finish(self) -> tuple[Codes, list[str]]:
        """Return the codes, int32 `[n]`, and the id of each code. The coder is empty afterwards."""
        self._fold()
        ids, self._table = from_words(self._table), self._table[:0]
        originals = {alias: identifier for identifier, alias in self._aliases.items()}
        if originals:
            ids = [originals.get(identifier, identifier) for identifier in ids]
        return self._codes.finish(), ids

    def _fold(self) -> None:
        """Number the waiting ids. Those of the table stand before them, so they keep their numbers."""
        known, parts = len(self._table), [self._table, *self._raw]
        words = np.zeros((sum(map(len, parts)), max(part.shape[1] for part in parts)), dtype=np.uint64)
        end = 0
        for part in parts:
            words[end : end + len(part), : part.shape[1]] = part
            end += len(part)
        self._raw, self._waiting = [], 0
        table, codes = distinct(words)
        codes, seen = by_appearance(codes, len(table))
        self._table = table[seen]
        self._codes.append(codes[known:])

    def _short(self, identifier: str) -> str:
        """Return an id itself, or its alias if it is too long or could be taken for an alias."""
        if len(identifier.encode(errors="replace")) <= WIDEST and not identifier.startswith(_ALIAS):
            return identifier
        return self._aliases.setdefault(identifier, f"{_ALIAS}{len(self._aliases)}")


def by_appearance(codes: npt.NDArray[np.integer[Any]], n_codes: int) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Renumber codes `[n]` in order of first appearance; return them and the old code of each new one."""
    first = np.full(n_codes, len(codes), dtype=np.int64)
    for part in reversed(list(blocks(len(codes)))):
        # Where an index occurs twice, the last value written stays: backwards, the first appearance.
        first[codes[part][::-1]] = np.arange(part.start, part.stop)[::-1]
    seen = np.argsort(first, kind="stable")[: int((first < len(codes)).sum())]
    new = np.empty(n_codes, dtype=np.int32)
    new[seen] = np.arange(len(seen), dtype=np.int32)
    return lookup(new, codes), seen
