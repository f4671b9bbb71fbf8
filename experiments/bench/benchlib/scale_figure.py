"""Figure of seconds and peak memory against size, one column wide: one row of two panels per kind of size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

from benchlib.scale import Points, series
from degen.plots.marks.letters import lettered
from degen.plots.panels import plain_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Slopes = Mapping[str, Mapping[str, float]]

VALUES = {"seconds": ("seconds", 1.0), "peak_mb": ("peak memory, GB", 1e-3)}
STYLES = {
    "items/ce": ("#0072B2", "-", "o"),
    "items/sampled": ("#E69F00", (0, (4, 1)), "s"),
    "interactions/prepare": ("#000000", "-", "^"),
    "interactions/step": ("#0072B2", "-", "o"),
    "rows/degen": ("#0072B2", "-", "o"),
    "rows/svd": ("#E69F00", (0, (4, 1)), "s"),
    "rows/textbook": ("#000000", (0, (1, 1)), "^"),
}


def draw_scale(figure: Figure, points: Points, lines: Mapping[str, str]) -> None:
    """Draw all lines that have points into an empty figure, on log-log axes between powers of ten."""
    axes = list(dict.fromkeys(line.partition("/")[0] for line in lines))
    letters = iter(lettered([""] * (2 * len(axes))))
    size = matplotlib.rcParams["legend.fontsize"]
    rows: Any = figure.subfigures(len(axes), 1, squeeze=False)[:, 0]
    for row, axis in zip(rows, axes, strict=True):
        panels = row.subplots(1, 2)
        for panel, (value, (label, scale)) in zip(panels, VALUES.items(), strict=True):
            own = {line: name for line, name in lines.items() if line.startswith(f"{axis}/")}
            _panel(panel, own, value, scale, points)
            panel.set_xlabel(axis)
            panel.set_title(f"{next(letters)} {label}", loc="left", fontsize=size)
        if panels[0].lines:
            row.legend(handles=panels[0].lines, loc="outside upper center", ncols=2)


def _panel(axes: Axes, lines: Mapping[str, str], value: str, scale: float, points: Points) -> None:
    from matplotlib.ticker import EngFormatter

    heights: list[float] = []
    for line, name in lines.items():
        if drawn := series(points, line):
            color, dashes, marker = STYLES[line]
            sizes, values = [size for size, _ in drawn], [point[value] * scale for _, point in drawn]
            label = name.replace("`", "")
            dashes = dashes if len(sizes) > 1 else "none"
            axes.plot(sizes, values, color=color, linestyle=dashes, marker=marker, label=label)
            heights += values
    if heights:
        axes.set_ylim(10 ** math.floor(math.log10(min(heights))), 10 ** math.ceil(math.log10(max(heights))))
    for which in "xy":
        plain_log(axes, which)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.spines[["top", "right"]].set_visible(False)


def write_figure(
    points: Points, slopes: Slopes, stem: Path, lines: Mapping[str, str], title: str
) -> list[Path]:
    """Write the figure as PDF and PNG, its numbers and its lines' slopes as CSV, and return the paths."""
    from matplotlib.figure import Figure

    from degen.plots.save import save_figure
    from degen.plots.style import figure_style, figure_width
    from degen.tables.csv_file import write_columns

    rows = [(line, size, point) for line in lines for size, point in series(points, line)]
    columns: dict[str, Sequence[Any]] = {
        "line": [line for line, _, _ in rows],
        "size": [size for _, size, _ in rows],
        "seconds": [float(point["seconds"]) for _, _, point in rows],
        "peak_mb": [float(point["peak_mb"]) for _, _, point in rows],
    }
    with figure_style("paper"):
        height = 0.6 + 1.2 * len({line.partition("/")[0] for line in lines})
        figure = Figure(figsize=(figure_width("column"), height), layout="constrained")
        draw_scale(figure, points, lines)
        paths = save_figure(figure, stem, title=title)
    steep: dict[str, Sequence[Any]] = {
        "line": list(slopes),
        "seconds": [found["seconds"] for found in slopes.values()],
        "peak_mb": [found["peak_mb"] for found in slopes.values()],
    }
    tables = {stem.with_suffix(".csv"): columns, stem.with_name(f"{stem.name}-slopes.csv"): steep}
    return [*paths, *(write_columns(path, table) for path, table in tables.items())]
