"""Say at the edge of a panel what lies beyond it, so that a few far points do not squeeze all others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text

from degen.plots.style import LEAST_LETTER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = npt.NDArray[np.float64]

_GID = "what lies beyond"
_ARROW = 0.12  # of a panel's side
_WORDS = (0.45, 0.25)  # width and height of a panel that the words take, until the layout is known
_MARGIN = 0.03
_PLACES = 9  # along each side of a panel that are tried for the words
_FEW = 0.002  # of all points: covering so many is as bad as standing a panel's side away from the arrow
_SAMPLE = 20_000  # points that are counted
_CLOSE = 0.02  # of a panel's side: points this near to each other lie at one place


def mark_beyond(axes: Axes, points: Points, what: str, *, color: str, crowd: Points) -> None:
    """Draw an arrow at the edge for each side of `axes` beyond which some of `points` `[n, 2]` lie.

    Words say how many of `what` there are and where. They stand as near to the arrow as few points of `crowd`
    `[m, 2]` lie below them; `settle_words` moves them once the size of the panel is known.
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
        gid=_GID,
    )
    text = axes.text(
        0,
        0,
        words,
        transform=axes.transAxes,
        color=color,
        fontsize=max(LEAST_LETTER, 0.92 * ticks.get_size_in_points()),
        linespacing=1.0,
        verticalalignment="bottom",
        path_effects=[withStroke(linewidth=2.5 * line, foreground="white", alpha=0.85)],
        zorder=6,
        gid=_GID,
    )
    _place_words(text, _WORDS, (crowd - low) / (high - low), [np.stack([tip, tail])])


def settle_words(axes: Axes, crowd: Points) -> None:
    """Move the words of `mark_beyond`, after the layout, to where they cover neither arrows nor many points.

    `crowd` `[m, 2]` are the points in the units of the axes.
    """
    marks = [text for text in axes.texts if text.get_gid() == _GID]
    arrows = [np.array([mark.xy, mark.get_position()]) for mark in marks if isinstance(mark, Annotation)]
    placed: list[Points] = []
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    panel = axes.get_window_extent()
    words = [mark for mark in marks if not isinstance(mark, Annotation)]
    for own, text in zip(arrows, words, strict=True):  # `_mark` draws one of each
        box = text.get_window_extent()
        size = (box.width / panel.width, box.height / panel.height)
        others = [arrow for arrow in arrows if arrow is not own]
        placed.append(_place_words(text, size, (crowd - low) / (high - low), [own, *others, *placed]))


def _place_words(text: Text, size: tuple[float, float], crowd: Points, taken: list[Points]) -> Points:
    """Put words where few points lie below them, and return their box.

    Everything is in fractions of the panel; a box is two of its corners `[2, 2]`. Words cover none of the
    boxes `taken` and stand near the first, which is their own arrow.
    """
    points = crowd[:: -(-len(crowd) // _SAMPLE) or 1]
    edges = [np.linspace(_MARGIN, max(_MARGIN, 1 - _MARGIN - length), _PLACES) for length in size]
    corners = np.stack(np.meshgrid(*edges), axis=-1).reshape(-1, 2)
    tail = taken[0][1]

    def cost(corner: Points) -> float:
        low, high = corner, corner + size
        covered = sum(
            bool(((box.min(axis=0) - _MARGIN < high) & (box.max(axis=0) + _MARGIN > low)).all())
            for box in taken
        )
        below = np.count_nonzero(((points > low) & (points < high)).all(axis=1))
        away = np.abs((low + high) / 2 - tail).max()
        return float(1e6 * covered + below / max(_FEW * len(points), 1) + away)

    best = min(corners, key=cost)
    right = bool(best[0] + size[0] / 2 > 0.5)
    text.set_horizontalalignment("right" if right else "left")
    text.set_position((float(best[0] + size[0] * right), float(best[1])))
    return np.stack([best, best + size])
