"""Means over seeds, a line per name, with the interval of the mean as a band around it or as bars.

seaborn takes the means and draws the bands. Colours and dashes are those of all other figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from degen.plots.style import variant_line
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Samples = Mapping[float, Sequence[float]]
"""The values of all seeds at each x."""

IntervalOf = Callable[[Sequence[float]], tuple[float, float]]
"""Low and high end of the interval of the mean of two or more values."""


def draw_means(
    axes: Axes,
    samples: Mapping[str, Samples],
    interval: IntervalOf | None = None,
    *,
    bars: bool = False,
    **look: Any,
) -> list[Line2D]:
    """Draw the mean of the values at each x, and return a line for each name that has values.

    A name without values keeps its colour for other panels. Where an x has several values, the interval of
    their mean is drawn as a band along the line, or as `bars`. `look` are arguments of
    `matplotlib.lines.Line2D`, over the name's own.
    """
    import seaborn  # brings pandas and SciPy

    lines = []
    for position, (name, values) in enumerate(samples.items()):
        if not values:
            continue
        style = variant_line(name, position) | look
        several_seeds = max(map(len, values.values())) > 1
        drawn = len(axes.lines)
        seaborn.lineplot(
            x=[x for x, several in values.items() for _ in several],
            y=[y for several in values.values() for y in several],
            ax=axes,
            errorbar=interval if several_seeds else None,
            err_style="bars" if bars else "band",
            err_kws={} if bars else {"alpha": 0.2, "linewidth": 0},
            legend=False,
            label=variant_label(name),
            markeredgecolor=style["color"],
            **style,
        )
        lines.append(axes.lines[drawn])
    return lines
