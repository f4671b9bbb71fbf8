"""Names at the right ends of lines, moved apart where they would overlap, and titles cut to their panels.

    name_ends(axes, lines)     write each line's label behind its end, before the layout
    drop_names_outside(axes)   remove the labels if one has no room; a legend takes their place
    shorten_titles(titles)     end titles that are too long by an ellipsis
    spread_names(axes)         move the labels apart, after the layout; each stays joined to its line

A name beside its line needs no legend, is clear in grey and cannot hide a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Annotation, Text

from degen.plots.style import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.typing import ColorType

_GID = "name of a line"
_ROOM = 12  # font sizes that a name may have
_LINE_HEIGHT = 1.15  # of a name, in font sizes


def name_ends(axes: Axes, lines: Sequence[Line2D], *, in_layout: bool = True) -> None:
    """Write the label of each line to the right of `axes`, at the height of the line's last point.

    With `in_layout=False` constrained layout makes no room for the names, because something else beside the
    axes already has.
    """
    for line in lines:
        end = (float(np.asarray(line.get_xdata())[-1]), float(np.asarray(line.get_ydata())[-1]))
        color = darker(line.get_color())
        name = axes.annotate(
            shortened(str(line.get_label()), _ROOM),
            xy=end,
            xytext=(1.06, end[1]),
            textcoords=("axes fraction", "data"),
            fontsize=matplotlib.rcParams["legend.fontsize"],
            color=color,
            verticalalignment="center",
            annotation_clip=False,
            gid=_GID,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.6 * matplotlib.rcParams["axes.linewidth"],
                "color": color,
                "relpos": (0, 0.5),
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        name.set_in_layout(in_layout)


def shorten_titles(titles: Iterable[Text]) -> None:
    """Cut titles that are wider than their panel, after the layout; an ellipsis ends them."""
    for title in titles:
        if title.axes is None:
            continue
        room = title.axes.get_window_extent().width
        text = title.get_text()
        for end in range(len(text) - 1, 0, -1):
            if title.get_window_extent().width <= room:
                break
            title.set_text(text[:end] + "…")


def drop_names_outside(axes: Axes) -> bool:
    """Remove all names if one reaches beyond the figure, and return whether they were removed."""
    edge = axes.figure.bbox.x1
    if all(name.get_window_extent().x1 <= edge for name in _names(axes)):
        return False
    for name in _names(axes):
        name.remove()
    return True


def spread_names(axes: Axes) -> None:
    """Move the names of `name_ends` just far enough apart for none to overlap."""
    names = _names(axes)
    if not names:
        return
    low, high = axes.get_ylim()
    points = axes.get_window_extent().height * 72 / axes.figure.dpi
    gap = float(names[0].get_fontsize()) * _LINE_HEIGHT * (high - low) / points
    heights = spread(np.array([name.xy[1] for name in names]), gap, low, high)
    for name, height in zip(names, heights, strict=True):
        name.set_y(float(height))


def _names(axes: Axes) -> list[Annotation]:
    return [text for text in axes.texts if isinstance(text, Annotation) and text.get_gid() == _GID]


def spread(values: npt.NDArray[np.float64], gap: float, low: float, high: float) -> npt.NDArray[np.float64]:
    """Return the values nearest to `values` `[n]` (least squares) in the same order and at least `gap` apart.

    They stay between `low` and `high` where n of them fit there. Equal values keep the order in which
    they are given.
    """
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(values))
    # Minus their steps the values need only be non-falling, which is an isotonic regression.
    level = _rising(values[order] - steps).clip(low, max(low, high - steps[-1]))
    result = np.empty(len(values))
    result[order] = level + steps
    return result


def _rising(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the non-falling sequence nearest to `values`: falling neighbours are pooled to their mean."""
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pools.append((mean, count))
    return np.concatenate([np.full(count, mean) for mean, count in pools])


def darker(color: ColorType) -> str:
    """Return the colour with a third of black in it: letters need more contrast than lines do."""
    red, green, blue = to_rgb(color)
    return to_hex((0.67 * red, 0.67 * green, 0.67 * blue))
