"""Names at the right ends of lines, moved apart where they would overlap, and titles cut to their panels.

    name_ends(axes, lines)     write each line's label behind its end, before the layout
    spread_names(axes)         move the labels apart, after the layout; False where they find no room
    remove_names(axes)         remove them, for a legend to take their place
    shorten_titles(titles)     replace the middle of titles that are too long by an ellipsis

A name beside its line needs no legend, is clear in grey and cannot hide a line. But where lines end at one
place, names beside them would be joined to them by strokes that cross.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Annotation, Text

from degen.plots.marks.widths import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.typing import ColorType

_GID = "name of a line"
_ROOM = 12  # font sizes that a name may have
_LINE_HEIGHT = 1.15  # of a name, in font sizes
_FAR = 2.0  # line heights that names may move apart


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
    """Cut titles that are wider than their panel, after the layout; an ellipsis stands for their middle."""
    for title in titles:
        if title.axes is None or any(sign in title.get_text() for sign in "$\n"):  # a formula, or cut already
            continue
        room = title.axes.get_window_extent().width
        ems = room * 72 / (title.axes.figure.dpi * float(title.get_fontsize()))
        title.set_text(shortened(title.get_text(), ems))


def remove_names(axes: Axes) -> None:
    """Remove all names of `name_ends`."""
    for name in _names(axes):
        name.remove()


def spread_names(axes: Axes) -> bool:
    """Move the names of `name_ends` just far enough apart for none to overlap.

    Return False, and move none, if one reaches beyond the figure or would stand so far from its line's end
    that the strokes between them could not be told apart.
    """
    names = _names(axes)
    if not names:
        return True
    edge = axes.figure.bbox.x1
    low, high = axes.get_ylim()
    points = axes.get_window_extent().height * 72 / axes.figure.dpi
    gap = float(names[0].get_fontsize()) * _LINE_HEIGHT * (high - low) / points
    ends = np.array([name.xy[1] for name in names])
    heights = spread(ends, gap, low, high)
    if any(name.get_window_extent().x1 > edge for name in names) or np.ptp(heights - ends) > _FAR * gap:
        return False
    for name, height in zip(names, heights, strict=True):
        name.set_y(float(height))
    return True


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
