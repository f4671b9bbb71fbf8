"""Columns of a table within a width, without breaking a number or a name.

Titles may break at spaces and after underscores, sentences at spaces. Names are shortened in the middle.
Numbers stay whole: a table that still does not fit is turned by its caller.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from degen.tables.lines import HARD_BLANK, broken
from degen.tables.shorten import shortened
from degen.tables.table import Kind

SHORTEST_NAME = 20
"""Characters that a name keeps before a table is turned instead."""

NARROWEST_SENTENCE = 24
"""Characters of the narrowest column of sentences."""

_NUMBERS = re.compile(r"(?:[\d\s.,%±→/–∞+×()\-]|to|and|e|h|min)+")
_PIECES = re.compile(r"[^ _]*_|[^ _]+ ?| ")


@dataclass(frozen=True)
class Strip:
    """A column of texts under its title."""

    title: str
    texts: Sequence[str]
    kind: Kind

    @cached_property
    def shortest_title(self) -> int:
        """Width of the longest part of the title that does not break."""
        return max((cell_len(piece.rstrip()) for piece in _PIECES.findall(self.title)), default=0)

    @cached_property
    def widest(self) -> int:
        """Width of the longest text."""
        return max(map(cell_len, self.texts), default=0)

    @property
    def full(self) -> int:
        """Width at which nothing breaks."""
        return max(*map(cell_len, self.title.split("\n")), self.widest)

    @property
    def tight(self) -> int:
        """Width at which only the title breaks."""
        return max(self.shortest_title, self.widest)

    @cached_property
    def least(self) -> int:
        """Width below which a number would break, or a name would say too little."""
        if self.kind == "sentence":
            texts = max(min(self.widest, NARROWEST_SENTENCE), *map(_unbroken, self.texts), 0)
        elif self.kind in ("text", "key"):
            texts = max(
                (
                    cell_len(text) if is_number(text) else min(cell_len(text), SHORTEST_NAME)
                    for text in self.texts
                ),
                default=0,
            )
        else:
            texts = self.widest
        return max(self.shortest_title, texts)

    def within(self, width: int) -> Strip | None:
        """Return the column with lines of at most `width`; None where two names would become alike."""
        title = "\n".join(broken_title(self.title, width))
        if self.kind == "sentence":
            return Strip(title, ["\n".join(broken(text, width)) for text in self.texts], self.kind)
        texts = shortened(self.texts, width, cell_len)
        return None if texts is None else Strip(title, texts, self.kind)


def is_number(text: str) -> bool:
    """Return whether a text is a number, an interval or several numbers, which are never shortened.

    >>> is_number("0.016 → 0.050"), is_number("6,041 / 3,417"), is_number("sasrec-s0")
    (True, True, False)
    """
    return bool(_NUMBERS.fullmatch(text))


def broken_title(title: str, width: int) -> list[str]:
    """Return the lines of a title, broken at spaces and after underscores.

    >>> broken_title("alignment_same_target", 10), broken_title("hours left", 5)
    (['alignment_', 'same_', 'target'], ['hours', 'left'])
    """
    lines = [""]
    for piece in _PIECES.findall(title):
        if lines[-1] and cell_len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def fitted(strips: Sequence[Strip], room: int) -> list[Strip] | None:
    """Return columns that take at most `room` together; None where they cannot."""
    if sum(strip.full for strip in strips) <= room:
        return list(strips)
    widths = shrunk([strip.tight for strip in strips], [strip.least for strip in strips], room)
    if widths is None:
        return None
    found = [strip.within(width) for strip, width in zip(strips, widths, strict=True)]
    return None if None in found else [strip for strip in found if strip is not None]


def shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """Return widths of at most `room` in all, the widest made narrower first; None where `least` exceed it.

    >>> shrunk([10, 30, 40], [10, 8, 12], 60)
    [10, 25, 25]
    """
    if sum(least) > room:
        return None
    found = list(widths)
    while sum(found) > room:
        widest = max(
            (place for place in range(len(found)) if found[place] > least[place]), key=lambda at: found[at]
        )
        found[widest] -= 1
    return found


def without_constants(strips: Sequence[Strip]) -> tuple[list[Strip], str]:
    """Return the columns whose texts differ, and a line that says the values of the others.

    A table of one row, or of the same rows, keeps all.
    """
    alike = [len(set(strip.texts)) == 1 and len(strip.texts) > 1 for strip in strips]
    if all(alike):
        return list(strips), ""
    said = []
    for strip, same in zip(strips, alike, strict=True):
        if same and strip.texts[0]:
            text = f"{strip.title} {strip.texts[0]}".strip()
            said.append(text if strip.kind == "sentence" else text.replace(" ", HARD_BLANK))
    left = [strip for strip, same in zip(strips, alike, strict=True) if not same]
    return left, f"all: {', '.join(said)}" if said else ""


def _unbroken(text: str) -> int:
    """Return the width of the longest part of a sentence that does not break."""
    return cell_len(text) if is_number(text) else max(map(cell_len, text.split()), default=0)
