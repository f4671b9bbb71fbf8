"""Errors that the user can mend, and suggestions for misspelt names.

Every command turns a `UserError` into one sentence on stderr and exit code 2; any other exception is a fault
of degen. Messages name Python arguments in backticks: `out`, `resume=True`, `training.item_block=0`. The
command line replaces them by its options (`degen.cli.wording`): --out, --resume, --set training.item_block=0.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from degen.shown import shown


class UserError(Exception):
    """A mistake in a file, an argument or a value; the message says what is wrong, where, and the mend.

    What a reader cannot see is escaped in it (`degen.shown`), since it may quote names from a file.
    """

    def __init__(self, message: str) -> None:
        super().__init__(shown(message))


class DegenWarning(UserWarning):
    """A warning about a run that was trained: it has collapsed, or could go on, or lost most of its log."""


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


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return `; did you mean 'x'?` for the closest of `known`.

    If none is close, `; ` and `otherwise` are returned, or all known names where it is empty.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.5)
    if close:
        match = next(n for n in names if n.lower() == close[0])
        return f"; did you mean '{match}'?"
    return f"; {otherwise or 'known: ' + ', '.join(names)}"


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
