"""Means over seeds, a line per name, with the interval of the mean as a band around it or as bars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.plots.style import variant_line
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Samples = Mapping[float, Sequence[float]]
"""The values of all seeds at each x."""

IntervalOf = Callable[[Sequence[float]], tuple[float, float]]
"""Low and high end of the interval of the mean of two or more values."""

_SPARE = 0.5  # of the range of the values, above and below them


def draw_means(
    axes: Axes,
    samples: Mapping[str, Samples],
    interval: IntervalOf | None = None,
    *,
    bars: bool = False,
    looks: Mapping[str, Mapping[str, Any]] | None = None,
    **look: Any,
) -> list[Line2D]:
    """Draw the mean of the values at each x, and return a line for each name that has values.

    A name without values keeps its colour for other panels. Where an x has several values, the interval of
    their mean is drawn as a band along the line, or as `bars`. `look` are arguments of
    `matplotlib.lines.Line2D`, over the name's own, and `looks` of single names, over these.
    """
    lines = []
    for position, (name, values) in enumerate(samples.items()):
        if not values:
            continue
        style = variant_line(name, position) | look | dict((looks or {}).get(name, {}))
        places = sorted(values)
        means = [float(np.mean(values[x])) for x in places]
        label = variant_label(name)
        lines += axes.plot(places, means, label=label, markeredgecolor=style["color"], **style)
        if interval is None or max(map(len, values.values())) < 2:
            continue
        ends = [interval(values[x]) if len(values[x]) > 1 else (np.nan, np.nan) for x in places]
        low, high = np.array(ends).T
        if bars:
            axes.vlines(places, low, high, color=style["color"], linewidth=lines[-1].get_linewidth())
        else:
            axes.fill_between(places, low, high, color=style["color"], alpha=0.2, linewidth=0)
    return lines


def end_near(axes: Axes, values: Iterable[float]) -> None:
    """End the vertical axis near the values themselves: bands of two seeds may be many times as wide."""
    if (ends := near(values)) is not None:
        bottom, top = axes.get_ylim()
        axes.set_ylim(max(bottom, ends[0]), min(top, ends[1]))


def near(values: Iterable[float]) -> tuple[float, float] | None:
    """Return where an axis ends at most below and above its values; None where they do not differ."""
    every = np.array([value for value in values if np.isfinite(value)])
    if not len(every) or np.ptp(every) <= 0:
        return None
    spare = _SPARE * float(np.ptp(every))
    return float(every.min()) - spare, float(every.max()) + spare


def leaves(samples: Samples, ends: tuple[float, float] | None, interval: IntervalOf | None) -> bool:
    """Return whether half or more of the intervals reach beyond the ends of an axis: no band is seen then."""
    several = [values for values in samples.values() if len(values) > 1]
    if interval is None or ends is None or not several:
        return False
    reached = [interval(values) for values in several]
    return 2 * sum(low < ends[0] or high > ends[1] for low, high in reached) >= len(reached)
