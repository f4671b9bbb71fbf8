"""Draw figures of `figures/` again whose numbers lie beside them as CSV, without the runs behind them.

    python experiments/gallery/redraw.py

draws `uniformity-*`, `dynamics-*`, `compare-*-spectra`, `compare-*-popularity` and `spectra-*`. Figures of
clouds need the items themselves. `experiments/cures`, `experiments/mechanism` and `experiments/bench` draw
their own figures again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
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
from degen.studies.compare_figures import SPECTRA, profile_title
from degen.studies.comparing.compare_paths import SHOWN
from degen.studies.over_epochs.dynamics import explained, quantity_title
from degen.studies.over_epochs.uniformity import not_shown
from degen.tables.csv_file import read_rows
from degen.variant_names import variant_label

FIGURES = Path(__file__).parents[2] / "figures"
LOGS = ("beauty", "clothing", "sports", "yelp")

Row = dict[str, Any]


def by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    """Return the rows by the value of a key, in the order in which the values come."""
    return {str(value): list(several) for value, several in groupby(rows, key=lambda row: row[key])}


def uniformity(table: Path) -> Iterator[Path]:
    """Draw Fig. 5 of a table of trajectories."""
    rows = read_rows(table)
    tracks = by(rows, "variant")
    moving = {name: own for name, own in tracks.items() if any(row["alignment"] is not None for row in own)}
    figure = trajectory_figure(
        [TrajectoryPanel(variant_label(name), own) for name, own in moving.items()],
        width=figure_width("text" if len(moving) > 2 else "column"),
        definition=rows[0]["definition"],
        note=not_shown(name for name in tracks if name not in moving),
    )
    yield from save_figure(figure, table.with_suffix(""), title=f"Alignment and uniformity: {table.stem}")


def dynamics(table: Path) -> Iterator[Path]:
    """Draw measures over epochs."""
    rows = read_rows(table)
    titles = {
        key: quantity_title(key) for key in rows[0] if key not in ("dataset", "variant", "seed", "epoch")
    }
    figure = epochs_figure(
        {name: [own] for name, own in by(rows, "variant").items()},
        titles,
        width=figure_width("text"),
        note=explained(titles, table.stem.split("-")[2]),  # the recipe is the definition's name
    )
    yield from save_figure(figure, table.with_suffix(""), title=f"Dynamics: {table.stem}")


def spectra(table: Path) -> Iterator[Path]:
    """Draw normalized singular values, as they are and minus the mean."""
    own = by(read_rows(table), "name")
    curves = {
        title: {name: np.array([row[key] for row in rows]) for name, rows in own.items()}
        for title, key in zip(SPECTRA, ("normalized", "normalized_centered"), strict=True)
    }
    figure = spectra_figure(curves, width=figure_width("column"))
    yield from save_figure(figure, table.with_suffix(""), title=f"Singular values: {table.stem}")


def popularity(table: Path) -> Iterator[Path]:
    """Draw measures by deciles of the items."""
    curves: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in read_rows(table):
        bucket = str(row["bucket"])
        if bucket == COLD or bucket.isdigit():
            drawn = curves.setdefault(row["profile"], {}).setdefault(row["name"], {})
            drawn[bucket] = [row["value"]]
    figure = profiles_figure(
        {profile_title(name): curves[name] for name in SHOWN}, width=figure_width("column"), note=ARROWS
    )
    yield from save_figure(figure, table.with_suffix(""), title=f"By popularity: {table.stem}")


def all_spectra(stem: Path, tables: Sequence[Path]) -> Iterator[Path]:
    """Draw the singular values of several logs, a panel each."""
    panels = {
        table.stem.split("-")[1].capitalize(): {
            name: np.array([row["normalized"] for row in rows])
            for name, rows in by(read_rows(table), "name").items()
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
