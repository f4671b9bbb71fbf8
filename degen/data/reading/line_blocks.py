"""Split a block of lines with NumPy, without making a string of each field.

Making strings is most of the time of reading a log. Only plain blocks can do without: ASCII, no quotation
marks where these have a meaning, and the same number of fields in every line. For any other block `split`
returns None, and its lines are read one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from degen.data.interactions import Times
from degen.data.reading.ids import WIDEST, Words

_NEWLINE = 10
# Control characters: `str.split` takes some of them for white space, and NUL pads words.
_PLAIN = bytes([9, 10, *range(32, 127)])
_DIGITS = 18
"""Maximum number of decimal digits that fit an int64 whatever they are."""

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Lines with the same number of fields, after `before` lines of the file.

    `data`, uint8, is the text followed by `WIDEST` zeros, so that a word can be read from any byte of it.
    `start` and `length`, int64 `[lines, width]`, are the first byte of each field and its number of bytes.
    `kept`, int64 `[lines]`, are the places in the block of the lines that `take` kept, or None for all.
    """

    data: npt.NDArray[np.uint8]
    start: Int
    length: Int
    before: int
    kept: Int | None = None

    @classmethod
    def split(cls, text: str, separator: str | None, width: int, before: int) -> Block | None:
        """Split a text that ends with a line end; return None unless the result is sure to be exact."""
        doubled = separator is not None and len(separator) > 1
        if doubled and separator != 2 * separator[0]:  # type: ignore[index]
            return None
        raw = text.encode() if text.isascii() else b""
        if not raw or raw.translate(None, _PLAIN):
            return None
        data = np.frombuffer(raw + bytes(WIDEST), dtype=np.uint8)
        text_bytes = data[: len(raw)]
        is_end = text_bytes == _NEWLINE
        for sign in " \t" if separator is None else separator[:1]:
            is_end |= text_bytes == ord(sign)
        ends = np.flatnonzero(is_end)
        # Each `::` counts as two separators with an empty field between them.
        step = 2 * width - 1 if doubled else width
        line_ends = ends[step - 1 :: step]
        if len(ends) % step or len(line_ends) != text.count("\n") or (data[line_ends] != _NEWLINE).any():
            return None
        start = np.concatenate([[0], ends[:-1] + 1]).reshape(-1, step)
        length = ends.reshape(-1, step) - start
        if doubled:
            if length[:, 1::2].any():
                return None
            start, length = start[:, ::2], length[:, ::2]
        if length.max() > WIDEST or (separator is None and not length.all()):
            return None
        return cls(data, start, length, before)

    def __len__(self) -> int:
        return len(self.start)

    def line(self, index: int) -> int:
        """Return the number in the file, from 1, of a line of the block."""
        return self.before + (index if self.kept is None else int(self.kept[index])) + 1

    def take(self, lines: Int) -> Block:
        """Return the block of some of its lines, given by their places in it."""
        return replace(self, start=self.start[lines], length=self.length[lines], kept=lines)

    def empty(self, column: int) -> int | None:
        """Return the first line whose field is empty, or None."""
        empty = np.flatnonzero(self.length[:, column] == 0)
        return int(empty[0]) if len(empty) else None

    def words(self, column: int) -> Words:
        """Return one field of all lines in the form of `ids.to_words`, uint64 `[lines, k]`."""
        start, length = self.start[:, column], self.length[:, column]
        k = max(-(-int(length.max()) // 8), 1)
        # Overlapping views of 8 bytes, one from every byte on: word i of a field is one look-up and a mask.
        anywhere = np.ndarray((len(self.data) - 7,), dtype="<u8", buffer=self.data, strides=(1,))
        words = np.empty((len(start), k), dtype=np.uint64)
        for word in range(k):
            left = np.clip(length - 8 * word, 0, 8)
            words[:, word] = anywhere[np.minimum(start + 8 * word, len(anywhere) - 1)] & _MASKS[left]
        return words

    def integers(self, column: int) -> Times | None:
        """Return one field of all lines as int64 `[lines]`, or None unless all are plain decimal digits."""
        start, length = self.start[:, column], self.length[:, column]
        if not len(length) or not 0 < int(length.min()) <= int(length.max()) <= _DIGITS:
            return None
        value = np.zeros(len(start), dtype=np.int64)
        for position in range(int(length.max())):
            inside = position < length
            digit = self.data[start + position].astype(np.int64) - ord("0")
            if (inside & ((digit < 0) | (digit > 9))).any():
                return None
            value = np.where(inside, 10 * value + digit, value)
        return value

    def texts(self, column: int) -> list[str]:
        """Return one field of all lines as strings."""
        text = self.data.tobytes().decode()
        ends = self.start[:, column] + self.length[:, column]
        return [
            text[first:last]
            for first, last in zip(self.start[:, column].tolist(), ends.tolist(), strict=True)
        ]


_MASKS = np.array([(1 << 8 * bytes_left) - 1 for bytes_left in range(9)], dtype=np.uint64)
"""By number of bytes: the mask that keeps so many of a little-endian word."""
