"""Errors that the user can mend, and suggestions for misspelt names.

Every command turns a `UserError` into one sentence on stderr and exit code 2; any other exception is a fault
of degen. Messages name Python arguments in backticks: `out`, `resume=True`, `training.item_block=0`. The
command line replaces them by its options (`degen.cli.wording`): --out, --resume, --set training.item_block=0.
"""

from __future__ import annotations

import difflib
import re
import reprlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from degen.shown import shown

_ALIKE = 0.6
"""Share of equal letters from which a mistyped name is taken for a known one."""

OF_YOUR_OWN = "one of your own is known once its module is imported (`import MODULE`)"
"""The end of a message about an unknown variant or measure where no name is like it."""


class UserError(Exception):
    """A mistake in a file, an argument or a value; the message says what is wrong, where, and the mend.

    What a reader cannot see is escaped in it (`degen.shown`), since it may quote names from a file.
    """

    def __init__(self, message: str) -> None:
        super().__init__(shown(message))


class DegenWarning(UserWarning):
    """A warning about a run: it has collapsed, could go on, lost most of its log, or has an idle setting."""


class CannotWrite(UserError):
    """A file cannot be written: the disk is full, or the folder forbids it."""


class LostProcess(UserError):
    """Another process of the same run is gone, so that this one cannot continue either."""


@contextmanager
def one_sentence(program: str) -> Iterator[None]:
    """End a script as the commands end: a `UserError` becomes one sentence on stderr and exit code 2."""
    try:
        yield
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(2)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "run"), counted(0, "run"), counted(12101, "item")
    ('1 run', '0 runs', '12,101 items')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def close_to(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a mistyped one is close to; None where none is.

    A name that begins with what was typed counts as close, as does one with a part that is close to it.

    >>> close_to("beatuy", ["beauty", "sports"]), close_to("duo", ["duorec"]), close_to("nosuch", ["su"])
    ('beauty', 'duorec', None)
    """
    by_lower = {other.lower(): other for other in sorted(known)}
    typed = name.lower()
    close = difflib.get_close_matches(typed, by_lower, n=1, cutoff=_ALIKE)
    begun = [other for other in by_lower if len(typed) > 2 and other.startswith(typed)]
    parts = [other for other in by_lower if difflib.get_close_matches(typed, re.split("[_-]", other), 1, 0.8)]
    found = close or begun or parts
    return by_lower[found[0]] if found else None


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return `; did you mean 'x'?` for the closest of `known`.

    If none is close, `; ` and `otherwise` are returned, or all known names where it is empty.
    """
    names = sorted(known)
    if match := close_to(name, names):
        return f"; did you mean '{match}'?"
    return f"; {otherwise or 'known: ' + ', '.join(names)}"


def in_words(value: Any) -> str:
    """Return a wrong value in a few words: arrays are not printed."""
    kind = type(value).__name__
    if shape := getattr(value, "shape", ()):
        return f"{'a tensor' if kind == 'Tensor' else 'an array'} of shape {list(shape)}"
    if hasattr(value, "__len__") and not isinstance(value, str):
        return f"a value of type {kind} and length {len(value)}"
    return reprlib.repr(value)


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a Python argument that is none of `known`, with the nearest of them."""
    names = list(known)
    if unknown := [name for name in given if name not in names]:
        raise UserError(f"there is no argument `{unknown[0]}`{nearest(unknown[0], names)}")


def similar_file(path: Path) -> str:
    """Return `; did you mean 'x'?` for a file beside a path where nothing is, nothing if none is like it.

    Files of the same name with another suffix come first: `log.csv` for `log.cvs`.
    """
    try:
        names = sorted(other.name for other in path.parent.iterdir())
    except OSError:
        return ""
    same = [name for name in names if Path(name).stem == path.stem]
    close = close_to(path.name, same) or close_to(path.name, names)
    return f"; did you mean '{path.parent / close}'?" if close else ""


def one_of(argument: str, value: str, known: Iterable[str]) -> str:
    """Return `value` in lower case if it is one of `known`.

    Raises
    ------
    UserError
        if it is not; the message names the argument, the value and the nearest known one.
    """
    names = list(known)
    if value.lower() in names:
        return value.lower()
    raise UserError(f"`{argument}` '{value}' is unknown{nearest(value, names)}")
