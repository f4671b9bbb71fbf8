"""Forces on the items by their frequency: the theory of Eq. 4 as a measurement.

    draw_by_frequency(axes, runs, key)   one quantity of an epoch's buckets, a line per run, rare items left
    mechanism_figure(runs)               four such panels of one epoch
    mechanism_epochs_figure(runs)        the rarest and the most frequent items over epochs

Rows are lines of `trace.jsonl` with `epoch` and `buckets`, rarest first. Items that never occur in training
have no place on a logarithmic axis, so hollow marks stand for them left of it, at 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from degen.plots.layout import fit_height, panel_grid
from degen.plots.marks.legends import legend_above
from degen.plots.marks.letters import lettered, write_note
from degen.plots.style import GUIDE_COLOR, figure_ems, variant_line, variant_marker
from degen.plots.trajectories import Rows, column, draw_epochs
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLD_PLACE = 0.4
"""Position of items that never occur on the axis of frequencies."""

_DODGE = 0.25
"""Part of its place by which the marks of such items are moved apart, run from run."""

PANELS: Mapping[str, str] = {
    "push_share": "non-target share of updates",
    "step_cosine": "cosine of a step with −h̄",
    "step_pairwise_cosine": "cosine of two items' steps",
    "step_length": "length of a step",
}
"""Titles of the panels of one epoch, by the keys of the buckets."""

OVER_EPOCHS: Mapping[str, str] = {
    **{key: PANELS[key] for key in ("push_share", "step_cosine", "step_pairwise_cosine")},
    "pairwise_cosine": "cosine of two items",
}
"""Titles of the panels over epochs, for the rarest and the most frequent items."""

_FROM_ZERO = {"push_share", "step_length"}
_THICK, _THIN = 1.6, 0.6  # times the width of a line
_SHAPE = 0.72  # height over width of a panel
_WIDE = 60  # font sizes of a figure that holds all panels side by side
_SYMBOLS = "Step: change of an item's embedding over an epoch. h̄: mean sequence representation."
_UNSEEN = "Hollow, at 0: items that never occur in training."
_ENDS = "A line ends with its run."


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
        style["marker"] = variant_marker(name, position)
        lines += axes.plot(places[seen], values[seen], label=variant_label(name), **style)
        beside = 1 + _DODGE * (2 * position / max(len(runs) - 1, 1) - 1) * (len(runs) > 1)
        hollow = style | {"linestyle": "None", "markerfacecolor": "none"}
        axes.plot(places[~seen] * beside, values[~seen], **hollow)
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


def mechanism_figure(runs: Mapping[str, Rows], *, width: float, note: str = "") -> Figure:
    """Return one epoch's buckets, by name, in four panels; `note` says which epoch."""
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
    unseen = any(bucket["high"] == 0 for buckets in runs.values() for bucket in buckets)
    write_note(figure, note, _UNSEEN if unseen else "", _SYMBOLS)
    for axes in grid[-columns:]:
        axes.set_xlabel("occurrences in training")
    return _finished(figure, grid, columns, _in_order(named, runs))


def mechanism_epochs_figure(runs: Mapping[str, Rows], *, width: float) -> Figure:
    """Return the rarest items (thick) and the most frequent ones (thin) over the lines of `trace.jsonl`."""
    figure, grid, columns = _grid(width, OVER_EPOCHS)
    named: dict[str, Line2D] = {}
    rare, common = (
        {name: [[bucket_at(row, place) for row in rows]] for name, rows in runs.items()} for place in (0, -1)
    )
    for axes, key in zip(grid, OVER_EPOCHS, strict=True):
        for line in draw_epochs(axes, common, key, marks=False):
            line.set_linewidth(_THIN * line.get_linewidth())
        for line in draw_epochs(axes, rare, key, marks=False):
            line.set_linewidth(_THICK * line.get_linewidth())
            named[str(line.get_label())] = line
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    for axes in grid[-columns:]:
        axes.set_xlabel("epoch")
    lengths = {len(rows) for rows in runs.values()}
    write_note(figure, _SYMBOLS, _ENDS if len(lengths) > 1 else "")
    width_of_line = matplotlib.rcParams["lines.linewidth"]
    keys = [
        Line2D([], [], color=GUIDE_COLOR, linewidth=part * width_of_line, label=label)
        for label, part in (("rarest items in training", _THICK), ("most frequent items", _THIN))
    ]
    return _finished(figure, grid, columns, [*_in_order(named, runs), *keys])


def bucket_at(row: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return one bucket of a line of `trace.jsonl` with its epoch; 0 is the rarest that occurs."""
    seen = [bucket for bucket in row["buckets"] if bucket["high"] > 0]
    return {"epoch": row["epoch"], **seen[place]}


def _grid(width: float, panels: Mapping[str, str]) -> tuple[Figure, list[Axes], int]:
    """Return panels side by side where the figure is wide enough for all, else in two columns."""
    columns = len(panels) if figure_ems(width) >= _WIDE else 2
    figure, grid = panel_grid(width, len(panels), columns)
    for axes, title in zip(grid, lettered(panels.values()), strict=True):
        axes.set_title(title, loc="left", fontsize=matplotlib.rcParams["legend.fontsize"])
    return figure, grid, columns


def _in_order(named: Mapping[str, Line2D], runs: Iterable[str]) -> list[Line2D]:
    """Return the lines in the order of the runs; the first panel may lack some."""
    return [named[label] for label in map(variant_label, runs) if label in named]


def _finished(figure: Figure, grid: Sequence[Axes], columns: int, handles: list[Line2D]) -> Figure:
    legend_above(figure, handles, 6 if columns > 2 else 3)
    fit_height(figure, grid[0], _SHAPE)
    return figure
