"""Collect the actions of a log while any of the readers reads it, and say what was found.

Every reader hands over users, items and times chunk by chunk. What holds for all formats is decided here: an
action without a user is left out and counted, an id with a line break is refused, and the first action is
told as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from degen.data.interactions import Interactions, Times
from degen.data.reading.ids import MISSING, Codes, IdCoder, Words
from degen.data.reading.time_patterns import Clock
from degen.data.reading.times import TimeColumn
from degen.errors import UserError, counted

_LINE_BREAK = re.compile("[\n\r]")


class Actions:
    """The actions of the log at `path`, read so far; `timed` says whether they have times.

    `pattern` is the user's pattern of dates, or None. With `hours`, times of day that stand apart are hours.
    """

    def __init__(self, path: Path, *, timed: bool, pattern: str | None = None, hours: bool = False) -> None:
        self._path = path
        self._users, self._items = IdCoder(), IdCoder()
        self.times = TimeColumn(pattern) if timed else None
        self._clock = Clock(plain=pattern is not None, hours=hours)
        self._without_user = 0
        self._first_without: str = ""

    @property
    def wants_texts(self) -> bool:
        """True if times have to be given as texts, because a pattern is to read them."""
        return self.times is not None and self.times.texts_only

    def add(self, users: Sequence[str] | Words, items: Sequence[str] | Words) -> None:
        """Take the users and the items of some actions, as texts or in words."""
        for coder, ids in ((self._users, users), (self._items, items)):
            if isinstance(ids, np.ndarray):
                coder.add_words(ids)
                continue
            try:
                coder.add(ids)
            except UserError as error:
                raise UserError(f"{self._path}: {error}") from error

    def add_times(self, times: Sequence[str] | Times, clocks: Sequence[str] | None = None) -> None:
        """Take the times of the same actions, and their times of day where these stand apart.

        Raise an `UnreadableTime` at the first that cannot be read.
        """
        assert self.times is not None
        if isinstance(times, np.ndarray):
            self.times.add_integers(times)
        else:
            self.times.add(times if clocks is None else self._clock.join(times, clocks))

    def leave_out(self, count: int, first: str) -> None:
        """Count actions without a user; `first` says where the first of them stands, such as `line 3`."""
        self._first_without = self._first_without or first
        self._without_user += count

    def finish(self, notes: Sequence[str] = ()) -> Interactions:
        """Return all actions, with `notes` before the notes on what was found.

        Raise a `UserError` where most actions have no user, an id holds a line break, or dates can be read in
        several ways.
        """
        read = len(self._users)
        if self._without_user > read:
            raise UserError(
                f"{self._path}: {self._without_user:,} of {self._without_user + read:,} actions have no user "
                f"(the first is {self._first_without}); name another column of users with `columns`"
            )
        users, user_ids = self._users.finish()
        items, item_ids = self._items.finish()
        check_lines(self._path, "user", user_ids)
        check_lines(self._path, "item", item_ids)
        try:
            times = None if self.times is None else self.times.times()
        except UserError as error:
            raise UserError(f"{self._path}: {error}") from error
        more = [*notes, *([] if self.times is None else self.times.notes)]
        if read:
            first = f"its first action is user {user_ids[users[0]]}, item {item_ids[items[0]]}"
            when = "" if times is None else f", time {self.times.shown(int(times[0]))}"  # type: ignore[union-attr]
            more.insert(0, first + when)
        more += [] if times is None else self.times.doubts(times)  # type: ignore[union-attr]
        more += _missing_items(items, item_ids)
        if self._without_user:
            many = self._without_user > 1
            actions = counted(self._without_user, "action")
            were = "were left out; the first is" if many else "was left out:"
            more.append(f"{actions} without a user {were} {self._first_without}")
        return Interactions(users, user_ids, items, item_ids, times, tuple(more))


def _missing_items(items: Codes, item_ids: list[str]) -> list[str]:
    """Return a note on items whose ids tables write where there is no value."""
    named = set(MISSING).intersection(item_ids)
    if not named:
        return []
    count = sum(int((items == item_ids.index(identifier)).sum()) for identifier in sorted(named))
    actions = f"{counted(count, 'action')} {'has' if count == 1 else 'have'}"
    shown = " or ".join(f"'{identifier}'" for identifier in sorted(named))
    return [f"{actions} the item {shown}, which stands for a missing value in many tables: remove such lines"]


def check_lines(path: Path, role: str, ids: list[str]) -> None:
    """Refuse ids that hold a line break, since runs and prepared logs keep ids one per line."""
    if _LINE_BREAK.search("\0".join(ids)) is None:
        return
    bad = next(identifier for identifier in ids if _LINE_BREAK.search(identifier))
    raise UserError(
        f"{path} has the {role} {bad!r}, whose id holds a line break; ids are kept one per line, so replace "
        "it in the file"
    )
