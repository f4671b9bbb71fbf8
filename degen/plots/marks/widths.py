"""Measure texts before they are drawn, and shorten those that are too long."""

from __future__ import annotations

import warnings
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from degen.plots.style import FONT


@lru_cache(maxsize=4096)
def text_ems(text: str) -> float:
    """Return the width of `text` in font sizes, the widest line of several."""
    font = FontProperties(family=FONT, size=1)
    with warnings.catch_warnings():  # letters that the font lacks are drawn as boxes
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        lines = [line for line in text.split("\n") if line]
        measure = text_to_path.get_text_width_height_descent
        return float(max((measure(line, font, False)[0] for line in lines), default=0.0))


def shortened(text: str, ems: float) -> str:
    """Return `text`, its middle replaced by an ellipsis where it is wider than `ems` font sizes.

    The end is kept, because names of files and series differ there. At least two letters remain.
    """
    if text_ems(text) <= ems:
        return text
    for kept in range(len(text) - 1, 2, -1):
        short = f"{text[: kept // 2]}…{text[len(text) - (kept + 1) // 2 :]}"
        if text_ems(short) <= ems:
            return short
    return f"{text[:1]}…{text[-1:]}"


def wrapped(text: str, ems: float) -> str:
    """Return `text` in lines of at most `ems` font sizes, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_ems(longer) <= ems:
            lines[-1] = longer
        else:
            lines.append(shortened(word, ems))
    return "\n".join(lines)
