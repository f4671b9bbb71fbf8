"""Metrics along one axis of a study, as in the paper's Fig. 6-8 and 14: a panel each, a line per series."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
import numpy as np
from matplotlib.lines import Line2D

from degen.plots.bands import IntervalOf, Samples, draw_means, end_near, leaves, near
from degen.plots.panels import panels_figure
from degen.plots.style import GUIDE_COLOR, figure_ems

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scale = Literal["categories", "linear", "log"]

_MARKER, _SEED = 3.2, 2.2  # points
_MARKERS = "os^Dv"
_REMARK = "#555555"
_ONE_LINE = 50  # font sizes of a figure in which the note fits into one line


@dataclass(frozen=True)
class AxisScale:
    """The horizontal axis: its column and label, and where its values stand.

    `categories` places them at equal distances, as the paper does; `log` suits batch sizes and τ.
    """

    column: str
    label: str
    scale: Scale = "categories"


@dataclass(frozen=True)
class CurveNotes:
    """Additions to the means: columns at the common epoch by metric column, and their name."""

    thin: Mapping[str, str] = field(default_factory=dict)
    thin_label: str = ""


def sensitivity_figure(
    results: pd.DataFrame,
    axis: AxisScale,
    panels: Mapping[str, str],
    *,
    width: float,
    interval: IntervalOf | None = None,
    extra: CurveNotes | None = None,
) -> Figure:
    """Return the mean over seeds of each column of `panels`, with the interval as a band.

    Parameters
    ----------
    results
        a row per cell and seed, with the columns `series`, `control` (empty for cells of the axis), `capped`,
        the axis and the metrics. A series without a value on the axis is a level line, and dashed.
    panels
        column of each panel, and its title.
    extra
        further columns, drawn thin.

    Notes
    -----
    Controls are dashed. A cell with one seed is a dot without a band. Where bands would leave the panel, the
    seeds are small dots in their place. A cell whose run ended at its maximum
    number of epochs is hollow. The vertical axis does not begin at 0; the lowest and the highest mean of the
    axis's cells stand above each panel.
    """
    extra = extra or CurveNotes()
    values = sorted(results[axis.column].dropna().unique().tolist())
    places = dict(zip(values, range(len(values)) if axis.scale == "categories" else values, strict=True))
    draw = {
        title: partial(
            _panel, results=results, axis=axis, column=column, places=places, interval=interval, extra=extra
        )
        for column, title in panels.items()
    }
    dotted = [
        leaves(cells, near(_values(samples, faint)), interval)
        for column in panels
        for samples, faint in [_of_panel(results, axis, column, places, extra)]
        for cells in samples.values()
        if any(len(values) > 1 for values in cells.values())
    ]
    note = _note(results, interval, width, dotted)
    return panels_figure(draw, width=width, across=axis.label, note=note)


def _of_panel(
    results: pd.DataFrame, axis: AxisScale, column: str, places: Mapping[float, float], extra: CurveNotes
) -> tuple[dict[str, Samples], dict[str, Samples]]:
    """Return the values of each series at each place, and those of the thin lines."""
    series = {str(name): rows for name, rows in results.groupby("series", sort=False)}
    thin = extra.thin.get(column, "")
    return (
        {name: _samples(rows, axis.column, column, places) for name, rows in series.items()},
        {name: _samples(rows, axis.column, thin, places) for name, rows in series.items()},
    )


def _values(*found: Mapping[str, Samples]) -> list[float]:
    return [v for cells in found for cell in cells.values() for several in cell.values() for v in several]


def _panel(
    axes: Axes,
    results: pd.DataFrame,
    axis: AxisScale,
    column: str,
    places: Mapping[float, float],
    interval: IntervalOf | None,
    extra: CurveNotes,
) -> list[Line2D]:
    if axis.scale == "log":
        axes.set_xscale("log")
    series = {str(name): rows for name, rows in results.groupby("series", sort=False)}
    samples, faint = _of_panel(results, axis, column, places, extra)
    ends_near = near(_values(samples, faint))
    thin: dict[str, Any] = {"linewidth": 0.5 * matplotlib.rcParams["lines.linewidth"], "linestyle": "-"}
    keys, ends = list[Line2D](), list[float]()
    markers = cycle(_MARKERS)
    for name, rows in series.items():
        control = _is_control(rows, axis.column)
        draw_means(axes, _only(faint, name), None, **thin)
        dotted = leaves(samples[name], ends_near, interval)
        band = None if dotted else interval
        for line in draw_means(axes, _only(samples, name), band, linestyle="--" if control else "-"):
            if dotted:
                level = bool(rows[axis.column].isna().all())
                _seeds(axes, samples[name], line.get_color(), level=level)
            on_axis = rows[rows[axis.column].notna()]
            marker = next(markers) if len(on_axis) else ""
            _dots(axes, on_axis, axis.column, column, places, color=line.get_color(), marker=marker)
            keys.append(_key(line, marker))
            ends += [] if control else [float(np.mean(values)) for values in samples[name].values()]
    if any(faint.values()):
        keys.append(Line2D([], [], color=GUIDE_COLOR, label=extra.thin_label, **thin))
    if results["capped"].any():
        keys.append(_hollow_key())
    _across(axes, axis, places)
    end_near(axes, _values(samples, faint))
    if ends:
        size = matplotlib.rcParams["legend.fontsize"]
        axes.set_title(_between(min(ends), max(ends)), loc="right", fontsize=size, color=_REMARK)
    return keys


def _between(low: float, high: float) -> str:
    """Return both ends of a range, to the second digit of its width."""
    digits = min(max(1 - math.floor(math.log10(high - low)), 0), 6) if 0 < high - low < math.inf else 4
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _is_control(rows: pd.DataFrame, axis: str) -> bool:
    """Return whether a series is a control, or has no value on the axis: SASRec has no λ."""
    return bool(((rows["control"] != "") | rows[axis].isna()).all())


def _samples(rows: pd.DataFrame, axis: str, column: str, places: Mapping[float, float]) -> Samples:
    """Return the values of a column over the seeds at each place; a level line has them at every place."""
    if column not in rows:
        return {}
    known = rows[rows[column].notna()]
    level = known[known[axis].isna()][column].tolist()
    found = {place: known[known[axis] == value][column].tolist() for value, place in places.items()}
    return {place: values or level for place, values in found.items() if values or level}


def _only(samples: Mapping[str, Samples], name: str) -> dict[str, Samples]:
    """Return the samples of one name; the others keep their places, and so every name its colour."""
    return {other: values if other == name else {} for other, values in samples.items()}


def _dots(
    axes: Axes, rows: pd.DataFrame, axis: str, column: str, places: Mapping[float, float], **look: Any
) -> None:
    """Mark the mean of each cell, hollow where a seed ended at its maximum number of epochs."""
    for value, place in places.items():
        cell = rows[(rows[axis] == value) & rows[column].notna()]
        if len(cell):
            inside: dict[str, Any] = {"markerfacecolor": "white"} if cell["capped"].any() else {}
            axes.plot(place, cell[column].mean(), markersize=_MARKER, zorder=3, **look, **inside)


def _seeds(axes: Axes, samples: Samples, color: Any, *, level: bool) -> None:
    """Draw the values of the seeds as small dots; those of a level line once, at its left end."""
    for place in sorted(samples)[: 1 if level else None]:
        values = samples[place]
        axes.plot([place] * len(values), values, "o", color=color, markersize=_SEED, alpha=0.6, mew=0)


def _key(line: Line2D, marker: str) -> Line2D:
    """Return what stands for a line in the legend: with its marker."""
    look: dict[str, Any] = {"color": line.get_color(), "linestyle": line.get_linestyle()}
    return Line2D([], [], marker=marker or "None", markersize=_MARKER, label=line.get_label(), **look)


def _hollow_key() -> Line2D:
    look: dict[str, Any] = {"linestyle": "None", "marker": "o", "markerfacecolor": "white"}
    label = "ended at the maximum of epochs"
    return Line2D([], [], color=GUIDE_COLOR, markersize=_MARKER, label=label, **look)


def _across(axes: Axes, axis: AxisScale, places: Mapping[float, float]) -> None:
    """Put a tick at each value; where values are equally distant places, a little room beside them."""
    if axis.scale == "linear":
        return
    axes.set_xticks(list(places.values()), [f"{value:g}" for value in places])
    axes.minorticks_off()
    if axis.scale == "categories":
        axes.set_xlim(-0.3, len(places) - 0.7)


def _note(
    results: pd.DataFrame, interval: IntervalOf | None, width: float, dotted: Sequence[bool] = ()
) -> str:
    """Return what the reader needs to know of bands, of dots in their place and of the numbers above."""
    counts = results.groupby(["series", "cell"])["seed"].nunique()
    low, high = int(counts[counts > 1].min()) if (counts > 1).any() else 1, int(counts.max())
    seeds = f"{low} seeds" if low == high else f"{low} to {high} seeds"
    between = "; " if figure_ems(width) > _ONE_LINE else "\n"
    said = f"bands: 95 % interval of the mean over {seeds}"
    if interval is None or high == 1:
        said = "one seed: no intervals"
    elif dotted and all(dotted):
        more = "3 seeds or more" if high == 2 else "more seeds"
        said = f"small dots: the seeds{between}95 % intervals over {seeds} leave the panels: use {more}"
    elif any(dotted):
        said += f"{between}small dots: the seeds, where bands would leave the panel"
    return f"{said}{between}above each panel: lowest and highest mean"
