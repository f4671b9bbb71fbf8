"""The paper's Fig. 5, a panel per run on common axes and colours, and the same quantities over epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator

from degen.plots.layout import even_columns, fit_height, panel_grid
from degen.plots.marks.labels import shorten_titles
from degen.plots.marks.letters import lettered, write_note
from degen.plots.marks.widths import shortened
from degen.plots.panels import epochs_figure as panels_over_epochs
from degen.plots.style import figure_ems
from degen.plots.trajectories import (
    ALIGNMENT,
    LABELS,
    QUALITY,
    UNIFORMITY,
    Rows,
    column,
    common_span,
    draw_trajectories,
    number_epochs,
    quality_scale,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

DEFINITIONS: Mapping[str, str] = {
    "official": "As in the authors' released code (recipe official): "
    "vectors as they are, distances not squared."
}
"""Words for definitions of alignment and uniformity other than the paper's."""

_NUMBERS = "Numbers: epochs."
_BETTER = "lower is better"
_SHAPE = 0.8  # height over width of a panel
# In font sizes: the width of a column of panels, and of a figure that holds three panels side by side.
_COLUMN = 15
_WIDE = 46
_SIDES = 3  # font sizes of labels beside a panel


@dataclass(frozen=True)
class TrajectoryPanel:
    """One run to draw, or a mean over seeds with the seeds `behind` it; `title` stands above the panel."""

    title: str
    rows: Rows
    behind: Sequence[Rows] = ()


def trajectory_figure(
    panels: Sequence[TrajectoryPanel],
    *,
    width: float,
    alignment: str = ALIGNMENT,
    definition: str = "paper",
    note: str = "",
) -> Figure:
    """Return Fig. 5, a panel per run with common limits and colours, and the key `alignment` across.

    Below the panels stands by which `definition` both quantities were measured, and then `note`, such as
    which runs are left out.
    """
    columns = even_columns(len(panels), min(3, max(1, int(figure_ems(width) / _COLUMN))))
    figure, grid = panel_grid(width, len(panels), columns)
    everything = [rows for panel in panels for rows in (panel.rows, *panel.behind)]
    across = common_span(column(rows, alignment) for rows in everything)
    up = common_span(column(rows, UNIFORMITY) for rows in everything)
    norm = quality_scale(panel.rows for panel in panels)
    titles = []
    blank = len(panels) % columns
    # A title that is far too long would take the panels' room in the layout, before it is cut to its panel.
    room = figure_ems(width) / columns - _SIDES
    names = [shortened(name, room) for name in lettered(panel.title for panel in panels)]
    for position, (axes, panel, name) in enumerate(zip(grid, panels, names, strict=True)):
        dots = draw_trajectories(axes, panel.rows, alignment=alignment, norm=norm, behind=panel.behind)
        axes.set(xlim=across, ylim=up)
        number_epochs(axes, panel.rows, alignment=alignment, ems=room)
        titles.append(axes.set_title(name, loc="left"))
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.tick_params(labelleft=position % columns == 0, labelbottom=position + columns >= len(panels))
        if position + columns >= len(panels):
            label = f"{LABELS[alignment]}{chr(10) if columns > 1 else ' '}({_BETTER})"
            if blank and position < len(panels) - blank:
                _label_into_blank(axes, label)
            else:
                axes.set_xlabel(label)
    figure.supylabel(f"{LABELS[UNIFORMITY]} ({_BETTER})")
    write_note(figure, _NUMBERS, DEFINITIONS.get(definition, ""), note)
    _legend(figure, grid, dots, any(np.isfinite(column(panel.rows, QUALITY)).any() for panel in panels))
    fit_height(figure, grid[0], _SHAPE)
    shorten_titles(titles)
    return figure


def _label_into_blank(axes: Axes, label: str) -> None:
    """Write the label of an axis above the blank cell of the last row, which the layout keeps for it."""
    ticks = float(matplotlib.rcParams["xtick.labelsize"])
    text = axes.annotate(
        label,
        xy=(0.5, 0),
        xytext=(0, -2 * ticks),
        xycoords="axes fraction",
        textcoords="offset points",
        horizontalalignment="center",
        verticalalignment="top",
        fontsize=matplotlib.rcParams["axes.labelsize"],
    )
    text.set_in_layout(False)


def epochs_figure(
    runs: Mapping[str, Sequence[Rows]],
    *,
    width: float,
    alignment: str = ALIGNMENT,
    definition: str = "paper",
    note: str = "",
) -> Figure:
    """Return uniformity, alignment and validation HR@5 over epochs, a line per run.

    The panels stand side by side on two columns, else one above another.
    """
    better = _BETTER.replace(" ", "\xa0")  # a title breaks before it
    titles = {key: f"{LABELS[key]} ({better})" for key in (UNIFORMITY, alignment)}
    columns = 3 if figure_ems(width) >= _WIDE else 1
    words = " ".join(filter(None, [DEFINITIONS.get(definition, ""), note]))
    ranges = {UNIFORMITY: (-math.inf, 0.0), alignment: (0.0, math.inf), QUALITY: (0.0, 1.0)}
    return panels_over_epochs(
        runs, titles | {QUALITY: LABELS[QUALITY]}, width=width, columns=columns, ranges=ranges, note=words
    )


def _legend(figure: Figure, grid: Sequence[Axes], dots: PathCollection, colored: bool) -> None:
    """Name the marks of the first and the last epoch, and draw the colour bar if `colored`.

    Both stand in the blank cell of a last row that is not full, else above and beside the panels.
    """
    handles, labels = grid[0].get_legend_handles_labels()
    cells = grid[0].get_subplotspec().get_gridspec()  # type: ignore[union-attr]
    if len(grid) < cells.nrows * cells.ncols:
        blank = figure.add_subplot(cells[cells.nrows - 1, len(grid) % cells.ncols :])
        blank.set_axis_off()
        blank.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.75), handletextpad=0.1)
        where: dict[str, Any] = {"cax": blank.inset_axes((0.1, 0.2, 0.8, 0.07)), "orientation": "horizontal"}
    else:
        place: dict[str, Any] = {"borderaxespad": 0.2, "columnspacing": 1, "handletextpad": 0.1}
        figure.legend(handles, labels, loc="outside upper right", ncols=2, **place)
        where = {"ax": list(grid), "location": "right", "aspect": 25, "pad": 0.02}
    if colored:
        bar = figure.colorbar(dots, label=LABELS[QUALITY], **where)
        bar.locator = MaxNLocator(4, steps=[1, 2, 5, 10])
        bar.update_ticks()
