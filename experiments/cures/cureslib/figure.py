"""Figure of accuracy against isotropy: one row of panels per dataset, every point named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cureslib.methods import AFTERWARDS, KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

Row = dict[str, Any]

PARTS = ("all", "head", "tail")
ACROSS = {"average_cosine": "average cosine of items", "effective_rank": "effective rank of items"}
"""Measures that can lie across, with their names at the axis."""

LOOKS = dict(
    zip(
        KINDS,
        (
            ("#000000", "o"),
            ("#0072B2", "P"),
            ("#009E73", "s"),
            ("#D55E00", "^"),
            ("#CC79A7", "v"),
            ("#000000", "D"),
        ),
        strict=True,
    )
)
"""Colour and marker of each kind; what is done after training has hollow markers."""

_SHORT = {"all-but-the-top": "all-but-top", "item-uniformity": "item-unif."}
_CLEAR = 2.0  # points between a name and what is beside it


def draw(figure: Figure, summaries: Sequence[Row], across: str) -> None:
    """Draw all datasets into an empty figure with constrained layout; the names come with `name_points`.

    `across` is a key of `ACROSS`.
    """
    datasets = list(dict.fromkeys(row["dataset"] for row in summaries))
    grid = figure.subplots(len(datasets), len(PARTS), squeeze=False, sharex="row")
    for panels, dataset in zip(grid, datasets, strict=True):
        own = [row for row in summaries if row["dataset"] == dataset]
        for axes, part in zip(panels, PARTS, strict=True):
            _panel(axes, own, across, f"NDCG@10_{part}")
            axes.set_title(f"{dataset}, {'all targets' if part == 'all' else part}", loc="left")
        panels[0].set_ylabel("NDCG@10")
    for axes in grid[-1]:
        axes.set_xlabel(ACROSS[across])
    handles = {axes_handle.get_label(): axes_handle for axes_handle in grid[0, 0].collections}
    figure.legend(
        handles=[handles[kind] for kind in KINDS if kind in handles],
        loc="outside lower center",
        ncols=len(KINDS),
    )


def _panel(axes: Axes, rows: Sequence[Row], across: str, up: str) -> None:
    drawn = [row for row in rows if row[up] is not None]
    for kind in KINDS:
        own = [row for row in drawn if row["kind"] == kind]
        color, marker = LOOKS[kind]
        if not own:
            continue
        x, y = [row[across] for row in own], [row[up] for row in own]
        face = "none" if kind == AFTERWARDS else color
        axes.scatter(
            x, y, s=12, marker=marker, facecolors=face, edgecolors=color, linewidths=0.8, label=kind, zorder=3
        )
        if any(row[f"{up}_half"] is not None for row in own):
            halves = [[row[f"{key}_half"] or 0 for row in own] for key in (across, up)]
            axes.errorbar(
                x, y, xerr=halves[0], yerr=halves[1], fmt="none", ecolor=color, elinewidth=0.5, alpha=0.6
            )
    for row in drawn:
        name = str(row["method"])
        place = (row[across], row[up])
        axes.annotate(_SHORT.get(name, name), place, fontsize=6, ha="center", va="center")
    axes.margins(0.14, 0.14)
    axes.spines[["top", "right"]].set_visible(False)


def name_points(axes: Axes) -> None:
    """Move every name beside its point, where it covers neither a point nor another name.

    Call once the layout is settled. Of the places around the point, near ones first, the first free one is
    taken, or the one that covers least; a name that is not next to its point is joined to it by a line.
    """
    from matplotlib.transforms import Bbox

    pixel = axes.figure.dpi / 72
    points = [axes.transData.transform(text.xy) for text in axes.texts]  # type: ignore[attr-defined]
    taken = [Bbox.from_bounds(x - 2.5 * pixel, y - 2.5 * pixel, 5 * pixel, 5 * pixel) for x, y in points]
    inside = axes.get_window_extent()
    for text, point in zip(axes.texts, points, strict=True):
        size = text.get_window_extent()
        best = min(
            _places(point, size.width, size.height, pixel),
            key=lambda place: (_covered(place[1], taken, inside), place[0]),
        )
        distance, box = best
        taken.append(box.padded(1.5 * pixel, 0))  # a space between neighbours on one line
        middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        x, y = axes.transData.inverted().transform(middle)
        text.set_position((float(x), float(y)))
        if distance > 0:
            _join(axes, point, box)


def _places(point: Any, width: float, height: float, pixel: float) -> Iterator[tuple[int, Bbox]]:
    """Yield boxes of a name around a point, each with its ring, from near to far."""
    from matplotlib.transforms import Bbox

    for ring in range(7):
        for step in range(16):
            angle = 2 * math.pi * step / 16
            reach = (3 + _CLEAR + 5 * ring) * pixel
            x = point[0] + math.cos(angle) * (reach + width / 2)
            y = point[1] + math.sin(angle) * (reach + height / 2)
            yield ring, Bbox.from_bounds(x - width / 2, y - height / 2, width, height)


def _covered(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """Return how much of `taken`, and of what lies outside the panel, a box would cover, in square pixels."""
    total = (
        0.0 if inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1) else box.width * box.height
    )
    for other in taken:
        across, up = (
            min(box.x1, other.x1) - max(box.x0, other.x0),
            min(box.y1, other.y1) - max(box.y0, other.y0),
        )
        total += max(across, 0) * max(up, 0)
    return total


def _join(axes: Axes, point: Any, box: Bbox) -> None:
    nearest = min(max(point[0], box.x0), box.x1), min(max(point[1], box.y0), box.y1)
    ends = axes.transData.inverted().transform([point, nearest])
    axes.plot(*ends.T, color="#9A9A9A", linewidth=0.4, zorder=1, scalex=False, scaley=False)


def write_figure(summaries: Sequence[Row], stem: Path, across: str = "average_cosine") -> list[Path]:
    """Write the figure as PDF and PNG, and its numbers as CSV, and return the paths."""
    from matplotlib.figure import Figure

    from degen.plots.save import save_figure
    from degen.plots.style import figure_style, figure_width
    from degen.tables.csv_file import write_columns

    keys = [*ACROSS, *(f"NDCG@10_{part}" for part in PARTS)]
    columns = {name: [row[name] for row in summaries] for name in ("dataset", "method", "kind", "seeds")}
    columns |= {name: [row[name] for row in summaries] for key in keys for name in (key, f"{key}_half")}
    rows = len(dict.fromkeys(columns["dataset"]))
    with figure_style("paper"):
        figure = Figure(figsize=(figure_width("text"), 0.4 + 2.1 * rows), layout="constrained")
        draw(figure, summaries, across)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axes in figure.axes:
            name_points(axes)
        paths = save_figure(
            figure, stem, title="degen: accuracy against isotropy of items, cures side by side"
        )
    return [*paths, write_columns(stem.with_suffix(".csv"), columns)]
