"""Colours, dashes and markers of the figures, for a page that is light or dark.

    Look.of(name, position)    a variant's line, as `degen/plots/style.py` draws it
    style_sheet(looks)         a class for each, and the colours of the page
    frequency_scale()          colours from rare to frequent

A light page has the colours of the PDFs. On a dark one each is made lighter until it can be seen, and the
scale of frequency ends where it can no longer be seen: rare items are the lightest on both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.colors import to_hex, to_rgb
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

from degen.plots.style import UNSEEN_COLOR, frequency_colors, variant_line, variant_marker

PAGES = {"light": "#ffffff", "dark": "#14171c"}
WIDTH = 1.8
"""Of a line in a chart, in its units."""

_MARK = 6.5  # size of a marker
_SEEN, _LINE_SEEN = 3.0, 4.5  # contrast with the page of a dot and of a line
_GREY = 0.1  # saturation below which a colour is a grey
_STEPS = 64
_SOLID = ("-", "solid")
_PATTERNS = {
    "--": matplotlib.rcParamsDefault["lines.dashed_pattern"],
    "-.": matplotlib.rcParamsDefault["lines.dashdot_pattern"],
    ":": matplotlib.rcParamsDefault["lines.dotted_pattern"],
}
_LETTERS = {
    Outline.MOVETO: "M",
    Outline.LINETO: "L",
    Outline.CURVE3: "Q",
    Outline.CURVE4: "C",
    Outline.CLOSEPOLY: "Z",
}


@dataclass(frozen=True)
class Look:
    """A line's colour as #rrggbb, its dashes and gaps in line widths, and its marker, both maybe empty."""

    color: str
    dashes: Sequence[float] = ()
    marker: str = ""

    @classmethod
    def of(cls, name: str, position: int = 0) -> Look:
        """Return the look of a variant, or of another name by its position, as figures have it."""
        line = variant_line(name, position)
        return cls(to_hex(line["color"]), _dashes(line["linestyle"]), variant_marker(name, position))

    @property
    def css_class(self) -> str:
        """Name of its class, which says all that sets it apart."""
        parts = [self.color[1:], *(f"{dash:g}" for dash in self.dashes), *(f"m{ord(c)}" for c in self.marker)]
        return "l" + re.sub(r"[^\w-]", "_", "-".join(parts))

    @property
    def rule(self) -> str:
        """The rule of its class."""
        dark = lighter(self.color, PAGES["dark"])
        dashes = " ".join(f"{dash * WIDTH:.3g}" for dash in self.dashes)
        pattern = f" --d: {dashes};" if dashes else ""
        return f".{self.css_class} {{ --c: light-dark({self.color}, {dark});{pattern} }}"

    @property
    def mark(self) -> str:
        """The marker as `d` of a path around the origin; empty without one."""
        if not self.marker:
            return ""
        style = MarkerStyle(self.marker)
        outline = style.get_path().transformed(style.get_transform())
        parts = []
        for vertices, code in outline.iter_segments():
            letter = _LETTERS[code]
            # Vertices grow upwards, and the page downwards.
            places = [f"{way * _MARK * v:.3g}" for v, way in zip(vertices, (1, -1) * 3, strict=False)]
            parts.append(letter if letter == "Z" else letter + " ".join(places))
        return "".join(parts)

    @property
    def filled(self) -> bool:
        """True if its marker has an inside, as a circle has and a cross has not."""
        return bool(self.marker) and MarkerStyle(self.marker).is_filled()


def _dashes(style: Any) -> tuple[float, ...]:
    """Return the lengths of dashes and gaps of a matplotlib line style, in line widths."""
    if style in _SOLID:
        return ()
    if isinstance(style, str):
        return tuple(map(float, _PATTERNS[style]))
    return tuple(float(length) for length in style[1] or ())


def style_sheet(looks: Iterable[Look]) -> str:
    """Return the rules of all looks, each once, and the colour of the page."""
    page = f":root {{ --page: light-dark({PAGES['light']}, {PAGES['dark']}); --w: {WIDTH}; }}"
    return "\n".join([page, *dict.fromkeys(look.rule for look in looks)]) + "\n"


def frequency_scale() -> dict[str, Any]:
    """Return colours from rare to frequent, light to dark on either page, and that of unseen items."""
    colors = frequency_colors()
    fine = [to_hex(colors(k / 255)) for k in range(256)]
    seen = [color for color in fine if contrast(color, PAGES["dark"]) >= _SEEN]
    return {"light": _thinned(fine), "dark": _thinned(seen), "unseen": UNSEEN_COLOR}


def _thinned(colors: Sequence[str]) -> list[str]:
    return [colors[round(k / (_STEPS - 1) * (len(colors) - 1))] for k in range(_STEPS)]


def lighter(color: str, page: str) -> str:
    """Return a colour that stands out from a dark page, in the same hue; a dark grey becomes a light one.

    >>> lighter("#000000", "#14171c"), lighter("#e69f00", "#14171c")
    ('#ffffff', '#e69f00')
    """
    hue, lightness, saturation = rgb_to_hls(*to_rgb(color))
    if saturation < _GREY:
        lightness = max(lightness, 1 - lightness)
    found = to_hex(hls_to_rgb(hue, lightness, saturation))
    while contrast(found, page) < _LINE_SEEN and lightness < 1:
        lightness += 0.01
        found = to_hex(hls_to_rgb(hue, min(lightness, 1), saturation))
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
