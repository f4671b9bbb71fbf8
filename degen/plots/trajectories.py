"""Alignment and uniformity over training (Fig. 5).

    draw_trajectories(axes, rows)        alignment across, uniformity up: a dot per epoch, joined in order
    number_epochs(axes, rows)            the numbers of its first and last epoch, and of that where it turns
    draw_epochs(axes, runs, key)         one quantity against the epoch, a line per run

Lower is better for both: a run that spreads its representations moves down, one that pulls pairs together
moves left. Rows are the lines of `metrics.jsonl`, or means over seeds of the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from degen.plots.bands import end_near
from degen.plots.style import GUIDE_COLOR, LEAST_LETTER, quality_colors, variant_line, variant_marker
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D

_MARKS = 8  # about so many markers along a line

Rows = Sequence[Mapping[str, Any]]

_Point = npt.NDArray[np.float64]

UNIFORMITY = "uniformity"
ALIGNMENT = "alignment"
QUALITY = "valid_HR@5"

ALIGNMENTS = (ALIGNMENT, "alignment_same_target", "alignment_dropout")

LABELS: Mapping[str, str] = {
    "uniformity": "uniformity of h",
    "alignment": "alignment",
    "alignment_dropout": "dropout alignment",
    "alignment_same_target": "same-target alignment",
    "valid_HR@5": "validation HR@5",
}


def column(rows: Rows, key: str) -> npt.NDArray[np.float64]:
    """Return float64 `[len(rows)]`, the value of each row; NaN where it is null or absent."""
    values = [row.get(key) for row in rows]
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def common_span(values: Iterable[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Return limits that hold all finite values, with 6 % to spare on each side; (0, 1) if there are none.

    A single value is put in the middle.
    """
    every = _finite(values)
    if not len(every):
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    margin = 0.06 * (high - low) or max(0.05 * abs(high), 0.01)
    return low - margin, high + margin


def _finite(values: Iterable[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    every: npt.NDArray[np.float64] = np.concatenate([np.zeros(0), *values])
    return every[np.isfinite(every)]


def quality_scale(runs: Iterable[Rows], key: str = QUALITY) -> Normalize:
    """Return the linear colour scale from the lowest to the highest value of `key` in any of the runs.

    A single value lies in the middle of it.
    """
    values = _finite(column(rows, key) for rows in runs)
    if not len(values):
        return Normalize(0, 1)
    low, high = float(values.min()), float(values.max())
    margin = 0.0 if low < high else 0.05 * abs(low) or 0.01
    return Normalize(low - margin, high + margin)


def draw_trajectories(
    axes: Axes,
    rows: Rows,
    *,
    alignment: str = ALIGNMENT,
    norm: Normalize | None = None,
    behind: Sequence[Rows] = (),
) -> PathCollection:
    """Draw one run's path through the plane of alignment (across) and uniformity (up).

    Parameters
    ----------
    axes
        where to draw.
    rows
        one dictionary per epoch, in order, with `uniformity`, the key that `alignment` names, and
        `valid_HR@5` for the colour, grey where it is null. Epochs without both coordinates are left out.
    alignment
        which key to draw across: `alignment`, `alignment_same_target` or `alignment_dropout`.
    norm
        the colour scale, by default `quality_scale` of this run; give the same to panels that are compared.
    behind
        further runs, drawn as thin grey lines below: the seeds behind a mean.

    Returns
    -------
    PathCollection
        the dots, for a colour bar. Below them the first epoch has a ring, the last a square around its dot.
    """
    for other in behind:
        both = column(other, alignment), column(other, UNIFORMITY)
        axes.plot(*both, color=GUIDE_COLOR, linewidth=0.5, zorder=1)
    across, up, quality = (column(rows, key) for key in (alignment, UNIFORMITY, QUALITY))
    there = np.isfinite(across) & np.isfinite(up)
    across, up, quality = across[there], up[there], quality[there]
    width = matplotlib.rcParams["lines.linewidth"]
    axes.plot(across, up, color=GUIDE_COLOR, linewidth=0.6 * width, zorder=2)
    colors = quality_colors().with_extremes(bad="0.6")
    dots = axes.scatter(
        across,
        up,
        c=quality,
        cmap=colors,
        norm=norm or quality_scale([rows]),
        s=(3.2 * width) ** 2,
        linewidths=0,
        plotnonfinite=True,
        zorder=3,
    )
    # Below the dots: a mark that covers them would hide where a path turns back.
    for label, marker, end in (("first epoch", "o", slice(0, 1)), ("last epoch", "s", slice(-1, None))):
        axes.scatter(
            across[end],
            up[end],
            s=(6.5 * width) ** 2,
            marker=marker,
            facecolors="none",
            edgecolors="black",
            linewidths=0.7 * width,
            label=label,
            zorder=2.5,
            clip_on=False,
        )
    return dots


# Places around a dot for its number, and the room that one takes, in fractions of a panel.
_AROUND = np.array([(0, 0.1), (0, -0.1), (0.09, 0), (-0.09, 0), (0.08, 0.08), (-0.08, -0.08)])
_ROOM = np.array([0.12, 0.1])
_TURN = 0.1
_USUAL = 15.0  # width in font sizes of a panel for which these are meant


def number_epochs(axes: Axes, rows: Rows, *, alignment: str = ALIGNMENT, ems: float = _USUAL) -> None:
    """Write the number of the first and the last epoch of a path beside it, and of that where it turns.

    Call it once `axes` have their limits. `ems` is about the width of the panel in font sizes. The turn is
    the epoch farthest from the straight way from the first to the last; where a path is nearly straight it
    has none.
    """
    across, up, epochs = (column(rows, key) for key in (alignment, UNIFORMITY, "epoch"))
    there = np.isfinite(across) & np.isfinite(up)
    if not there.any():
        return
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    path = (np.column_stack([across, up])[there] - low) / (high - low)
    numbers = epochs[there]
    shown = [0, len(path) - 1]
    apart = _from_straight(path)
    if apart.max() > _TURN:
        shown.insert(1, int(apart.argmax()))
    taken: list[npt.NDArray[np.float64]] = []
    nearer = min(1.0, _USUAL / ems)
    room = _ROOM * nearer
    for index in dict.fromkeys(shown):
        spots = path[index] + _AROUND * nearer
        free = [spot for spot in spots if _is_free(spot, taken, room)]
        if not free:
            continue
        spot = min(free, key=lambda spot: float(_crowd(spot, path, room)))
        taken.append(spot)
        axes.text(
            float(spot[0]),
            float(spot[1]),
            f"{numbers[index]:.0f}",
            transform=axes.transAxes,
            fontsize=max(LEAST_LETTER, 0.92 * float(matplotlib.rcParams["xtick.labelsize"])),
            horizontalalignment="center",
            verticalalignment="center",
            zorder=5,
        )


def _from_straight(path: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the distance of each point `[n, 2]` from the stretch between the first and the last."""
    way = path[-1] - path[0]
    along = ((path - path[0]) @ way / max(float(way @ way), 1e-12)).clip(0, 1)
    aside: npt.NDArray[np.float64] = path - path[0] - along[:, None] * way
    distance: npt.NDArray[np.float64] = np.sqrt((aside**2).sum(axis=1))
    return distance


def _is_free(spot: _Point, taken: Sequence[_Point], room: _Point) -> bool:
    inside = bool(((spot > 0.5 * room) & (spot < 1 - 0.5 * room)).all())
    return inside and not any((np.abs(spot - other) < 1.1 * room).all() for other in taken)


def _crowd(spot: _Point, path: npt.NDArray[np.float64], room: _Point) -> int:
    return int((np.abs(path - spot) < 0.75 * room).all(axis=1).sum())


def draw_epochs(
    axes: Axes,
    runs: Mapping[str, Sequence[Rows]],
    key: str,
    within: tuple[float, float] | None = None,
    *,
    marks: bool = True,
) -> list[Line2D]:
    """Draw `key` against the epoch and return a line for each name: that of its first run.

    All runs of a name, such as seeds, look alike. Rows of a mean that hold the ends of its interval, as
    `<key>_low` and `<key>_high`, have a band, which ends `within` the range of the quantity. Names without a
    value of `key` are left out. Each name has its marker, at every epoch that was measured or, where there
    are many, at some; without `marks` only where a line would not show which were. Epochs below 1, which are
    pre-training, are shaded.
    """
    lines = []
    drawn_values, bands = list[float](), False
    for position, (name, several) in enumerate(runs.items()):
        drawn = [rows for rows in several if np.isfinite(column(rows, key)).any()]
        for number, rows in enumerate(drawn):
            label = variant_label(name) if number == 0 else "_nolegend_"
            epochs, values = column(rows, "epoch"), column(rows, key)
            there = np.isfinite(values)
            every = max(1, there.sum() // _MARKS)
            style = variant_line(name, position)
            # A line through one point is invisible, and a bare line hides which epochs were measured.
            if marks or len(rows) == 1 or not there.all():
                first = (position * every) // max(len(runs), 1)  # so that coinciding lines show their own
                style |= {"marker": variant_marker(name, position), "markevery": (first, every)}
            line = axes.plot(epochs[there], values[there], label=label, **style)
            lines += line if number == 0 else []
            drawn_values += values[there].tolist()
            bands |= _band(axes, rows, key, within, style["color"])
    if bands:
        end_near(axes, drawn_values)
    left, right = axes.get_xlim()
    if lines and right - left < 1:
        # A single epoch: room for the whole numbers on both sides of it.
        axes.set_xlim((left + right) / 2 - 1, (left + right) / 2 + 1)
    if left < 0.5 < right and any(
        row["epoch"] < 1 for several in runs.values() for r in several for row in r
    ):
        axes.axvspan(left, 0.5, color=GUIDE_COLOR, alpha=0.2, linewidth=0, zorder=0)
        axes.set_xlim(left, right)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.spines[["top", "right"]].set_visible(False)
    return lines


def _band(axes: Axes, rows: Rows, key: str, within: tuple[float, float] | None, color: str) -> bool:
    """Draw the interval of a mean within the range of the quantity; return whether the rows hold one."""
    low, high = column(rows, f"{key}_low"), column(rows, f"{key}_high")
    if not np.isfinite(low).any():
        return False
    least, most = within or (-np.inf, np.inf)
    low, high = low.clip(least, most), high.clip(least, most)
    axes.fill_between(column(rows, "epoch"), low, high, color=color, alpha=0.2, linewidth=0)
    return True
