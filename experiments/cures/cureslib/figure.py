"""Figure of accuracy against isotropy: one row of panels per dataset, below a legend of methods by kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cureslib.methods import AFTERWARDS, KINDS
from degen.plots.layout import fit_height, panel_grid
from degen.plots.marks.letters import lettered, write_note
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = dict[str, Any]

PARTS = {"all": "all targets", "head": "frequent targets", "tail": "rare targets"}
"""Parts of the test targets by the frequency of their items, and what they are called."""

ACROSS = {"average_cosine": "average cosine of items", "effective_rank": "effective rank of items"}
"""Measures that can lie across, with their names at the axis."""

COLORS = dict(zip(KINDS, ("#000000", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#000000"), strict=True))
"""Colour of each kind; what is done after training has hollow markers."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")  # of the methods of a kind
_NAMES = {"sgd": "SGD", "eps-1e-4": "Adam, ε 0.0001"}
_USERS = "Bars in panels of all targets: two standard errors of the difference to SASRec, paired over users."
_SEEDS = "Bars: 95 % intervals of the mean over seeds."
_ONE_SEED = "One seed."
_SHAPE = 0.85  # height over width of a panel


def accuracy_figure(summaries: Sequence[Row], across: str, *, width: float) -> Figure:
    """Return the figure of all datasets; `across` is a key of `ACROSS`, `width` is in inches."""
    datasets = list(dict.fromkeys(row["dataset"] for row in summaries))
    figure, grid = panel_grid(width, len(datasets) * len(PARTS), len(PARTS))
    panels = [(dataset, part) for dataset in datasets for part in PARTS]
    looks = _looks(summaries)
    titles = lettered(f"{dataset.capitalize()}, {PARTS[part]}" for dataset, part in panels)
    for axes, (dataset, part), title in zip(grid, panels, titles, strict=True):
        own = [row for row in summaries if row["dataset"] == dataset]
        _panel(axes, own, across, f"NDCG@10_{part}", looks)
        axes.set_title(title, loc="left")
    for axes in grid[:: len(PARTS)]:
        axes.set_ylabel("NDCG@10")
    for axes in grid[-len(PARTS) :]:
        axes.set_xlabel(ACROSS[across])
    several = any(row["seeds"] > 1 for row in summaries)
    users = any(row["difference_se"] for row in summaries)
    write_note(figure, _SEEDS if several else _ONE_SEED, _USERS if users and not several else "")
    _legend(figure, looks)
    fit_height(figure, grid[0], _SHAPE)
    return figure


def _looks(summaries: Sequence[Row]) -> dict[str, tuple[str, str, str]]:
    """Return the kind, the colour and the marker of each method, in the order of kinds."""
    looks = {}
    for kind in KINDS:
        methods = dict.fromkeys(row["method"] for row in summaries if row["kind"] == kind)
        for marker, method in zip(_MARKERS, methods, strict=False):
            looks[str(method)] = (kind, COLORS[kind], marker)
    return looks


def _panel(
    axes: Axes, rows: Sequence[Row], across: str, up: str, looks: dict[str, tuple[str, str, str]]
) -> None:
    for row in rows:
        if row[up] is None:
            continue
        kind, color, marker = looks[row["method"]]
        half = row[f"{up}_half"]
        if half is None and up.endswith("_all") and row["difference_se"]:
            half = 2 * row["difference_se"]
        face = "none" if kind == AFTERWARDS else color
        axes.errorbar(
            row[across],
            row[up],
            xerr=row[f"{across}_half"],
            yerr=half,
            color=color,
            marker=marker,
            markersize=3.6,
            markerfacecolor=face,
            markeredgewidth=0.8,
            elinewidth=0.7,
            linestyle="none",
            label=row["method"],
        )
    axes.margins(0.06, 0.1)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure, looks: dict[str, tuple[str, str, str]]) -> None:
    """Name the methods above the panels, a column for each kind under its name."""
    from matplotlib.lines import Line2D

    columns = {
        kind: [method for method, look in looks.items() if look[0] == kind]
        for kind in dict.fromkeys(kind for kind, *_ in looks.values())
    }
    longest = max(map(len, columns.values()))
    handles = []
    for kind, methods in columns.items():
        handles.append(Line2D([], [], linestyle="none", label=kind))
        for method in methods:
            _, color, marker = looks[method]
            face = "none" if kind == AFTERWARDS else color
            style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 3.6}
            label = _NAMES.get(method, variant_label(method))
            handles.append(Line2D([], [], linestyle="none", markerfacecolor=face, label=label, **style))
        handles += [Line2D([], [], linestyle="none", label=" ")] * (longest - len(methods))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(columns),
        handlelength=1,
        handletextpad=0.4,
        columnspacing=1.2,
        labelspacing=0.3,
    )


def write_figure(summaries: Sequence[Row], stem: Path, across: str = "average_cosine") -> list[Path]:
    """Write the figure as PDF and PNG, and its numbers as CSV, and return the paths."""
    from degen.plots.save import save_figure
    from degen.plots.style import figure_style, figure_width
    from degen.tables.csv_file import write_columns

    keys = [*ACROSS, *(f"NDCG@10_{part}" for part in PARTS)]
    columns = {name: [row[name] for row in summaries] for name in ("dataset", "method", "kind", "seeds")}
    columns |= {name: [row[name] for row in summaries] for key in keys for name in (key, f"{key}_half")}
    columns["difference_se"] = [row["difference_se"] for row in summaries]
    with figure_style("paper"):
        figure = accuracy_figure(summaries, across, width=figure_width("text"))
        title = "degen: accuracy against isotropy of items, mitigations side by side"
        paths = save_figure(figure, stem, title=title)
    return [*paths, write_columns(stem.with_suffix(".csv"), columns)]
