"""Read a pickle as data, without importing, looking up or calling anything that it names.

A pickle is a program. It names functions of any module, calls them and sets the state of what they return.
`pickletools` splits it into instructions without executing any. The machine here executes them on records: a
global becomes a `Name`, and a call becomes a `Call` with its function, arguments and state. So
`os.system("…")` in a file becomes a record of that call, and `pickle` itself is never imported.

`checkpoint` builds arrays from the records of the few functions that it knows.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any, cast

from degen.embeddings.formats.weights.pickle_machine import Call, Machine, Name, NotAPickle, Reference

__all__ = ["Call", "Name", "NotAPickle", "Reference", "read_pickle"]

MOST_INSTRUCTIONS = 20_000_000
"""Limit on time: an instruction takes the same short time, whatever stands before it."""

MOST_OBJECTS = 8_000_000
"""Limit on memory: lists, dictionaries and records, each of which takes 50 to 200 bytes."""

_PIECE = 1 << 24
"""Number of bytes that are read at once: a length that the file does not have must not be reserved."""


def read_pickle(file: IO[bytes], refer: Callable[[Any], Any] = Reference) -> Any:
    """Return the content of the pickle at the position of `file`, which is left after the pickle.

    Numbers, strings, lists, tuples, sets and dictionaries are returned as themselves. Everything else is a
    `Call`, a `Name`, or the result of `refer` for a persistent identifier. Entries of a dictionary or set
    whose key is not a plain value are left out.

    Raise `NotAPickle` where it is damaged, too long, or has an instruction that files of weights do not need.
    """
    machine = Machine(refer)
    try:
        for count, (instruction, argument, _) in enumerate(
            pickletools.genops(cast(IO[bytes], _Pieces(file)))
        ):
            if count > MOST_INSTRUCTIONS or machine.objects > MOST_OBJECTS:
                raise NotAPickle("the pickle has too many instructions or objects")
            machine.step(instruction.name, argument)
        return machine.pop()
    except NotAPickle:
        raise
    # pickletools raises ValueError for what is not a pickle. A pickle without sense raises the others here.
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise NotAPickle(f"not a pickle that can be read: {error}") from error


class _Pieces:
    """A file that reserves memory only for what it has; `pickletools` asks for any length a pickle states."""

    def __init__(self, file: IO[bytes]) -> None:
        self.readline, self.tell = file.readline, file.tell
        self._read = file.read

    def read(self, length: int) -> bytes:
        """Return up to `length` bytes."""
        if length <= _PIECE:
            return self._read(length)
        pieces = []
        while length > 0 and (piece := self._read(min(length, _PIECE))):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)
