"""Measured results of a target: the rows of `results.csv`, each with its place in the plan."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from degen.errors import UserError
from degen.files.parse import read_text
from degen.runs.directory import RunDirectory
from degen.runs.study import RESULTS, PlannedRun, read_plan
from degen.tables.csv_file import plain_text


@dataclass(frozen=True)
class Measured:
    """A finished run of a target: its line of the plan, and its row of `results.csv` as text."""

    planned: PlannedRun
    row: Mapping[str, str]

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.planned.dataset

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.planned.seed

    @property
    def method(self) -> str:
        """Name of the control, where the run is of one, else of the variant."""
        return self.planned.control or self.planned.variant

    @cached_property
    def run(self) -> RunDirectory:
        """The run directory."""
        return RunDirectory(self.planned.run)

    @property
    def axes(self) -> dict[str, Any]:
        """Values on the axes but the variant's, by the last part of their keys."""
        values = {key.rpartition(".")[2]: value for key, value in self.planned.axes.items()}
        values.pop("variant", None)
        return values

    def axis(self, name: str) -> float | None:
        """Return the value on an axis, by its key with or without group; None where it is not on it."""
        axes = self.planned.axes.items()
        return next((float(value) for key, value in axes if name in (key, key.rpartition(".")[2])), None)

    def value(self, column: str) -> float | None:
        """Return a number of the row; None where it is empty or missing."""
        text = self.row.get(column) or ""
        return float(text) if text else None


def measured(folder: Path) -> list[Measured]:
    """Return the finished runs of a study folder in the order of its plan.

    Raises
    ------
    UserError
        if a file of the folder cannot be read.
    """
    path = folder / RESULTS
    try:
        table = csv.DictReader(read_text(path).splitlines())
        rows = [{str(key): plain_text(cell or "") for key, cell in row.items()} for row in table]
        found = {(row["dataset"], row["cell"], int(row["seed"])): row for row in rows}
    except (csv.Error, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); collect the results again") from error
    keyed = {(planned.dataset, planned.id, planned.seed): planned for planned in read_plan(folder)}
    return [Measured(planned, found[key]) for key, planned in keyed.items() if key in found]


def with_measures(rows: Sequence[Measured], measures: Iterable[Mapping[str, Any]]) -> list[Measured]:
    """Return runs whose rows also have the measures of `degen.paper.degeneration.measure_runs`, as text."""
    found = {(one["dataset"], one["method"], one["cell"], one["seed"]): one for one in measures}
    more = [found.get((row.dataset, row.method, row.planned.id, row.seed), {}) for row in rows]
    return [
        replace(row, row={**{key: str(value) for key, value in own.items() if value is not None}, **row.row})
        for row, own in zip(rows, more, strict=True)
    ]


def by_dataset(rows: Iterable[Measured]) -> dict[str, list[Measured]]:
    """Return the runs of each dataset, in order."""
    found: dict[str, list[Measured]] = {}
    for row in rows:
        found.setdefault(row.dataset, []).append(row)
    return found


def paired(rows: Iterable[Measured], a: str, b: str, column: str) -> list[float]:
    """Return a number of method `a` minus that of method `b`, for every seed that both have."""
    values = {(row.method, row.seed): row.value(column) for row in rows}
    pairs = [(value, values.get((b, seed))) for (method, seed), value in values.items() if method == a]
    return [one - other for one, other in pairs if one is not None and other is not None]
