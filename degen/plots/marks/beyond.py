"""Say at the edge of a panel what lies beyond it, so that a few far points do not squeeze all others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke

from degen.plots.style import LEAST_LETTER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = npt.NDArray[np.float64]

_ARROW = 0.12  # of a panel's side
_WORDS = (0.45, 0.25)  # width and height of a panel that the words may take
_MARGIN = 0.03
_FEW = 0.002  # of all points
_CLOSE = 0.02  # of a panel's side: points this near to each other lie at one place


def mark_beyond(axes: Axes, points: Points, what: str, *, color: str, crowd: Points) -> None:
    """Draw an arrow at the edge for each side of `axes` beyond which some of `points` `[n, 2]` lie.

    Words say how many of `what` there are and where. They stand as near to the arrow as few points of `crowd`
    `[m, 2]` lie below them.
    """
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    # Per point and side (left, bottom, right, top), how far it lies beyond, in lengths of that side.
    excess = np.concatenate([low - points, points - high], axis=1) / np.tile(high - low, 2)
    beyond = excess.max(axis=1) > 0
    sides = excess.argmax(axis=1)
    for side in np.unique(sides[beyond]):
        there = points[beyond & (sides == side)]
        _mark(axes, there, int(side), f"{len(there):,} {what}\n{_place(there, high - low)}", color, crowd)


def _place(points: Points, span: Points) -> str:
    """Return where points lie: at one place, or around their mean."""
    near = (np.ptp(points, axis=0) <= _CLOSE * span).all()
    x, y = (coordinate(value) for value in points.mean(axis=0))
    return f"{'at' if near else 'around'} {x}, {y}"


def coordinate(value: float) -> str:
    """Return a coordinate to two digits, with a sign of the width of a figure."""
    digits = max(0, 1 - math.floor(math.log10(abs(value)))) if value and math.isfinite(value) else 0
    text = f"{value:.{min(digits, 2)}f}" if abs(value) < 1e4 else f"{value:.1e}"
    return text.replace("-", "−")


def _mark(axes: Axes, points: Points, side: int, words: str, color: str, crowd: Points) -> None:
    across, sign = side % 2, -1 if side < 2 else 1
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    # In fractions of the panel from here on.
    tip = ((points.mean(axis=0) - low) / (high - low)).clip(0.06, 0.94)
    tip[across] = sign > 0
    tail = tip.copy()
    tail[across] -= sign * _ARROW
    line = matplotlib.rcParams["lines.linewidth"]
    ticks = FontProperties(
        size=matplotlib.rcParams["xtick.labelsize"]
    )  # a word such as "medium" in a notebook
    axes.annotate(
        "",
        xy=(tip[0], tip[1]),
        xytext=(tail[0], tail[1]),
        xycoords="axes fraction",
        textcoords="axes fraction",
        arrowprops={
            "arrowstyle": "-|>,head_length=0.35,head_width=0.15",
            "color": color,
            "linewidth": 1.2 * line,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=5,
    )
    x, y = _emptiest(tip, across, sign, (crowd - low) / (high - low))
    axes.text(
        x,
        y,
        words,
        transform=axes.transAxes,
        color=color,
        fontsize=max(LEAST_LETTER, 0.92 * ticks.get_size_in_points()),
        linespacing=1.0,
        horizontalalignment="right" if x > 0.5 else "left",
        verticalalignment="bottom",
        path_effects=[withStroke(linewidth=2.5 * line, foreground="white", alpha=0.85)],
        zorder=6,
    )


def _emptiest(tip: Points, across: int, sign: int, crowd: Points) -> tuple[float, float]:
    """Return the lower corner of the words, in fractions of the panel: the nearest place with few points.

    An arrow across has its words on its own side of the panel, above or below it; one up or down beside it.
    """
    width, height = _WORDS
    right = (sign > 0) if not across else tip[0] <= 0.5
    x = _MARGIN if not right else 1 - _MARGIN
    level = tip[1] if not across else tip[1] - sign * 0.5 * _ARROW
    heights = [level + _MARGIN, level - _MARGIN - height, 1 - _MARGIN - height, _MARGIN]
    if across:
        heights = heights[2:]
    inside = (crowd[:, 0] > x - width) if right else (crowd[:, 0] < x + width)
    up = crowd[inside, 1]

    def crowded(y: float) -> int:
        return int(np.count_nonzero((up > y) & (up < y + height)))

    fitting = [y for y in heights if _MARGIN <= y <= 1 - height]
    few = _FEW * len(crowd)
    place = next((y for y in fitting if crowded(y) <= few), min(fitting, key=crowded))
    return x, float(place)
