"""Heat maps of two axes of a study, as in the paper's Fig. 9-13: a panel per metric, annotated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap
from matplotlib.patches import Rectangle

from degen.plots.layout import fit_height, panel_grid
from degen.plots.marks.letters import lettered
from degen.plots.style import figure_ems, quality_colors

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 3.6  # width of an annotated cell in font sizes
_EVEN = 0.179  # luminance to which black and white have one contrast
_BEST, _NEAR = "#D55E00", (0, (2, 1.2))


@dataclass(frozen=True)
class HeatPanel:
    """A metric to draw.

    Attributes
    ----------
    column, title
        its column of the results, and the panel's title.
    percent
        annotate it in per cent.
    limits
        ends of the colour scale; by default the lowest and the highest mean drawn.
    deviation
        standard deviation over seeds; cells within it of the best one are outlined. None where unknown.
    best
        `high` or `low` outlines that cell; None outlines none.
    """

    column: str
    title: str
    percent: bool = False
    limits: tuple[float, float] | None = None
    deviation: float | None = None
    best: str | None = "high"


def heat_map_figure(
    results: pd.DataFrame,
    across: tuple[str, str],
    up: tuple[str, str],
    panels: Sequence[HeatPanel],
    *,
    width: float,
) -> Figure:
    """Return the mean over seeds for each pair of values, `across` and `up` being a column and its label.

    The best cell has a solid outline, cells within the noise of seeds of it a dashed one. A cell without a
    result stays white.
    """
    grids = [_means(results, across[0], up[0], panel.column) for panel in panels]
    rows, columns = grids[0].shape
    side_by_side = min(len(panels), max(1, int(figure_ems(width) / (_CELL * columns + 6))))
    figure, places = panel_grid(width, len(panels), side_by_side)
    titles = lettered(panel.title for panel in panels)
    for position, (axes, panel, grid) in enumerate(zip(places, panels, grids, strict=True)):
        _draw(axes, panel, grid)
        lowest, leftmost = position + side_by_side >= len(panels), position % side_by_side == 0
        axes.set_xlabel(across[1] if lowest else "")
        axes.set_ylabel(up[1] if leftmost else "")
        axes.tick_params(labelbottom=lowest, labelleft=leftmost)
        axes.set_title(titles[position], loc="left", fontsize=matplotlib.rcParams["legend.fontsize"])
    if note := _note(panels):
        figure.supxlabel(note, fontsize=matplotlib.rcParams["legend.fontsize"])
    fit_height(figure, places[0], 0.62 * rows / columns)
    return figure


def _means(results: pd.DataFrame, across: str, up: str, column: str) -> pd.DataFrame:
    """Return the means over seeds, a row per value of `up`, rising."""
    return results.pivot_table(
        index=up, columns=across, values=column, aggfunc="mean", dropna=False
    ).sort_index()


def _draw(axes: Axes, panel: HeatPanel, grid: pd.DataFrame) -> None:
    import seaborn  # brings pandas and SciPy

    low, high = panel.limits or (float(np.nanmin(grid)), float(np.nanmax(grid)))
    seaborn.heatmap(
        100 * grid if panel.percent else grid,
        ax=axes,
        cmap=_colors(),
        vmin=100 * low if panel.percent else low,
        vmax=100 * high if panel.percent else high,
        annot=True,
        fmt=".2f" if panel.percent else "#.3g",
        annot_kws={"fontsize": 0.92 * matplotlib.rcParams["legend.fontsize"]},
        cbar=False,
        linewidths=0.6,
        xticklabels=[f"{value:g}" for value in grid.columns],
        yticklabels=[f"{value:g}" for value in grid.index],
    )
    _write_legibly(axes, len(grid.columns))
    axes.invert_yaxis()
    axes.tick_params(length=0, rotation=0)
    if panel.best is not None:
        _outline(axes, panel, grid.to_numpy())


def _write_legibly(axes: Axes, columns: int) -> None:
    """Write each number in black or white, whichever has the higher contrast to its cell (WCAG)."""
    colors = np.atleast_2d(np.asarray(axes.collections[0].get_facecolor()))
    for text in axes.texts:
        column, row = (int(place) for place in text.get_position())
        channels = colors[row * columns + column, :3]
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        text.set_color("white" if linear @ (0.2126, 0.7152, 0.0722) < _EVEN else "black")


def _colors() -> Colormap:
    return quality_colors()


def _outline(axes: Axes, panel: HeatPanel, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Outline the best cell, and those that the noise of seeds does not tell from it."""
    best = np.nanmax(values) if panel.best == "high" else np.nanmin(values)
    line = 1.3 * matplotlib.rcParams["lines.linewidth"]
    for (row, column), value in np.ndenumerate(values):
        near = panel.deviation is not None and abs(value - best) <= panel.deviation
        if value == best or near:
            look: dict[str, Any] = {
                "linestyle": "-" if value == best else _NEAR,
                "zorder": 3 + (value == best),
            }
            axes.add_patch(
                Rectangle(
                    (column + 0.06, row + 0.06), 0.88, 0.88, fill=False, edgecolor=_BEST, lw=line, **look
                )
            )


def _note(panels: Sequence[HeatPanel]) -> str:
    outlined = [panel for panel in panels if panel.best is not None]
    if not outlined:
        return ""
    if any(panel.deviation is None for panel in outlined):
        return "outlined: best cell (one seed: noise unknown)"
    return "solid: best cell; dashed: within one standard deviation over seeds of it"
