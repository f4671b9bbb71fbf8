"""Summary of a study: a mean per cell and metric, with its 95 % interval over seeds.

The interval is Student's t. A cell with one seed has a value and no interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.statistics.significance import t_contrast
from degen.runs.choose import setting_text, setting_title, setting_value
from degen.tables.numbers import NOTHING, number
from degen.tables.table import Cell, Column, Table, fitting
from degen.variant_names import variant_label

if TYPE_CHECKING:
    import pandas as pd

IDENTITY = ("study", "dataset", "variant", "control", "cell")


def interval_over_seeds(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Return the ends of the interval of the mean of two or more values, by Student's t."""
    return t_contrast([np.asarray(values, dtype=np.float64)], [1.0], level).interval


def summarize(results: pd.DataFrame, axes: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Return a row per cell and metric, in the order of `results`.

    Parameters
    ----------
    results
        as `results.csv`; its rows may come from several datasets and studies.
    axes, metrics
        columns of the axes and of the values; a seed without a value of a metric does not count there.

    Returns
    -------
    With `IDENTITY`, the axes, `metric`, `n`, `mean`, `sd`, `low`, `high`, `half_width`, and the number of
    seeds that ended at their limit of epochs as `capped`. What one seed cannot tell is NaN.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for _, members in results.groupby(["dataset", "cell", "control"], sort=False, dropna=False):
        first = members.iloc[0]
        about = {key: first[key] for key in (*IDENTITY, *axes)}
        capped = int(members["capped"].sum())
        for metric in metrics:
            values = members[metric].dropna().to_numpy(dtype=np.float64)
            if len(values):
                rows.append(about | {"metric": metric} | _moments(values) | {"capped": capped})
    columns = [*IDENTITY, *axes, "metric", "n", "mean", "sd", "low", "high", "half_width", "capped"]
    return pd.DataFrame(rows, columns=columns)


def _moments(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    mean = float(values.mean())
    if len(values) == 1:
        return {"n": 1, "mean": mean, **dict.fromkeys(("sd", "low", "high", "half_width"), math.nan)}
    low, high = interval_over_seeds(values.tolist())
    spread = {"sd": float(values.std(ddof=1)), "low": low, "high": high, "half_width": (high - low) / 2}
    return {"n": len(values), "mean": mean, **spread}


def free_axes(results: pd.DataFrame, axes: Mapping[str, str]) -> dict[str, str]:
    """Return the axes that vary, without those whose value follows from the axes before them.

    Cells of controls do not count, nor cells without a value on an axis.
    """
    cells = results[results["control"] == ""]
    kept: dict[str, str] = {}
    for column, key in axes.items():
        known = cells[cells[column].notna()]
        before = len(known.drop_duplicates(list(kept))) if kept else min(len(known), 1)
        if len(known.drop_duplicates([*kept, column])) > before:
            kept[column] = key
    return kept


def cell_name(row: Mapping[str, Any], axes: Mapping[str, str]) -> str:
    """Return the name of a cell: variant, and its values on the axes, such as `duorec λ 0.02`."""
    settings = {key: row[column] for column, key in axes.items() if row[column] == row[column]}
    known = {key: value for key, value in settings.items() if value is not None}
    texts = [setting_text(key.rpartition(".")[2], _whole(value)) for key, value in known.items()]
    return f"{row['variant']} {', '.join(texts)}".rstrip()


def _whole(value: Any) -> Any:
    """Return a number as it was typed: a column with gaps holds whole numbers as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def summary_table(
    summary: pd.DataFrame, axes: Mapping[str, str], metrics: Sequence[str], width: int | None = 80
) -> Table:
    """Return a table with a row per cell and a column per test metric: mean ± half of the 95 % interval.

    As many of `metrics` are shown as fit into `width` characters, at least one; None shows all.
    """
    cells: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in summary.to_dict("records"):
        key = (row["dataset"], row["cell"], row["control"])
        cells.setdefault(key, {"row": row})[row["metric"]] = row
    labels = {name: [_labels(cell["row"], axes)[name] for cell in cells.values()] for name in _headings(axes)}
    if len({dataset for dataset, _, _ in cells}) > 1:
        labels = {"dataset": [dataset for dataset, _, _ in cells], **labels}
    labels["seeds"] = [str(int(cell["row"]["n"])) for cell in cells.values()]
    texts = {m: [_mean(cell.get(f"test_{m}")) for cell in cells.values()] for m in metrics}
    lines = [(*name.split("\n"), *column) for name, column in (labels | texts).items()]
    shown = list(texts)[: fitting(lines, width, len(labels) + 1) - len(labels)]
    columns = [Column(name, "text") for name in labels] + [Column(metric) for metric in shown]
    rows = [
        [Cell(text) for text in line]
        for line in zip(*labels.values(), *(texts[m] for m in shown), strict=True)
    ]
    note = "test metrics at the best validation epoch" + _of_intervals(texts, summary["n"])
    if any(cell["row"]["capped"] for cell in cells.values()):
        note += "\n* ended at the maximum number of epochs"
    if left := [metric for metric in metrics if metric not in shown]:
        note += f"\n{', '.join(left)} would not fit: see summary.csv"
    caption = "" if "dataset" in labels else next(iter(cells), ("",))[0]
    return Table("summary", caption, columns, rows, note)


def _of_intervals(texts: Mapping[str, Sequence[str]], seeds: Iterable[int]) -> str:
    """Return the line that says what stands after ±; empty where nothing does."""
    if not any("±" in text for several in texts.values() for text in several):
        return ""
    wide = "; with 2 seeds it is very wide: use 3 or more" if 2 in set(seeds) else ""
    return f"\n± half of the 95 % interval over seeds (Student's t){wide}"


def _headings(axes: Mapping[str, str]) -> list[str]:
    return ["variant", *(setting_title(key.rpartition(".")[2]).replace("_", "\n") for key in axes.values())]


def _labels(row: Mapping[str, Any], axes: Mapping[str, str]) -> dict[str, str]:
    """Return the variant of a cell, and its value on each axis, by their headings."""
    name = variant_label(row["variant"]) + (" (control)" if row["control"] else "")
    values = [row[column] for column in axes]
    texts = [setting_value("", _whole(value)) if value == value else NOTHING for value in values]
    return dict(zip(_headings(axes), [name + ("*" if row["capped"] else ""), *texts], strict=True))


def _mean(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NOTHING
    if row["n"] == 1 or not row["half_width"]:
        return f"{row['mean']:.4f}" if abs(row["mean"]) < 10 else number(row["mean"])
    return f"{row['mean']:.4f} ± {row['half_width']:.4f}"
