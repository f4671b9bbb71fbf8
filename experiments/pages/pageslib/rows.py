"""Rows and verdicts that `degen paper collect` wrote, and numbers of two methods paired by seed."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from degen.files.writing import write_json
from degen.paper.comparison import mean_text
from degen.paper.measured import Measured, paired
from degen.paper.targets import NAMES
from degen.runs.study import PlannedRun
from degen.tables.table import Cell
from degen.variant_names import VARIANT_LABELS

LOGS = {"ml-1m": "MovieLens-1M"}
"""Names of datasets that are more than their first letter in capitals."""

VARIANTS = "fig2"
"""Target with the runs of all six variants; Table 2 has three of them."""

CONTRASTIVE = tuple(name for name in VARIANT_LABELS if name != "sasrec")
"""Variants that add a contrastive loss to SASRec's."""


def log_name(dataset: str) -> str:
    """Return a dataset's name in a sentence."""
    return LOGS.get(dataset, dataset.capitalize())


class Rows:
    """Rows of a folder with `<target>.csv` and `<target>.json`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lines = cache(self._read)

    def of(self, target: str, dataset: str | None = None) -> list[dict[str, str]]:
        """Return the rows of a target's CSV file as text; none where it is not trained."""
        return [row for row in self._lines(target) if dataset in (None, row["dataset"])]

    def measured(self, target: str, dataset: str) -> list[Measured]:
        """Return rows with as much of their plan as the tables of `degen paper` need."""
        return [_measured(row) for row in self.of(target, dataset)]

    def judged(self, target: str) -> list[dict[str, Any]]:
        """Return the verdicts on a target's claims; none where it is not trained."""
        return stored(self.folder / f"{target}.json")

    def values(self, target: str, dataset: str, column: str) -> dict[tuple[str, int], float]:
        """Return a column by method and seed, without empty cells."""
        values = {(row.method, row.seed): row.value(column) for row in self.measured(target, dataset)}
        return {key: value for key, value in values.items() if value is not None}

    def margins(self, target: str, dataset: str, a: str, b: str, column: str) -> list[float]:
        """Return a column of method `a` minus that of `b`, for every seed that both have."""
        return paired(self.measured(target, dataset), a, b, column)

    def seeds(self, dataset: str, method: str) -> int:
        """Return how many seeds of a method are finished, over all targets."""
        rows = [row for name in NAMES for row in self.measured(name, dataset)]
        return len({row.seed for row in rows if row.method == method})

    def _read(self, target: str) -> list[dict[str, str]]:
        return stored(self.folder / f"{target}.csv")


def stored(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a CSV file as text, or the verdicts of a JSON file; none where it is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else json.load(file)


def join(source: Path, place: Path) -> Path:
    """Write the rows or verdicts of a file to `place`, where those of datasets that the file lacks stay."""
    rows = stored(source)
    datasets = {row["dataset"] for row in rows}
    rows += [row for row in stored(place) if row["dataset"] not in datasets]
    rows.sort(key=lambda row: row["dataset"])
    if place.suffix == ".csv":
        pd.DataFrame(rows).to_csv(place, index=False)
    else:
        write_json(place, rows)
    return place


def difference_cell(margins: Sequence[float], digits: int = 4) -> Cell:
    """Return the mean of differences, ± half of their interval where there are two."""
    return Cell(mean_text(margins, digits, "+") if margins else "")


def under(method: str, loss: str) -> str:
    """Return a method's name under a loss, such as `sasrec-bce`; under `ce` it is the method's own."""
    return method if loss == "ce" else f"{method}-{loss}"


def seeds_text(count: int) -> str:
    """Return a number of seeds in words."""
    return "one seed" if count == 1 else f"n = {count} seeds"


def _measured(row: Mapping[str, str]) -> Measured:
    """Return a row of a target; rows of measures name the method alone, in place of variant and control.

    A run under another loss than the full softmax is of a control.
    """
    variant = row.get("variant") or row["method"]
    name = under(variant, row.get("rec_loss") or "ce")
    control = row.get("control") or (name if name != variant else None)
    axes = {"objective.variant": variant}
    config = {"objective": {"variant": variant}}
    planned = PlannedRun(row["cell"], row["dataset"], int(row["seed"]), Path(), axes, control, config)
    return Measured(planned, row)
