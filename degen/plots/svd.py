"""Items projected on the first two singular directions, coloured by how often they occur (Fig. 1, 3, 4).

    draw_projection(axes, projection, frequency)   one cloud
    draw_frequency_bar(figure, axes, cloud)        the colour bar of one or more clouds

The colour scale is logarithmic, rare light and frequent dark. Points are small, translucent and drawn from
rare to frequent: most items are rare, and drawn last they would hide the few frequent ones. Items that never
occur in training have no place on a log scale; they are crosses in another colour. They may lie far from all
others, so they do not set the limits: where they lie outside, an arrow at the edge says how many and where.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from degen.plots.marks.beyond import mark_beyond
from degen.plots.style import GUIDE_COLOR, PLAIN_COLOR, UNSEEN_COLOR, UNSEEN_LABEL, frequency_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from degen.analysis.measures.spectrum import Projection

Frequency = npt.NDArray[np.int64]
Limits = tuple[tuple[float, float], tuple[float, float]]

# Clouds above this many points are drawn as an image inside the vector figure.
RASTERIZE_ABOVE = 5_000

MOST_DRAWN = 500_000
"""Number of points above which one in several is drawn. Such clouds have several points per pixel anyway."""

_FLATTEST, _TALLEST = 0.6, 1.4  # height over width that a panel's axes may have


def frequency_scale(frequencies: Iterable[Frequency]) -> LogNorm:
    """Return the log scale from 1 to the highest of all counts, at least 10."""
    highest = max((int(counts.max(initial=0)) for counts in frequencies), default=0)
    return LogNorm(1, max(highest, 10))


def setting_points(
    coordinates: npt.NDArray[np.float64], frequency: Frequency | None
) -> npt.NDArray[np.float64]:
    """Return the points that set the limits of a panel: of the items that occur in training, if any do."""
    seen = np.ones(len(coordinates), dtype=bool) if frequency is None else frequency > 0
    return coordinates[seen] if seen.any() else coordinates


def common_limits(clouds: Sequence[npt.NDArray[np.float64]]) -> Limits:
    """Return x and y limits that hold every cloud `[n, 2]` and the origin, with 4 % to spare on each side.

    A very flat or tall box is widened along its short side, so that a panel stays readable.
    """
    low = np.min([cloud.min(axis=0) for cloud in clouds], axis=0).clip(max=0)
    high = np.max([cloud.max(axis=0) for cloud in clouds], axis=0).clip(min=0)
    span = high - low
    span[span == 0] = max(span.max(), 1.0)
    wanted = np.array([max(span[0], span[1] / _TALLEST), max(span[1], span[0] * _FLATTEST)])
    middle = (low + high) / 2
    x, y = zip(middle - 0.54 * wanted, middle + 0.54 * wanted, strict=True)
    return (float(x[0]), float(x[1])), (float(y[0]), float(y[1]))


def draw_projection(
    axes: Axes,
    projection: Projection,
    frequency: Frequency | None = None,
    *,
    norm: LogNorm | None = None,
    colors: Colormap | None = None,
    limits: Limits | None = None,
    size: float | None = None,
    zero_lines: bool = True,
) -> PathCollection | None:
    """Scatter the projected items on `axes`, equal aspect, cross-hair at the origin.

    Parameters
    ----------
    axes
        where to draw.
    projection
        its `coordinates` are float64 `[n, 2]`.
    frequency
        int64 `[n]` occurrences of each item in training; None draws all points in one colour.
    norm, colors
        scale and map of the counts; by default `frequency_scale` of these counts and `frequency_colors()`.
    limits
        x and y limits, by default `common_limits` of this cloud's `setting_points`.
    size
        area of a point in square points; by default smaller, the more points there are.
    zero_lines
        draw the cross-hair; leave it out where the origin means nothing, as in t-SNE.

    Returns
    -------
    PathCollection | None
        the points with a place on the colour scale, for a colour bar; None where there are none.
    """
    step = drawn_step(len(projection.coordinates))
    points = projection.coordinates[::step]
    frequency = None if frequency is None else frequency[::step]
    style: dict[str, Any] = {"alpha": 0.65, "linewidths": 0, "rasterized": len(points) > RASTERIZE_ABOVE}
    style["s"] = point_size(len(points)) if size is None else size
    x, y = limits or common_limits([setting_points(points, frequency)])
    for line in (axes.axhline, axes.axvline) if zero_lines else ():
        line(0, color=GUIDE_COLOR, linewidth=matplotlib.rcParams["axes.linewidth"], zorder=0)
    axes.set(xlim=x, ylim=y, aspect="equal")
    if frequency is None:
        axes.scatter(*points.T, color=PLAIN_COLOR, **style)
        return None
    seen = np.argsort(frequency, kind="stable")[np.count_nonzero(frequency <= 0) :]  # rare to frequent
    cloud = axes.scatter(
        points[seen, 0],
        points[seen, 1],
        c=frequency[seen],
        norm=norm or frequency_scale([frequency]),
        cmap=colors or frequency_colors(),
        zorder=2,
        **style,
    )
    _draw_unseen(axes, points[frequency <= 0], points[seen], style)
    return cloud if len(seen) else None


def drawn_step(count: int) -> int:
    """Return s, where one in s of `count` points is drawn: 1 up to `MOST_DRAWN`."""
    return -(-count // MOST_DRAWN) or 1


def point_size(count: int, width: float = 1.5) -> float:
    """Return the area in square points of each of `count` points in a panel `width` inches wide."""
    return min(max(150 / math.sqrt(max(count, 1)), 0.8), 9.0) * (width / 1.5) ** 2


def _draw_unseen(
    axes: Axes, points: npt.NDArray[np.float64], crowd: npt.NDArray[np.float64], style: dict[str, Any]
) -> None:
    """Draw unseen items as crosses, and an arrow where they lie beyond the limits."""
    if not len(points):
        return
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = points.T
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    if inside.any():
        cross = style | {"s": 3 * style["s"], "linewidths": 0.25 * math.sqrt(style["s"]), "alpha": 0.8}
        axes.scatter(*points[inside].T, color=UNSEEN_COLOR, marker="x", label=UNSEEN_LABEL, zorder=3, **cross)
    mark_beyond(axes, points[~inside], UNSEEN_LABEL, color=UNSEEN_COLOR, crowd=crowd)


def draw_frequency_bar(
    figure: Figure,
    axes: Sequence[Axes],
    cloud: PathCollection,
    *,
    place: Axes | None = None,
    level: bool = False,
) -> Colorbar:
    """Draw one colour bar, and below it the mark of unseen items if any are drawn.

    It stands in `place`, by default to the right of `axes`. Its name stands at its side, or `level` above it,
    where at its side it would read as the label of an axis that follows on the right.
    """
    own: dict[str, Any] = {"ax": list(axes), "location": "right", "aspect": 25, "pad": 0.02}
    bar = figure.colorbar(cloud, **own if place is None else {"cax": place})
    if level:
        size = matplotlib.rcParams["xtick.labelsize"]  # the highest number may stand half above the bar
        bar.ax.set_title("frequency", loc="left", fontsize=size, pad=0.8 * size)
    else:
        bar.set_label("frequency")
    if bar.solids is not None:
        bar.solids.set_alpha(1)
    powers = [10.0**power for power in range(1 + math.floor(math.log10(bar.ax.get_ylim()[1])))]
    bar.ax.yaxis.set_major_locator(FixedLocator(powers))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if any(mark.get_label() == UNSEEN_LABEL for panel in axes for mark in panel.collections):
        size = 0.5 * matplotlib.rcParams["font.size"]
        cross = Line2D(
            [], [], color=UNSEEN_COLOR, marker="x", linestyle="", markersize=size, label=UNSEEN_LABEL
        )
        corner: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.6, 0), "borderaxespad": 0.7}
        bar.ax.legend(handles=[cross], handletextpad=0, handlelength=1.2, borderpad=0.2, **corner)
    return bar
