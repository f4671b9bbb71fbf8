"""Long names shortened in the middle, so that each keeps its end and no two become alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

ELLIPSIS = "…"

Measure = Callable[[str], int]
"""Function that returns the width of a text, in characters or in cells of a terminal."""


def shortened(names: Sequence[str], room: int, width: Measure = len) -> list[str] | None:
    """Return names of at most `room`, each cut in the middle where it is longer.

    What all names begin with goes first. Paths are cut at their separators where that leaves enough of them.
    Names that differ stay different.

    Returns
    -------
    list of str or None
        None where `room` is too little to tell the names apart.

    >>> shortened(["runs/of/november/beauty/sasrec-s0", "jan.npy"], 24)
    ['runs/…/sasrec-s0', 'jan.npy']
    >>> shortened(["runs/of/november/beauty/sasrec-s0", "runs/of/november/yelp/sasrec-s0"], 24)
    ['…/beauty/sasrec-s0', '…/yelp/sasrec-s0']
    """
    if all(width(name) <= room for name in names):
        return list(names)
    distinct = len(set(names))
    for cut in _cuts(names, room, width):
        found = [name if width(name) <= room else cut(name) for name in names]
        if len(set(found)) == distinct and all(width(name) <= room for name in found):
            return found
    return None


def _cuts(names: Sequence[str], room: int, width: Measure) -> Iterator[Callable[[str], str]]:
    """Yield ways of cutting a name, the best ones first: what all share, then the middle.

    Of the middle a third of the room is kept for the beginning.
    """
    if shared := _shared(names):
        yield lambda name: ELLIPSIS + name[shared:]
    left = room - width(ELLIPSIS)
    heads = sorted(range(max(0, left)), key=lambda head: abs(head - left // 3))
    for head in heads[: 1 if room < 8 else None]:
        yield lambda name, head=head: _path_cut(name, head, left - head, width)  # type: ignore[misc]
    for head in heads:
        yield lambda name, head=head: (  # type: ignore[misc]
            first(name, head, width) + ELLIPSIS + last(name, left - head, width)
        )
    # Names that differ in a short part amid long common ones keep that part.
    before = _common(names)
    after = _common([name[before:][::-1] for name in names])

    def around(name: str) -> str:
        part = ELLIPSIS * (before > 0) + name[before : len(name) - after]
        end = name[len(name) - after :]
        return part + ELLIPSIS + last(end, room - width(part + ELLIPSIS), width)

    yield around


def _path_cut(name: str, head: int, tail: int, width: Measure) -> str:
    """Return a path cut before a separator and after one; each part keeps half of its room at least."""
    start, end = first(name, head, width), last(name, tail, width)
    slash = start.rfind("/") + 1
    start = start[:slash] if 2 * slash >= len(start) else start
    slash = end.find("/")
    end = end[slash:] if 0 <= slash <= len(end) // 2 else end
    return start + ELLIPSIS + end


def _shared(names: Sequence[str]) -> int:
    """Return how many characters before a separator all names share: folders, or else words."""
    if len(set(names)) < 2:
        return 0
    beginning = names[0][: _common(names)]
    folders = beginning.rfind("/")
    return folders if folders > 0 else max(beginning.rfind("-"), beginning.rfind("_")) + 1


def _common(texts: Sequence[str]) -> int:
    """Return how many characters all texts begin with alike."""
    alike = (len(set(signs)) == 1 for signs in zip(*texts, strict=False))
    return sum(1 for _ in takewhile(bool, alike))


def first(text: str, room: int, width: Measure) -> str:
    """Return the beginning of a text that takes at most `room`."""
    end = min(len(text), max(0, room))
    while end and width(text[:end]) > room:
        end -= 1
    return text[:end]


def last(text: str, room: int, width: Measure) -> str:
    """Return the end of a text that takes at most `room`."""
    return first(text[::-1], room, width)[::-1]
