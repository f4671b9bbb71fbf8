"""Legends that stay within the figure, and hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib

from degen.plots.layout import even_columns, lay_out
from degen.plots.marks.labels import name_ends, remove_names, spread_names
from degen.plots.marks.widths import shortened
from degen.plots.style import figure_ems

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_CORNERS = ("upper right", "lower left", "upper center", "center right", "lower center", "center left")
_SAMPLE = 5.5  # font sizes of the sample of a line and of the gaps around it and its name
_MARGIN = 2.0  # points that a legend keeps from any line


def legend_above(figure: Figure, handles: Sequence[Artist], columns: int) -> None:
    """Name the lines above all panels, in as many as `columns` columns as the figure is wide enough for."""
    labels = _labels(handles, figure_ems(figure.get_size_inches()[0]))
    for most in range(min(len(handles), columns), 0, -1):
        legend = figure.legend(
            handles=handles, labels=labels, loc="outside upper center", ncols=even_columns(len(handles), most)
        )
        lay_out(figure)
        if most == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def _labels(handles: Sequence[Artist], ems: float) -> list[str]:
    """Return the labels, shortened where one alone is wider than so many font sizes."""
    room = ems * matplotlib.rcParams["font.size"] / matplotlib.rcParams["legend.fontsize"] - _SAMPLE
    return [shortened(str(handle.get_label()), room) for handle in handles]


def name_lines(figure: Figure, axes: Axes, lines: Sequence[Line2D], *, beside: bool | None) -> bool:
    """Name lines at their ends, else in a corner that no line crosses, else above the figure.

    They are named at their ends where these are apart. `beside` says how: True makes room for the names,
    False lets them reach over what stands there, None forbids them. Return True where the layout changed, so
    that the height must be fitted again.
    """
    if beside is not None:
        name_ends(axes, lines, in_layout=beside)
        lay_out(figure)
        if spread_names(axes):
            return beside
        remove_names(axes)
        lay_out(figure)
    if _legend_inside(axes, lines):
        return bool(beside)
    legend_above(figure, lines, len(lines))
    return True


def _legend_inside(axes: Axes, lines: Sequence[Line2D]) -> bool:
    """Name the lines in a corner that none of them crosses, and return whether there is one."""
    room = axes.get_window_extent()
    ems = 0.75 * room.width * 72 / axes.figure.dpi / matplotlib.rcParams["font.size"]
    labels = _labels(lines, ems)
    look: dict[str, Any] = {"borderaxespad": 0.2, "handlelength": 2.0, "labelspacing": 0.3}
    for corner in _CORNERS:
        legend = axes.legend(lines, labels, **look | {"loc": corner})
        box = legend.get_window_extent()
        inside = box.width <= room.width and box.height <= room.height
        if inside and not any(_crosses(line, box.padded(_MARGIN)) for line in axes.lines):
            return True
        legend.remove()
    return False


def _crosses(line: Line2D, box: Any) -> bool:
    path = line.get_transform().transform_path(line.get_path())
    return bool(path.intersects_bbox(box, filled=False))
