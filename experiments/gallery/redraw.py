"""Draw figures of `figures/` again whose numbers lie beside them as CSV, without the runs behind them.

    python experiments/gallery/redraw.py

draws `uniformity-*`, `dynamics-*`, `compare-*-spectra`, `compare-*-popularity` and `spectra-*`. Figures of
clouds need the items themselves. `experiments/cures`, `experiments/mechanism` and `experiments/bench` draw
their own figures again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from degen.files.outputs import replacing
from degen.plots.panels import ARROWS, epochs_figure, spectra_figure
from degen.plots.profiles import COLD, profiles_figure
from degen.plots.save import save_figure
from degen.plots.style import figure_style, figure_width
from degen.plots.trajectory_figure import TrajectoryPanel, trajectory_figure
from degen.studies.compare_figures import profile_title
from degen.studies.over_epochs.dynamics import quantity_title
from degen.variant_names import variant_label

FIGURES = Path(__file__).parents[2] / "figures"
LOGS = ("beauty", "clothing", "sports", "yelp")

Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a CSV file, numbers as numbers and empty cells as None."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _value(text: str) -> Any:
    with suppress(ValueError):
        return float(text)
    return text or None


def by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    """Return the rows by the value of a key, in the order in which the values come."""
    return {str(value): list(several) for value, several in groupby(rows, key=lambda row: row[key])}


def uniformity(table: Path) -> Iterator[Path]:
    """Draw Fig. 5 of a table of trajectories."""
    rows = rows_of(table)
    tracks = by(rows, "variant")
    moving = {name: own for name, own in tracks.items() if any(row["alignment"] is not None for row in own)}
    still = ", ".join(variant_label(name) for name in tracks if name not in moving)
    figure = trajectory_figure(
        [TrajectoryPanel(variant_label(name), own) for name, own in moving.items()],
        width=figure_width("text" if len(moving) > 2 else "column"),
        definition=rows[0]["definition"],
        note=f"Not shown: {still}, which contrasts no pair." if still else "",
    )
    yield from save_figure(figure, table.with_suffix(""), title=f"Alignment and uniformity: {table.stem}")


def dynamics(table: Path) -> Iterator[Path]:
    """Draw measures over epochs."""
    rows = rows_of(table)
    titles = {
        key: quantity_title(key) for key in rows[0] if key not in ("dataset", "variant", "seed", "epoch")
    }
    figure = epochs_figure(
        {name: [own] for name, own in by(rows, "variant").items()},
        titles,
        width=figure_width("text"),
        note=ARROWS,
    )
    yield from save_figure(figure, table.with_suffix(""), title=f"Dynamics: {table.stem}")


def spectra(table: Path) -> Iterator[Path]:
    """Draw normalized singular values, as they are and minus the mean."""
    own = by(rows_of(table), "name")
    curves = {
        title: {name: np.array([row[key] for row in rows]) for name, rows in own.items()}
        for title, key in (("singular values", "normalized"), ("minus the mean", "normalized_centered"))
    }
    figure = spectra_figure(curves, width=figure_width("column"))
    yield from save_figure(figure, table.with_suffix(""), title=f"Singular values: {table.stem}")


def popularity(table: Path) -> Iterator[Path]:
    """Draw measures by deciles of the items."""
    curves: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in rows_of(table):
        bucket = row["bucket"] if isinstance(row["bucket"], str) else f"{row['bucket']:.0f}"
        if bucket == COLD or bucket.isdigit():
            drawn = curves.setdefault(row["profile"], {}).setdefault(row["name"], {})
            drawn[bucket] = [row["value"]]
    shown = ("average_cosine", "norm_mean", "cone_angle_mean", "first_direction_share")
    figure = profiles_figure(
        {profile_title(name): curves[name] for name in shown}, width=figure_width("column"), note=ARROWS
    )
    yield from save_figure(figure, table.with_suffix(""), title=f"By popularity: {table.stem}")


def all_spectra(stem: Path, tables: Sequence[Path]) -> Iterator[Path]:
    """Draw the singular values of several logs, a panel each."""
    panels = {
        table.stem.split("-")[1].capitalize(): {
            name: np.array([row["normalized"] for row in rows])
            for name, rows in by(rows_of(table), "name").items()
        }
        for table in tables
    }
    width = figure_width("text" if len(panels) > 1 else "column")
    figure = spectra_figure(panels, width=width, note="One seed. Items at the best epoch of validation.")
    yield from save_figure(figure, stem, title=f"Normalized singular values: {stem.name}")


def main(words: Sequence[str] | None = None) -> None:
    """Parse and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FIGURES, help="of the tables and figures")
    folder = parser.parse_args(words).folder
    kinds = {
        "uniformity-*.csv": uniformity,
        "dynamics-*.csv": dynamics,
        "compare-*-spectra.csv": spectra,
        "compare-*-popularity.csv": popularity,
    }
    with figure_style("paper"), replacing(force=True):
        for pattern, draw in kinds.items():
            for table in sorted(folder.glob(pattern)):
                print(*draw(table), sep="\n")
        for recipe in ("official", "paper"):
            tables = [folder / f"spectra-{log}-{recipe}.csv" for log in LOGS]
            if there := [table for table in tables if table.exists()]:
                print(*all_spectra(folder / f"spectra-{recipe}", there), sep="\n")


if __name__ == "__main__":
    main()
