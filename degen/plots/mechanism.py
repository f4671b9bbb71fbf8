"""Forces on the items by their frequency: the theory of Eq. 4 as a measurement.

    draw_by_frequency(axes, runs, key)   one quantity of an epoch's buckets, a line per run, rare items left
    mechanism_figure(runs)               four such panels of one epoch
    mechanism_epochs_figure(runs)        the rarest and the most frequent items over epochs

Rows are lines of `trace.jsonl` with `epoch` and `buckets`, rarest first. Items that never occur in training
have no place on a logarithmic axis, so a cross stands for them left of it, at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from degen.plots.layout import fit_height, legend_above, panel_grid
from degen.plots.style import figure_ems, variant_line
from degen.plots.trajectories import Rows, column, draw_epochs
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLD_PLACE = 0.4
"""Position of items that never occur on the axis of frequencies."""

PANELS: Mapping[str, str] = {
    "push_share": "share from being a non-target",
    "step_cosine": r"$\cos(\Delta v,\;-\bar{h})$",
    "step_pairwise_cosine": r"$\cos(\Delta v_i,\;\Delta v_j)$",
    "step_length": r"length of a step $\|\Delta v\|$",
}
"""Titles of the panels of one epoch, by the keys of the buckets."""

OVER_EPOCHS: Mapping[str, str] = {
    **{key: PANELS[key] for key in ("push_share", "step_cosine", "step_pairwise_cosine")},
    "pairwise_cosine": r"$\cos(v_i,\;v_j)$",
}
"""Titles of the panels over epochs, for the rarest and the most frequent items."""

_FROM_ZERO = {"push_share", "step_length"}
_SHAPE = 0.72  # height over width of a panel
_WIDE = 60  # font sizes of a figure that holds all panels side by side


def draw_by_frequency(axes: Axes, runs: Mapping[str, Rows], key: str) -> list[Line2D]:
    """Draw `key` of the buckets against their frequency and return a line for each name.

    The buckets of a name have `low`, `high` and `key`; names without a value of it are left out.
    """
    lines = []
    for position, (name, buckets) in enumerate(runs.items()):
        values, places = column(buckets, key), bucket_places(buckets)
        if not np.isfinite(values).any():
            continue
        seen, style = places > COLD_PLACE, variant_line(name, position)
        lines += axes.plot(places[seen], values[seen], marker="o", label=variant_label(name), **style)
        axes.plot(places[~seen], values[~seen], marker="X", linestyle="None", color=style["color"])
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([COLD_PLACE, 1, 10, 100, 1000, 10_000]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: "0" if place < 1 else f"{place:g}"))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.spines[["top", "right"]].set_visible(False)
    return lines


def bucket_places(buckets: Rows) -> npt.NDArray[np.float64]:
    """Return the positions of the buckets on the axis of frequencies: geometric middles, or `COLD_PLACE`."""
    low, high = column(buckets, "low"), column(buckets, "high")
    return np.where(high > 0, np.sqrt(low * high), COLD_PLACE)


def mechanism_figure(runs: Mapping[str, Rows], *, width: float) -> Figure:
    """Return one epoch's buckets, by name, in four panels."""
    figure, grid, columns = _grid(width, PANELS)
    named: dict[str, Line2D] = {}
    for axes, key in zip(grid, PANELS, strict=True):
        named |= {str(line.get_label()): line for line in draw_by_frequency(axes, runs, key)}
        if key in _FROM_ZERO:
            axes.set_ylim(bottom=0)
    # A run without Eq. 4 is not in the first panel: one scale for all.
    limits = [axes.get_xlim() for axes in grid]
    for axes in grid:
        axes.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    label = "times an item occurs in training"
    unseen = any(bucket["high"] == 0 for buckets in runs.values() for bucket in buckets)
    figure.supxlabel(f"{label} (×: never)" if unseen else label)
    return _finished(figure, grid, columns, list(named.values()))


def mechanism_epochs_figure(runs: Mapping[str, Rows], *, width: float) -> Figure:
    """Return the rarest items (thick) and the most frequent ones (thin) over the lines of `trace.jsonl`."""
    figure, grid, columns = _grid(width, OVER_EPOCHS)
    named: dict[str, Line2D] = {}
    rare, common = (
        {name: [[bucket_at(row, place) for row in rows]] for name, rows in runs.items()} for place in (0, -1)
    )
    for axes, key in zip(grid, OVER_EPOCHS, strict=True):
        for line in draw_epochs(axes, common, key):
            line.set_linewidth(0.5 * line.get_linewidth())
        for line in draw_epochs(axes, rare, key):
            line.set_linewidth(1.4 * line.get_linewidth())
            named[str(line.get_label())] = line
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    figure.supxlabel("epoch (thick: rarest items seen, thin: most frequent)")
    return _finished(figure, grid, columns, list(named.values()))


def bucket_at(row: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return one bucket of a line of `trace.jsonl` with its epoch; 0 is the rarest that occurs."""
    seen = [bucket for bucket in row["buckets"] if bucket["high"] > 0]
    return {"epoch": row["epoch"], **seen[place]}


def _grid(width: float, panels: Mapping[str, str]) -> tuple[Figure, list[Axes], int]:
    """Return panels side by side where the figure is wide enough for all, else in two columns."""
    columns = len(panels) if figure_ems(width) >= _WIDE else 2
    figure, grid = panel_grid(width, len(panels), columns)
    for axes, title in zip(grid, panels.values(), strict=True):
        axes.set_title(title, loc="left", fontsize=matplotlib.rcParams["legend.fontsize"])
    return figure, grid, columns


def _finished(figure: Figure, grid: Sequence[Axes], columns: int, handles: list[Line2D]) -> Figure:
    legend_above(figure, handles, 6 if columns > 2 else 3)
    fit_height(figure, grid[0], _SHAPE)
    return figure
