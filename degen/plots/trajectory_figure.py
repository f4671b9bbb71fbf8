"""The paper's Fig. 5, a panel per run on common axes and colours, and the same quantities over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from degen.plots.labels import shorten_titles
from degen.plots.layout import fit_height, panel_grid
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
    quality_scale,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

_SHAPE = 0.8  # height over width of a panel
# In font sizes: the width of a column of panels, and of a figure that holds three panels side by side.
_COLUMN = 15
_WIDE = 46


@dataclass(frozen=True)
class TrajectoryPanel:
    """One run to draw, or a mean over seeds with the seeds `behind` it; `title` stands above the panel."""

    title: str
    rows: Rows
    behind: Sequence[Rows] = ()


def trajectory_figure(
    panels: Sequence[TrajectoryPanel], *, width: float, alignment: str = ALIGNMENT, definition: str = "paper"
) -> Figure:
    """Return Fig. 5, a panel per run with common limits and colours, and the key `alignment` across.

    The axes name the `definition` of both quantities that the runs were measured by.
    """
    columns = min(len(panels), 3, max(1, int(figure_ems(width) / _COLUMN)))
    figure, grid = panel_grid(width, len(panels), columns)
    everything = [rows for panel in panels for rows in (panel.rows, *panel.behind)]
    across = common_span(column(rows, alignment) for rows in everything)
    up = common_span(column(rows, UNIFORMITY) for rows in everything)
    norm = quality_scale(panel.rows for panel in panels)
    titles = []
    for position, (axes, panel) in enumerate(zip(grid, panels, strict=True)):
        dots = draw_trajectories(axes, panel.rows, alignment=alignment, norm=norm, behind=panel.behind)
        axes.set(xlim=across, ylim=up)
        titles.append(axes.set_title(panel.title, loc="left"))
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.tick_params(labelleft=position % columns == 0, labelbottom=position + columns >= len(panels))
    figure.supxlabel(f"{LABELS[alignment]} ({definition})")
    figure.supylabel(f"{LABELS[UNIFORMITY]} ({definition})")
    _legend(figure, grid, dots, any(np.isfinite(column(panel.rows, QUALITY)).any() for panel in panels))
    fit_height(figure, grid[0], _SHAPE)
    shorten_titles(titles)
    return figure


def epochs_figure(
    runs: Mapping[str, Sequence[Rows]], *, width: float, alignment: str = ALIGNMENT, definition: str = "paper"
) -> Figure:
    """Return uniformity, alignment and validation HR@5 over epochs, a line per run.

    The panels stand side by side on two columns, else one above another.
    """
    titles = {key: f"{LABELS[key]} ({definition})" for key in (UNIFORMITY, alignment)}
    columns = 3 if figure_ems(width) >= _WIDE else 1
    return panels_over_epochs(runs, titles | {QUALITY: LABELS[QUALITY]}, width=width, columns=columns)


def _legend(figure: Figure, grid: Sequence[Axes], dots: PathCollection, colored: bool) -> None:
    """Name the marks of the first and the last epoch above the panels; draw the colour bar if `colored`."""
    handles, labels = grid[0].get_legend_handles_labels()
    place: dict[str, Any] = {
        "loc": "outside upper right",
        "ncols": 2,
        "borderaxespad": 0.2,
        "columnspacing": 1,
        "handletextpad": 0.1,
    }
    figure.legend(handles, labels, **place)
    if colored:
        bar = figure.colorbar(
            dots, ax=list(grid), location="right", aspect=25, pad=0.02, label=LABELS[QUALITY]
        )
        bar.ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
