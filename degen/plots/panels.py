"""Small panels of one quantity each, a line per run or variant, under one legend.

    epochs_figure     quantities against the epoch
    spectra_figure    normalized singular values
    profiles_figure   quantities against popularity, from the rarest bucket to the most frequent

All panels of a figure share their horizontal scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from degen.plots.bands import IntervalOf, Samples, draw_means
from degen.plots.layout import fit_height, legend_above, panel_grid
from degen.plots.spectra import draw_singular_values
from degen.plots.style import UNSEEN_LABEL, figure_ems
from degen.plots.trajectories import Rows, draw_epochs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLD = "cold"
"""The bucket of items that never occur in training."""

Curve = npt.NDArray[np.float64]

Profile = Mapping[str, Sequence[float]]
"""The values of all seeds for each bucket by its name, rarest first."""

# In font sizes: a figure that holds three panels side by side, and one that holds two.
_THREE = 46
_TWO = 30
_BANDS = "bands: 95 % interval of the mean over seeds"
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
    most = 2 if len(draw) == 4 else 3  # two by two, not three and one
    columns = columns or min(len(draw), most, 3 if ems >= _THREE else 2 if ems >= _TWO else 1)
    figure, panels = panel_grid(width, len(draw), columns)
    named: dict[str, Line2D] = {}
    for position, (axes, (title, drawing)) in enumerate(zip(panels, draw.items(), strict=True)):
        named |= {str(line.get_label()): line for line in drawing(axes)}
        axes.set_title(title, loc="left", fontsize=matplotlib.rcParams["legend.fontsize"])
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
    if note:
        figure.supxlabel(note, fontsize=matplotlib.rcParams["legend.fontsize"])
    if len(named) > 1:
        legend_above(figure, list(named.values()), 2 * columns + 1)
    fit_height(figure, panels[0], _SHAPES[columns])
    return figure


def epochs_figure(
    runs: Mapping[str, Sequence[Rows]],
    titles: Mapping[str, str],
    *,
    width: float,
    columns: int | None = None,
) -> Figure:
    """Return quantities over epochs, a panel per key of `titles`, a line per run that has the key."""
    draw = {title: partial(draw_epochs, runs=runs, key=key) for key, title in titles.items()}
    rows = [row for several in runs.values() for rows in several for row in rows[:1]]
    means = any(f"{key}_low" in row for row in rows for key in titles)
    return panels_figure(draw, width=width, across="epoch", columns=columns, note=_BANDS if means else "")


def spectra_figure(spectra: Mapping[str, Mapping[str, Curve]], *, width: float) -> Figure:
    """Return normalized singular values, a panel per title, a line per name.

    Curves are float64 [d], descending from 1. The scale is logarithmic where a linear one would lay the small
    values on the axis.
    """
    every = np.concatenate([curve for curves in spectra.values() for curve in curves.values()])
    least = float(every[every > 0].min(initial=1.0))
    draw = {title: partial(_spectrum, values=curves, least=least) for title, curves in spectra.items()}
    return panels_figure(draw, width=width, across="index $i$")


def _spectrum(axes: Axes, values: Mapping[str, Curve], least: float) -> list[Line2D]:
    lines = draw_singular_values(axes, values)
    axes.set_ylabel("")
    if least < _SMALL:
        axes.set_yscale("log")
        # Zeros have no logarithm, and rounding noise no meaning: the axis ends above it.
        axes.set_ylim(max(0.7 * least, 1e-6), 1.3)
    return lines


def profiles_figure(
    profiles: Mapping[str, Mapping[str, Profile]], *, width: float, interval: IntervalOf | None = None
) -> Figure:
    """Return quantities by popularity, a panel per title, a line per name.

    The `interval` of the mean over seeds is drawn for names with several.
    """
    draw = {
        title: partial(draw_profile, curves=curves, interval=interval) for title, curves in profiles.items()
    }
    seeds = max(len(v) for curves in profiles.values() for curve in curves.values() for v in curve.values())
    note = _BANDS if interval and seeds > 1 else ""
    return panels_figure(draw, width=width, across="decile by frequency", note=note)


def draw_profile(
    axes: Axes, curves: Mapping[str, Profile], interval: IntervalOf | None = None
) -> list[Line2D]:
    """Draw the mean over seeds for each bucket of items, rarest left, a line per name; return the lines.

    The bucket of items that never occur in training stands apart on the left: no line joins its point.
    """
    buckets = sorted({name for curve in curves.values() for name in curve} - {COLD}, key=int)
    places = {name: place for place, name in enumerate(buckets, start=1)}
    if any(COLD in curve for curve in curves.values()):
        places = {COLD: -1, **places}  # room for its name before the first

    def samples(unseen: bool) -> dict[str, Samples]:
        return {
            name: {places[bucket]: seeds for bucket, seeds in curve.items() if (bucket == COLD) == unseen}
            for name, curve in curves.items()
        }

    lines = draw_means(axes, samples(False), interval, marker="o", markersize=2)
    draw_means(axes, samples(True), interval, bars=True, marker="o", markersize=3, linestyle="None")
    axes.set_xticks(list(places.values()), [UNSEEN_LABEL if name == COLD else name for name in places])
    return lines
