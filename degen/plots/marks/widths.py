"""Measure texts before they are drawn, and shorten those that are too long."""

from __future__ import annotations

import math
import re
import warnings
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from degen.plots.style import FONT
from degen.tables import shorten

_STEPS = 20  # Widths are whole numbers of these parts of a font size; the narrowest letter has several.


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

    At least two letters remain.
    """
    found = shorten.shortened(
        [text], math.floor(ems * _STEPS), lambda part: math.ceil(text_ems(part) * _STEPS)
    )
    return found[0] if found else f"{text[:1]}{shorten.ELLIPSIS}{text[-1:]}"


def wrapped(text: str, ems: float) -> str:
    """Return `text` in lines of at most `ems` font sizes, broken between words, not at hard blanks."""
    lines: list[str] = []
    for word in re.split("[ \n]+", text.strip(" \n")):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_ems(longer) <= ems:
            lines[-1] = longer
        else:
            lines.append(shortened(word, ems))
    return "\n".join(lines).replace("\xa0", " ")
