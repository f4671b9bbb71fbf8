"""Bars of variants or other cells that no numeric axis tells apart, as in the paper's Fig. 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from degen.plots.bands import IntervalOf
from degen.plots.layout import fit_height, panel_grid
from degen.plots.marks.letters import lettered
from degen.plots.style import GUIDE_COLOR, figure_ems, variant_line
from degen.shown import shown
from degen.variant_names import variant_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Published = Mapping[str, Mapping[str, float]]
"""Published values by series and column."""

_HIGH = 0.62  # of the distance of two bars
_MOST = 1.6  # times the largest value: the end of the axis
_PANEL = 14  # font sizes of a panel beside others


def bars_figure(
    results: pd.DataFrame,
    panels: Mapping[str, str],
    *,
    width: float,
    interval: IntervalOf | None = None,
    published: Published | None = None,
) -> Figure:
    """Return a bar for the mean over seeds of each series, a panel per column of `panels`.

    Parameters
    ----------
    results
        a row per cell and seed, with the column `series` and the metrics. Series stand in order from the top.
    panels
        column of each panel, and its title.
    interval
        of the mean of two or more values, drawn as a whisker.
    published
        values drawn as hollow bars beside ours.
    """
    names = list(dict.fromkeys(results["series"]))
    columns = min(len(panels), max(1, int(figure_ems(width) / _PANEL)))
    figure, places = panel_grid(width, len(panels), columns)
    hollow = {name: values for name, values in (published or {}).items() if name in names}
    titles = lettered(panels.values())
    for position, (axes, column, title) in enumerate(zip(places, panels, titles, strict=True)):
        _panel(
            axes, results, column, names, interval, {n: v[column] for n, v in hollow.items() if column in v}
        )
        axes.set_title(title, loc="left", fontsize=matplotlib.rcParams["legend.fontsize"])
        axes.set_yticks(range(len(names)), [shown(variant_label(name)) for name in names])
        axes.tick_params(axis="y", length=0, labelleft=position % columns == 0)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.spines[["top", "right"]].set_visible(False)
    if hollow:
        handles = [
            Patch(color=GUIDE_COLOR, label="ours"),
            Patch(fill=False, edgecolor=GUIDE_COLOR, label="published"),
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=2)
    if interval is not None and results.groupby("series")["seed"].nunique().max() > 1:
        figure.supxlabel(
            "whiskers: 95 % interval of the mean over seeds", fontsize=matplotlib.rcParams["legend.fontsize"]
        )
    fit_height(figure, places[0], max(0.35, 0.13 * len(names)) * (1 if columns > 1 else 0.6))
    return figure


def _panel(
    axes: Axes,
    results: pd.DataFrame,
    column: str,
    names: list[str],
    interval: IntervalOf | None,
    published: Mapping[str, float],
) -> None:
    high = _HIGH / 2 if published else _HIGH
    for place, name in enumerate(names):
        color = variant_line(name.partition(" ")[0], place)["color"]
        values = results[results["series"] == name][column].dropna().tolist()
        at = place - high / 2 if name in published else place
        if values:
            mean = float(np.mean(values))
            axes.barh(at, mean, height=high, color=color)
            if interval is not None and len(values) > 1:
                low, top = interval(values)
                line = matplotlib.rcParams["lines.linewidth"]
                for tone, wide in (("white", 2.2), ("black", 1.0)):  # seen on dark bars too
                    axes.hlines(at, low, top, color=tone, linewidth=wide * line)
        if name in published:
            axes.barh(place + high / 2, published[name], height=high, fill=False, edgecolor=color)
    _across(axes, results[column].dropna().tolist(), published.values())
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def _across(axes: Axes, values: Iterable[float], published: Iterable[float]) -> None:
    """Begin at 0, and end near the values: whiskers of two seeds may be many times as long."""
    every = [*values, *published]
    if every and min(every) >= 0 < max(every):
        axes.set_xlim(0, min(axes.get_xlim()[1], _MOST * max(every)))
