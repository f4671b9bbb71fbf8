"""Quantities by popularity, from the rarest decile of the items to the most frequent, and of unseen items.

    profiles_figure(profiles)     a panel per quantity
    draw_profile(axes, curves)    one of them

Unseen items stand apart on the left. They may differ so much from all others that on a common scale these
would lie flat: values far from the deciles' are marked at the edge, with their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from degen.plots.bands import IntervalOf, Samples, draw_means, end_near
from degen.plots.panels import BANDS, panels_figure
from degen.plots.style import LEAST_LETTER, UNSEEN_LABEL, variant_marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLD = "cold"
"""The bucket of items that never occur in training."""

Profile = Mapping[str, Sequence[float]]
"""The values of all seeds for each bucket by its name, rarest first."""

_PLACE = -1.5  # of unseen items: leaves room for their name before the first decile
_DODGE = 0.5  # of the distance of two deciles, over which the names are spread
_NEAR = 0.35  # of the deciles' range: unseen items so near to it lie on the same scale
_BAND = 0.2  # of the panel's height, for numbers at the edge
_INSIDE = 0.3  # of that band, between the edge and a mark in it
_MARKER = 2.6
_LABELLED = (1, 4, 7, 10)
_DECILES = "Deciles of the items by occurrences in training; 1: the rarest."
_EMPTY = "Deciles without a point are empty: items of equal frequency share one."


def profiles_figure(
    profiles: Mapping[str, Mapping[str, Profile]],
    *,
    width: float,
    interval: IntervalOf | None = None,
    note: str = "",
) -> Figure:
    """Return quantities by popularity, a panel per title, a line per name.

    The `interval` of the mean over seeds is drawn for names with several. `note` stands below the panels.
    """
    draw = {
        title: partial(draw_profile, curves=curves, interval=interval) for title, curves in profiles.items()
    }
    seeds = max(len(v) for curves in profiles.values() for curve in curves.values() for v in curve.values())
    there = {bucket for curves in profiles.values() for curve in curves.values() for bucket in curve}
    empty = _EMPTY if not {str(decile) for decile in range(1, 11)} <= there else ""
    words = [_DECILES, empty, note, BANDS if interval and seeds > 1 else ""]
    return panels_figure(draw, width=width, across="decile by frequency", note=" ".join(filter(None, words)))


def draw_profile(
    axes: Axes, curves: Mapping[str, Profile], interval: IntervalOf | None = None
) -> list[Line2D]:
    """Draw the mean over seeds for each bucket of items, rarest left, a line per name; return the lines.

    Names stand a little beside each other, so that none hides another. The bucket of items that never occur
    in training stands apart on the left: no line joins its point.
    """
    shifts = _shifts(curves)

    def samples(unseen: bool) -> dict[str, Samples]:
        return {
            name: {
                shift + (_PLACE if unseen else int(bucket)): seeds
                for bucket, seeds in curve.items()
                if (bucket == COLD) == unseen
            }
            for (name, curve), shift in zip(curves.items(), shifts, strict=True)
        }

    looks: dict[str, dict[str, Any]] = {
        name: {"marker": variant_marker(name, position)} for position, name in enumerate(curves)
    }
    lines = draw_means(axes, samples(False), interval, markersize=_MARKER, looks=looks)
    end_near(axes, (v for each in samples(False).values() for several in each.values() for v in several))
    unseen = samples(True)
    if any(unseen.values()):
        _draw_unseen(axes, unseen, interval, looks)
    _label_deciles(axes, curves, unseen=any(unseen.values()))
    return lines


def _shifts(curves: Mapping[str, Profile]) -> list[float]:
    """Return how far each name stands beside its bucket's place."""
    count = len(curves)
    return [_DODGE * (position - (count - 1) / 2) / max(count, 2) for position in range(count)]


@dataclass(frozen=True)
class Reach:
    """Values that an axis holds, and its ends: past them a band is kept for the numbers of those beyond."""

    low: float
    high: float
    ends: tuple[float, float]


def reach(unseen: Iterable[float], low: float, high: float, *, near: float = _NEAR) -> Reach:
    """Return `low` and `high` of the deciles, widened by the values of unseen items that lie near.

    A value is near if at most `near` of the range of the deciles is between.
    """
    values, span = list(unseen), high - low
    within = [value for value in values if low - near * span <= value <= high + near * span]
    margin = 0.05 * span
    low, high = min([low, *(v - margin for v in within)]), max([high, *(v + margin for v in within)])
    band = _BAND * (high - low)
    below, above = any(value < low for value in values), any(value > high for value in values)
    return Reach(low, high, (low - band * below, high + band * above))


def beyond_text(values: Sequence[float], sign: str) -> str:
    """Return what stands at an edge beyond which values lie, such as `↑ 1.74 to 2.13`."""
    low, high = (f"{v:.2f}" if abs(v) < 100 else f"{v:.0f}" for v in (min(values), max(values)))
    return f"{sign} {low}" if low == high else f"{sign} {low} to {high}"


def _draw_unseen(
    axes: Axes,
    samples: Mapping[str, Samples],
    interval: IntervalOf | None,
    looks: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw unseen items, at the edge of the panel where they lie far from the deciles."""
    means = {name: float(np.mean(next(iter(at.values())))) for name, at in samples.items() if at}
    empty = not any(np.isfinite(value) for value in axes.dataLim.get_points()[:, 1])
    span = reach(means.values(), *axes.get_ylim(), near=math.inf if empty else _NEAR)
    above = {name for name, value in means.items() if value > span.high}
    below = {name for name, value in means.items() if value < span.low}
    ends = span.ends
    drawn = {name: {} if name in above | below else at for name, at in samples.items()}
    look: dict[str, Any] = {"markersize": 1.3 * _MARKER, "linestyle": "None"}
    draw_means(axes, drawn, interval, bars=True, looks=looks, **look)
    inside = _INSIDE * _BAND * (span.high - span.low)
    for names, edge, sign in ((above, ends[1] - inside, "↑"), (below, ends[0] + inside, "↓")):
        if names:
            at_edge = {
                name: {next(iter(at)): [edge]} if name in names else {} for name, at in samples.items()
            }
            draw_means(axes, at_edge, None, looks=looks, **look)
            _write_numbers(axes, edge, [means[name] for name in means if name in names], sign)
    axes.set_ylim(*ends)


def _write_numbers(axes: Axes, edge: float, values: Sequence[float], sign: str) -> None:
    """Write at the edge which values lie beyond it."""
    axes.annotate(
        beyond_text(values, sign),
        xy=(_PLACE, edge),
        xytext=(1.5 * _MARKER * matplotlib.rcParams["lines.linewidth"] + 3, 0),
        textcoords="offset points",
        fontsize=max(LEAST_LETTER, 0.92 * float(matplotlib.rcParams["xtick.labelsize"])),
        verticalalignment="center",
    )


def _label_deciles(axes: Axes, curves: Mapping[str, Profile], *, unseen: bool) -> None:
    """Put a tick at each decile that holds items, with the numbers of some: all would nearly touch."""
    deciles = sorted({int(name) for curve in curves.values() for name in curve if name != COLD})
    ends = {deciles[0], deciles[-1]} if deciles else set()
    named = {d: str(d) if d in _LABELLED or d in ends else "" for d in deciles}
    places = {_PLACE: UNSEEN_LABEL} if unseen else {}
    places |= {float(decile): text for decile, text in named.items()}
    axes.set_xticks(list(places), list(places.values()))
