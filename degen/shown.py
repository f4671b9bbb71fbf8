"""Text from files as it is shown: what could steer a terminal, split a sentence or hide is escaped."""

from __future__ import annotations

import re

# Controls, the line and paragraph separators, signs that change the direction of writing or have no width,
# and halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def shown(text: str) -> str:
    r"""Return `text` with what a reader cannot see written as its escape.

    >>> print(shown("a\x1b]0;owned\x07b\n"), shown("plain Ünï"))
    a\x1b]0;owned\x07b\n plain Ünï
    """
    return _UNSEEN.sub(lambda sign: ascii(sign[0])[1:-1], text)


def shown_lines(text: str) -> str:
    r"""Return `text` of several lines as `shown` does, with its line breaks.

    >>> print(shown_lines("a\x07\nb"))
    a\x07
    b
    """
    return "\n".join(map(shown, text.split("\n")))


def shown_json(text: str) -> str:
    r"""Return a JSON text in which such signs are written as JSON's own escapes; its values stay the same.

    >>> print(shown_json('["a\u2028b\x9b"]'))
    ["a\u2028b\u009b"]
    """
    return _UNSEEN.sub(lambda sign: sign[0] if sign[0] == "\n" else f"\\u{ord(sign[0]):04x}", text)
