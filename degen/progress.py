"""Progress of reading and writing a long interaction log, reported to whoever watches.

    with watched(show):                  show("reading", 1 << 20, 2_500_000_000), and so on
        load_dataset("visits.csv")

The watcher is a context variable, so that no function between the command and the file has to pass it on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Watch = Callable[[str, int, int], None]
"""Called with the name of a stage, the amount that is done, and the total."""

_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Report to `watch` the progress of all that is read and written within the block."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def tell(what: str, done: int, total: int) -> None:
    """Report the progress of a stage to the watcher, if there is one."""
    watch = _watch.get()
    if watch is not None:
        watch(what, done, total)


class WatchedFile(io.FileIO):
    """A file opened for reading that reports how many of its bytes were read."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path)
        self._what = what
        self._size = path.stat().st_size

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read bytes into `buffer`, and report the position in the file."""
        read = super().readinto(buffer)
        tell(self._what, self.tell(), self._size)
        return read
