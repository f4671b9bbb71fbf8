"""Small panels of one quantity each, a line per run or variant, under one legend.

    panels_figure     any panels
    epochs_figure     quantities against the epoch
    spectra_figure    normalized singular values

All panels of a figure share their horizontal scale. `profiles.py` has those by popularity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from degen.plots.layout import even_columns, fit_height, panel_grid
from degen.plots.marks.labels import shorten_titles
from degen.plots.marks.legends import legend_above
from degen.plots.marks.letters import lettered, write_note
from degen.plots.marks.widths import text_ems, wrapped
from degen.plots.spectra import draw_singular_values
from degen.plots.style import figure_ems, symbol_size
from degen.plots.trajectories import Rows, draw_epochs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Curve = npt.NDArray[np.float64]

Range = tuple[float, float]
"""Lowest and highest possible value."""

# In font sizes: a figure that holds three panels side by side, and one that holds two.
_THREE = 46
_TWO = 30
ARROWS = "Arrows: towards more isotropic."
"""Note below panels whose titles have arrows."""

BANDS = "Bands: 95 % interval of the mean over seeds."
_STAGE = "Shaded: pre-training."
_AXIS = 4.0  # font sizes of the numbers at a panel's left
_SMALL = 0.02  # of a normalized singular value
_SHAPES = {1: 0.32, 2: 0.62, 3: 0.72}  # height over width of a panel, by how many stand side by side


def panels_figure(
    draw: Mapping[str, Callable[[Axes], Sequence[Line2D]]],
    *,
    width: float,
    across: str,
    columns: int | None = None,
    note: str = "",
) -> Figure:
    """Return a grid of panels, one per title, with what draws it and returns its labelled lines.

    `across` is the label of the horizontal axis, and `note` is small text below the panels. By default as
    many panels stand side by side as have room, up to three.
    """
    ems = figure_ems(width)
    columns = columns or even_columns(len(draw), 3 if ems >= _THREE else 2 if ems >= _TWO else 1)
    figure, panels = panel_grid(width, len(draw), columns)
    named: dict[str, Line2D] = {}
    titles = []
    size = float(matplotlib.rcParams["legend.fontsize"])
    if any("$" in name for name in draw):
        size = max(size, symbol_size())  # that of the titles with indices, for all
    room = (ems / columns - _AXIS) * float(matplotlib.rcParams["font.size"]) / size
    for position, (axes, name, drawing) in enumerate(zip(panels, lettered(draw), draw.values(), strict=True)):
        title = name if "$" in name else wrapped(name, room)
        named |= {str(line.get_label()): line for line in drawing(axes)}
        if (remark := axes.get_title("right")) and text_ems(title) + text_ems(remark) + 1 > room:
            axes.set_title("", loc="right")
            title = f"{title}\n{remark}"
        titles.append(axes.set_title(title, loc="left", fontsize=size))
        if axes.get_yscale() == "linear":
            axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.spines[["top", "right"]].set_visible(False)
        lowest = position + columns >= len(draw)
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel(across if lowest else "")
    # A panel may miss a line that the others have: one scale across for all.
    ends = np.array([axes.get_xlim() for axes in panels])
    for axes in panels:
        axes.set_xlim(ends[:, 0].min(), ends[:, 1].max())
    write_note(figure, note)
    if len(named) > 1:
        legend_above(figure, list(named.values()), 2 * columns + 1)
    fit_height(figure, panels[0], _SHAPES[columns])
    shorten_titles(titles)
    return figure


def epochs_figure(
    runs: Mapping[str, Sequence[Rows]],
    titles: Mapping[str, str],
    *,
    width: float,
    columns: int | None = None,
    ranges: Mapping[str, Range] | None = None,
    note: str = "",
) -> Figure:
    """Return quantities over epochs, a panel per key of `titles`, a line per run that has the key.

    Bands end where the `ranges` of their quantities do. `note` stands before what is said of bands and of
    pre-training.
    """
    within = ranges or {}
    draw = {
        title: partial(draw_epochs, runs=runs, key=key, within=within.get(key))
        for key, title in titles.items()
    }
    rows = [row for several in runs.values() for rows in several for row in rows]
    means = any(f"{key}_low" in row for row in rows for key in titles)
    before = any(row["epoch"] < 1 for row in rows)
    words = [note, BANDS if means else "", _STAGE if before else ""]
    return panels_figure(
        draw, width=width, across="epoch", columns=columns, note=" ".join(filter(None, words))
    )


def spectra_figure(spectra: Mapping[str, Mapping[str, Curve]], *, width: float, note: str = "") -> Figure:
    """Return normalized singular values, a panel per title, a line per name.

    Curves are float64 [d], descending from 1. The scale is logarithmic where a linear one would lay the small
    values on the axis.
    """
    every = np.concatenate([curve for curves in spectra.values() for curve in curves.values()])
    least = float(every[every > 0].min(initial=1.0))
    draw = {
        title: partial(_spectrum, values=curves, least=least, named=position == 0)
        for position, (title, curves) in enumerate(spectra.items())
    }
    return panels_figure(draw, width=width, across="index $i$", note=note)


def _spectrum(axes: Axes, values: Mapping[str, Curve], least: float, *, named: bool) -> list[Line2D]:
    lines = draw_singular_values(axes, values)
    if not named:
        axes.set_ylabel("")
    if least < _SMALL:
        plain_log(axes, "y")
        # Zeros have no logarithm, and rounding noise no meaning: the axis ends above it.
        axes.set_ylim(max(0.7 * least, 1e-6), 1.3)
    return lines


def plain_log(axes: Axes, which: str) -> None:
    """Make an axis, `x` or `y`, logarithmic, with ticks at powers of ten only, alike on all panels.

    Their labels have no exponents, which would be too small, from 0.0001 to 10,000.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(numticks=6))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
