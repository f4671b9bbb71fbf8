"""Sentences in lines within the width of a terminal, without cutting a command that they quote."""

from __future__ import annotations

import re
from textwrap import wrap

HARD_BLANK = "\xa0"
"""Blank at which no line breaks, until it is printed."""

_QUOTED = re.compile(r"`[^`]*`")


def broken(text: str, width: int) -> list[str]:
    """Return the lines of a sentence, broken at spaces only."""
    return wrap(text, max(1, width), break_long_words=False, break_on_hyphens=False) or [""]


def lines_for(text: str, width: int | None) -> list[str]:
    """Return a line of text as lines of at most `width`, below its indentation; None is without an end.

    What stands in backticks is kept whole, so that it can be copied, even where it is longer than a line.

    >>> lines_for("add `--columns user=NAME,item=NAME` to read it", 24)
    ['add', '`--columns user=NAME,item=NAME`', 'to read it']
    """
    if width is None or len(text) <= width // 2:
        return [text.replace(HARD_BLANK, " ")]
    indent = text[: len(text) - len(text.lstrip())]
    whole = _QUOTED.sub(lambda quoted: quoted[0].replace(" ", HARD_BLANK), text.strip())
    return [indent + line.replace(HARD_BLANK, " ") for line in broken(whole, width - len(indent))]
