"""Numbers of the result pages from what `degen paper collect` wrote: tables, intervals and verdicts."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from degen.paper.comparison import comparison, mean_text
from degen.paper.degeneration import USE_COLUMNS, V_COLUMNS, degeneration_table
from degen.paper.judging.intervals import interval
from degen.paper.measured import Measured, paired
from degen.paper.published import METHODS
from degen.paper.targets import target
from degen.runs.study import PlannedRun
from degen.tables.markdown import markdown
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label

METRICS = ("HR@5", "HR@10", "NDCG@5", "NDCG@10")
MEASURED_BY = {**USE_COLUMNS, **V_COLUMNS}
NAMES = {"beauty": "Beauty", "clothing": "Clothing"}


class Collected:
    """Numbers of a folder with `<target>.csv` and `<target>.json`. Templates call its public functions."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._rows = cache(self._read)

    def accuracy(self, dataset: str, name: str = "table2") -> str:
        """Table of the test metrics, the published values beside ours, ± half of the interval over seeds."""
        table = comparison(target(name), self._of(name, dataset), list(METRICS))
        sections = table.sections or [dataset] * len(table.rows)
        rows = [row for section, row in zip(sections, table.rows, strict=True) if section == dataset]
        columns = list(table.columns)
        for place, column in enumerate(columns):
            if column.title == "ours":
                columns[place] = Column(columns[place - 1].title.removesuffix(" paper"))
        return markdown(Table(table.name, table.caption, columns, rows, "", (), table.footnotes))

    def accuracy_differences(self, datasets: Sequence[str], a: str, b: str, name: str = "table2") -> str:
        """Table of `a` - `b` for each metric, paired by seed."""
        columns = [Column("dataset", "text"), Column("n"), *(Column(metric) for metric in METRICS)]
        rows = []
        for dataset in datasets:
            margins = [paired(self._of(name, dataset), a, b, f"test_{metric}") for metric in METRICS]
            rows.append([Cell(NAMES[dataset]), Cell(str(len(margins[0]))), *map(difference_cell, margins)])
        return markdown(Table("differences", "", columns, rows))

    def measures(self, dataset: str, moment: str = "best", name: str = "degeneration") -> str:
        """Table of the measures at the `best` or the `common` epoch, a column per method."""
        rows = [_numbers(row) for row in self._lines(name) if row["dataset"] == dataset]
        table = degeneration_table(target(name), rows, moment)
        titles = [column.title for column in table.columns[1:]]
        columns = [Column("measure", "text"), *(Column(line[0].text) for line in table.rows)]
        turned = [
            [Cell(title), *(line[place] for line in table.rows)] for place, title in enumerate(titles, 1)
        ]
        return markdown(Table(table.name, table.caption, columns, turned))

    def measure_differences(
        self, datasets: Sequence[str], a: str, b: str, moment: str = "best", name: str = "degeneration"
    ) -> str:
        """Table of `a` - `b` for each measure, paired by seed, a column per dataset."""
        lines = {dataset: self._lines(name, dataset) for dataset in datasets}
        counts = {
            dataset: len(_paired(rows, a, b, f"{moment}_average_cosine")) for dataset, rows in lines.items()
        }
        titles = [f"{NAMES[dataset]}, n = {count}" for dataset, count in counts.items()]
        rows = []
        for column, title in MEASURED_BY.items():
            cells = [difference_cell(_paired(rows, a, b, f"{moment}_{column}")) for rows in lines.values()]
            if any(cell.text for cell in cells):
                rows.append([Cell(title), *cells])
        return markdown(Table("differences", "", [Column("measure", "text"), *map(Column, titles)], rows))

    def mean(self, name: str, dataset: str, method: str, column: str) -> str:
        """Mean over the seeds of a method, ± half of its interval."""
        return mean_text([row.value(column) for row in self._of(name, dataset) if row.method == method])

    def difference(self, name: str, dataset: str, a: str, b: str, column: str) -> str:
        """Mean of `a` - `b` over the seeds that both have, ± half of its interval."""
        return difference_cell(paired(self._of(name, dataset), a, b, column)).text

    def seeds(self, name: str, dataset: str, method: str) -> int:
        """Number of finished seeds of a method."""
        return sum(row.method == method for row in self._of(name, dataset))

    def both(self, dataset: str) -> int:
        """Number of seeds that SASRec and DuoRec both have."""
        return len(paired(self._of("table2", dataset), "duorec", "sasrec", "test_NDCG@10"))

    def has(self, name: str) -> bool:
        """Return whether a target has a finished run."""
        return bool(self._lines(name))

    def told(self, datasets: Sequence[str], a: str, b: str, column: str, name: str = "table2") -> str:
        """Sign of `a` - `b` by dataset: `lower on Beauty (-0.1100 ± 0.0300, n = 2)`, or `not told apart`."""
        words = []
        for dataset in datasets:
            margins = paired(self._of(name, dataset), a, b, column)
            mean, half = interval(margins) if len(margins) > 1 else (0.0, 0.0)
            sign = "lower" if mean + half < 0 else "higher" if mean - half > 0 else "not told apart"
            numbers = ", ".join(filter(None, [difference_cell(margins).text, f"n = {len(margins)}"]))
            words.append(f"{sign} on {NAMES[dataset]} ({numbers})")
        return ", ".join(words)

    def answer(self, name: str, claim: str, otherwise: str = "") -> str:
        """Verdicts on a claim by dataset: `holds on Beauty (n = 3), cannot be told on Clothing (n = 1)`.

        `otherwise` is the answer where the claim's methods are not trained.
        """
        found = [one for one in self._judged(name) if one["claim"] == claim]
        if otherwise and not any(one["seeds"] for one in found):
            return otherwise
        if not found:
            raise KeyError(f"no claim of {name} reads {claim!r}")
        return ", ".join(f"{one['verdict']} on {NAMES[one['dataset']]} (n = {one['seeds']})" for one in found)

    def verdicts(self, *names: str) -> str:
        """Table of the claims of targets, with verdicts. Claims about untrained methods are counted below."""
        judged = [one for name in names for one in self._judged(name)]
        rows = [
            [Cell(one["claim"]), Cell(NAMES[one["dataset"]]), Cell(one["verdict"]), Cell(one["measured"])]
            for one in judged
            if not one["measured"].startswith("not trained")
        ]
        without = [one for one in judged if one["measured"].startswith("not trained")]
        lacking = sorted({name for one in without for name in one["measured"].partition(": ")[2].split(", ")})
        columns = [Column(title, "text") for title in ("claim", "dataset", "verdict", "measured")]
        below = (
            f"\n\n{len(without)} more claims cannot be told, since these methods are not trained: "
            f"{', '.join(map(variant_label, lacking))}."
            if without
            else ""
        )
        return (
            markdown(Table("verdicts", "", columns, rows)) if rows else "No claim could be tested."
        ) + below

    def trained(self, name: str, datasets: Sequence[str]) -> str:
        """Table of the number of finished seeds of each method."""
        rows = [
            [
                Cell(variant_label(method)),
                *(Cell(str(self.seeds(name, dataset, method))) for dataset in datasets),
            ]
            for method in METHODS
        ]
        columns = [Column("method", "text"), *(Column(NAMES[dataset]) for dataset in datasets)]
        return markdown(Table("trained", "", columns, rows))

    def headline(self, datasets: Sequence[str]) -> str:
        """Table of the README: accuracy of SASRec, what DuoRec adds, and σ₂/σ₁ of both."""
        titles = (
            "n",
            "SASRec NDCG@10",
            "DuoRec - SASRec",
            "SASRec HR@10",
            "DuoRec - SASRec",
            "σ₂/σ₁ SASRec",
            "DuoRec",
        )
        rows = []
        for dataset in datasets:
            runs = self._of("table2", dataset)
            n = len(paired(runs, "duorec", "sasrec", "test_NDCG@10"))
            cells = [Cell(NAMES[dataset]), Cell(str(n))]
            for metric in ("test_NDCG@10", "test_HR@10"):
                cells.append(Cell(self.mean("table2", dataset, "sasrec", metric)))
                cells.append(difference_cell(paired(runs, "duorec", "sasrec", metric)))
            cells += [
                Cell(self.mean("table2", dataset, method, "best_sigma2_ratio"))
                for method in ("sasrec", "duorec")
            ]
            rows.append(cells)
        return markdown(Table("headline", "", [Column("", "text"), *map(Column, titles)], rows))

    def _judged(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.json"
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return found

    def _lines(self, name: str, dataset: str | None = None) -> list[dict[str, str]]:
        path = self.folder / f"{name}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if dataset in (None, row["dataset"])]

    def _read(self, name: str) -> list[Measured]:
        return [_measured(row) for row in self._lines(name)]

    def _of(self, name: str, dataset: str) -> list[Measured]:
        return [row for row in self._rows(name) if row.dataset == dataset]


def _measured(row: Mapping[str, str]) -> Measured:
    """Return a row of `results.csv` with as much of its plan as the tables need."""
    config = {"objective": {"variant": row["variant"]}}
    axes = {"objective.variant": row["variant"]}
    planned = PlannedRun(
        row["cell"], row["dataset"], int(row["seed"]), Path(), axes, row["control"] or None, config
    )
    return Measured(planned, row)


def _numbers(row: Mapping[str, str]) -> dict[str, Any]:
    words = ("dataset", "method", "label", "cell")
    return {key: text if key in words else float(text) if text else None for key, text in row.items()}


def _paired(rows: Sequence[Mapping[str, str]], a: str, b: str, column: str) -> list[float]:
    values = {(row["method"], row["seed"]): row.get(column) for row in rows}
    pairs = [(values[a, seed], values.get((b, seed))) for method, seed in values if method == a]
    return [float(one) - float(other) for one, other in pairs if one and other]


def difference_cell(margins: Sequence[float]) -> Cell:
    """Return the mean of differences, ± half of their interval where there are two."""
    if len(margins) < 2:
        return Cell(f"{margins[0]:+.4f}" if margins else "")
    mean, half = interval(margins)
    return Cell(f"{mean:+.4f} ± {half:.4f}")
