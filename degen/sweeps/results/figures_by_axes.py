"""Figures of a study, chosen by its axes.

    no axis       bars of the variants                         bars-<dataset>
    one axis      a panel per metric, a line per variant       curve-<axis>-<dataset>, -validation, -geometry
    two axes      a heat map per metric, for each variant      heat-map-<dataset>-<variant>, -geometry

An axis is numeric. Settings in words (`similarity`) name a series, as the variant does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.analysis.statistics.flatness import pooled_deviation
from degen.analysis.values import Undefined
from degen.files.writing import file_names
from degen.plots.save import save_figure
from degen.plots.style import figure_style, figure_width
from degen.plots.sweeps.bars import bars_figure
from degen.plots.sweeps.heat_maps import HeatPanel, heat_map_figure
from degen.plots.sweeps.sensitivity import AxisScale, CurveNotes, Scale, sensitivity_figure
from degen.runs.choose import setting_title
from degen.sweeps.results.summary import cell_name, interval_over_seeds

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

GEOMETRY_TITLES = {
    "sigma2_ratio": r"$\sigma_2 / \sigma_1$",
    "average_cosine": "average cosine",
    "effective_rank": "effective rank",
}
_LOGARITHMIC = {"batch_size", "temperature", "learning_rate", "item_learning_rate", "negatives"}
_FEW = 8
"""Number of values up to which an axis is drawn with equal distances, as in the paper."""


@dataclass
class DrawnStudy:
    """The figures written, and notes on those that were not drawn."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def draw_study(
    results: pd.DataFrame,
    axes: Mapping[str, str],
    metrics: Sequence[str],
    folder: Path,
    figure: str | None = None,
) -> DrawnStudy:
    """Draw what suits the axes of a study into `folder`, as PDF and PNG.

    Parameters
    ----------
    results
        rows of `results.csv`.
    axes
        columns of the axes that vary, each with its key.
    metrics
        ranking metrics to draw.
    figure
        `table`, `svd` and `trajectory` are no figures of a study, and draw nothing.
    """
    drawn = DrawnStudy()
    if figure in ("table", "svd", "trajectory"):
        return drawn
    numeric = {name: key for name, key in axes.items() if _numeric(results[name])}
    words = {name: key for name, key in axes.items() if name not in numeric}
    if len(numeric) > 2:
        drawn.notes.append(f"no figure for {len(numeric)} axes ({', '.join(numeric)}): see results.csv")
        return drawn
    shown = [metric for metric in metrics if f"test_{metric}" in results]
    with figure_style():
        for stem, title, made in _figures(_with_series(results, words), numeric, shown, drawn.notes):
            caption = "Test metrics at the best validation epoch."
            drawn.files += save_figure(made, folder / stem, title=title, caption=caption)
    return drawn


def _with_series(results: pd.DataFrame, words: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows with the name of their series, the variant with its settings in words."""
    names = [cell_name({str(key): row[key] for key in row}, words) for row in results.to_dict("records")]
    return results.assign(series=names)


def _figures(
    results: pd.DataFrame, axes: Mapping[str, str], metrics: Sequence[str], notes: list[str]
) -> Iterator[tuple[str, str, Figure]]:
    """Yield the stem, the title and the figure of everything that is drawn."""
    datasets = {str(name): rows for name, rows in results.groupby("dataset", sort=False)}
    if len(axes) == 1 and len(datasets) > 1 and results[results["control"] == ""]["series"].nunique() == 1:
        controls = results["control"] != ""
        names = results["dataset"].where(~controls, results["series"] + " " + results["dataset"])
        datasets = {"all": results.assign(series=names)}
    for dataset, rows in zip(file_names(datasets), datasets.values(), strict=True):
        if not axes:
            panels = {f"test_{metric}": metric for metric in metrics[:2]}
            width = figure_width("column")
            made = bars_figure(rows, panels, width=width, interval=interval_over_seeds)
            yield f"bars-{dataset}", f"Variants: {dataset}", made
        elif len(axes) == 1:
            yield from _curves(dataset, rows, next(iter(axes.items())), metrics)
        else:
            yield from _heat_maps(dataset, rows, axes, metrics, notes)


def _curves(
    dataset: str, rows: pd.DataFrame, axis: tuple[str, str], metrics: Sequence[str]
) -> Iterator[tuple[str, str, Figure]]:
    column, key = axis
    name = key.rpartition(".")[2]
    scale = AxisScale(column, _axis_label(key), _scale(name, rows[column]))
    epochs = sorted(rows["common_epoch"].dropna().astype(int).unique().tolist())
    thin = f"at epoch {epochs[0]}" if len(epochs) == 1 else "at a common epoch"
    parts = {
        "": ("test", {f"test_{m}": m for m in metrics}, {}),
        "-validation": (
            "validation",
            {f"valid_{m}": m for m in metrics},
            {f"valid_{m}": f"common_valid_{m}" for m in metrics},
        ),
        "-geometry": (
            "item embeddings",
            {f"best_{m}": title for m, title in GEOMETRY_TITLES.items() if rows[f"best_{m}"].notna().any()},
            {f"best_{m}": f"common_{m}" for m in GEOMETRY_TITLES},
        ),
    }
    for suffix, (what, panels, common) in parts.items():
        if panels:
            width = figure_width("column" if len(panels) < 3 else "text")
            extra = CurveNotes(common, thin)
            made = sensitivity_figure(
                rows, scale, panels, width=width, interval=interval_over_seeds, extra=extra
            )
            yield f"curve-{column}-{dataset}{suffix}", f"{name}: {dataset}, {what}", made


def _heat_maps(
    dataset: str, rows: pd.DataFrame, axes: Mapping[str, str], metrics: Sequence[str], notes: list[str]
) -> Iterator[tuple[str, str, Figure]]:
    (up, up_key), (across, across_key) = axes.items()
    places = ((across, _axis_label(across_key)), (up, _axis_label(up_key)))
    cells = rows[(rows["control"] == "") & rows[across].notna() & rows[up].notna()]
    accuracy = [m for m in ("HR@5", "HR@10") if m in metrics] or list(metrics[:2])
    for series, members in cells.groupby("series", sort=False):
        filled = len(members.drop_duplicates([across, up]))
        if 2 * filled < members[across].nunique() * members[up].nunique():
            notes.append(f"{series} on {dataset}: {filled} cells fill less than half of a heat map")
            continue
        settings: dict[str, Any] = {"width": figure_width("text")}
        panels = [
            _heat_panel(cells, members, f"test_{metric}", f"{metric} (%)", percent=True)
            for metric in accuracy
        ]
        (stem,) = file_names([f"heat-map-{dataset}-{series}"])
        title = f"{up} and {across}: {series}, {dataset}"
        yield stem, title, heat_map_figure(members, *places, panels, **settings)
        known = [m for m in ("sigma2_ratio", "average_cosine") if members[f"best_{m}"].notna().any()]
        if known:
            panels = [_heat_panel(cells, members, f"best_{m}", GEOMETRY_TITLES[m], best=None) for m in known]
            made = heat_map_figure(members, *places, panels, **settings)
            yield f"{stem}-geometry", f"{title}, geometry", made


def _heat_panel(
    cells: pd.DataFrame, members: pd.DataFrame, column: str, title: str, **look: Any
) -> HeatPanel:
    """Return a panel whose colour scale all series of the dataset share, with the noise of its own seeds."""
    means = cells.groupby(["series", "cell"])[column].mean()
    samples = [values.dropna().tolist() for _, values in members.groupby("cell")[column]]
    try:
        deviation = pooled_deviation(samples)[0]
    except Undefined:
        deviation = None
    return HeatPanel(column, title, limits=(means.min(), means.max()), deviation=deviation, **look)


def _numeric(values: pd.Series[Any]) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(values) and not is_bool_dtype(values)


def _axis_label(key: str) -> str:
    """Return the symbol of a key of the configuration, or the key in words."""
    name = key.rpartition(".")[2]
    title = setting_title(name)
    return title if title != name else name.replace("_", " ")


def _scale(key: str, values: pd.Series[Any]) -> Scale:
    known = values.dropna()
    if key in _LOGARITHMIC and (known > 0).all():
        return "log"
    return "categories" if known.nunique() <= _FEW else "linear"
