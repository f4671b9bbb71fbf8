"""Small panels of one quantity each, a line a run or variant, under one legend.

    epochs_figure     quantities against the epoch
    spectra_figure    normalized singular values
    profiles_figure   quantities against popularity, from the rarest bucket to the most frequent

All panels of a figure share their scale across.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from degen.plots.save import fit_height
from degen.plots.spectra import draw_singular_values
from degen.plots.style import figure_ems, variant_line
from degen.plots.trajectories import Rows, draw_epochs
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

COLD = "cold"
"""The bucket of items that never occur in training."""

Curve = npt.NDArray[np.float64]

Profile = Mapping[str, float]
"""A value for each bucket by its name, rarest first."""

# In font sizes: a figure that holds three panels side by side, and one that holds two.
_THREE = 46
_TWO = 30
_SMALL = 0.02  # of a normalized singular value
_SHAPES = {1: 0.32, 2: 0.62, 3: 0.72}  # height over width of a panel, by how many stand side by side


def panels_figure(
    draw: Mapping[str, Callable[[Axes], Sequence[Line2D]]],
    *,
    width: float,
    across: str,
    columns: int | None = None,
) -> Figure:
    """Return a grid of panels, `width` inches wide, one a title; side by side as far as they have room.

    Build it, and save it, inside `figure_style`.

    Parameters
    ----------
    draw
        for each title what draws the panel and returns its labelled lines.
    width
        inches.
    across
        label of the horizontal axis.
    columns
        panels side by side; by default as many as have room, up to three.
    """
    ems = figure_ems(width)
    most = 2 if len(draw) == 4 else 3  # two by two, not three and one
    columns = columns or min(len(draw), most, 3 if ems >= _THREE else 2 if ems >= _TWO else 1)
    rows = -(-len(draw) // columns)
    # High enough for any labels, until `fit_height` knows what is needed.
    figure = Figure(figsize=(width, width * (1 + rows / columns)), layout="constrained")
    grid = figure.add_gridspec(rows, columns)
    named: dict[str, Line2D] = {}
    panels = []
    for position, (title, drawing) in enumerate(draw.items()):
        axes = figure.add_subplot(grid[divmod(position, columns)])
        named |= {str(line.get_label()): line for line in drawing(axes)}
        axes.set_title(title, loc="left", fontsize=matplotlib.rcParams["legend.fontsize"])
        if axes.get_yscale() == "linear":
            axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.spines[["top", "right"]].set_visible(False)
        lowest = position + columns >= len(draw)
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel(across if lowest else "")
        panels.append(axes)
    # A panel may miss a line that the others have: one scale across for all.
    ends = np.array([axes.get_xlim() for axes in panels])
    for axes in panels:
        axes.set_xlim(ends[:, 0].min(), ends[:, 1].max())
    if len(named) > 1:
        handles = list(named.values())
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 2 * columns + 1))
    fit_height(figure, panels[0], _SHAPES[columns], rows)
    return figure


def epochs_figure(
    runs: Mapping[str, Sequence[Rows]],
    titles: Mapping[str, str],
    *,
    width: float,
    columns: int | None = None,
) -> Figure:
    """Return quantities over epochs, a panel for each key of `titles`, a line a run.

    Build it, and save it, inside `figure_style`.

    Parameters
    ----------
    runs
        the runs of each variant or other name, in the order of the legend.
    titles
        what stands above the panel of each key of the rows; names that have none of a key are left out there.
    width
        inches.
    columns
        panels side by side; by default as many as have room, up to three.
    """
    draw = {title: partial(draw_epochs, runs=runs, key=key) for key, title in titles.items()}
    return panels_figure(draw, width=width, across="epoch", columns=columns)


def spectra_figure(spectra: Mapping[str, Mapping[str, Curve]], *, width: float) -> Figure:
    """Return normalized singular values, a panel for each title, a line a name.

    The scale is logarithmic where a linear one would lay the small values on the axis.

    Build it, and save it, inside `figure_style`.

    Parameters
    ----------
    spectra
        for each title the curve of each name, float64 [d], descending from 1.
    width
        inches.
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


def profiles_figure(profiles: Mapping[str, Mapping[str, Profile]], *, width: float) -> Figure:
    """Return quantities by popularity, a panel for each title, a line for each variant or other name.

    Build it, and save it, inside `figure_style`.

    Parameters
    ----------
    profiles
        for each title the profile of each name.
    width
        inches.
    """
    draw = {title: partial(draw_profile, curves=curves) for title, curves in profiles.items()}
    return panels_figure(draw, width=width, across="tenth by frequency")


def draw_profile(axes: Axes, curves: Mapping[str, Profile]) -> list[Line2D]:
    """Draw a value for each bucket of items, rarest left, a line a name, and return the lines.

    The first bucket, of items that never occur in training, stands apart where there is one: its point is
    joined to none.
    """
    buckets = sorted({name for curve in curves.values() for name in curve} - {COLD}, key=int)
    places = {name: place for place, name in enumerate(buckets, start=1)}
    if any(COLD in curve for curve in curves.values()):
        places = {COLD: -1, **places}  # room for its name before the first
    lines = []
    for position, (name, curve) in enumerate(curves.items()):
        seen = {bucket: value for bucket, value in curve.items() if bucket != COLD}
        at = [places[bucket] for bucket in seen]
        style = variant_line(name, position)
        lines += axes.plot(
            at, list(seen.values()), label=variant_label(name), marker="o", markersize=2, **style
        )
        if COLD in curve:
            alone = {"marker": "o", "markersize": 3, "linestyle": "None", "color": style["color"]}
            axes.plot(places[COLD], curve[COLD], **alone)
    axes.set_xticks(list(places.values()), list(places))
    return lines
