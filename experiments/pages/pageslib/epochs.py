"""Numbers of the result pages from the lines of `metrics.jsonl` that are kept of each finished run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from degen.config.settle import OFFICIAL
from degen.paper.comparison import mean_text
from degen.runs.best import best_row
from degen.tables.markdown import markdown
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label
from pageslib.rows import difference_cell, log_name, seeds_text

Row = dict[str, Any]

COURSE = {
    "average_cosine": "average cosine",
    "sigma2_ratio": "σ₂/σ₁",
    "effective_rank": "effective rank",
    "uniformity": "uniformity of h, released code's",
    "valid_NDCG@10": "validation NDCG@10",
}
"""Columns of an epoch's line that are shown at the first epoch and at the best one."""

SHOWN = {"NDCG@10": "valid_NDCG@10", "HR@10": "valid_HR@10"}
"""Validation metrics that are compared at the best epochs of two rules."""


class Epochs:
    """Epochs of the runs `<dataset>/<variant>-s<seed>` of a folder. Templates call its public functions."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._runs = cache(self._read)

    def course(self, dataset: str, variants: Sequence[str]) -> str:
        """Table of measures at the first and the best epoch, means over seeds ± half of the interval."""
        columns = [Column("method", "text"), Column("n"), Column("epoch"), *map(Column, COURSE.values())]
        rows = []
        for variant in variants:
            runs = self._runs(dataset, variant).values()
            if not runs:
                continue
            for when, place in (("first", 0), ("best", None)):
                lines = [lines[0] if place == 0 else _own(lines) for lines in runs]
                about = [Cell(variant_label(variant)), Cell(str(len(runs))), Cell(when)]
                rows.append([*about, *(Cell(mean_text([line[name] for line in lines])) for name in COURSE)])
        return markdown(Table("course", "", columns, rows))

    def contrast_share(self, dataset: str, variant: str, epoch: int = 20) -> str:
        """Share of the weighted contrastive loss in the training loss of seed 0 at an epoch: `9 %`."""
        row = next(row for row in self._runs(dataset, variant)[0] if row["epoch"] == epoch)
        return f"{1 - row['recommendation_loss'] / row['loss']:.0%}".replace("%", " %")

    def stopping(self, datasets: Sequence[str], variants: Sequence[str]) -> str:
        """Table of the epoch that each run stops at under its own rule and under the released code's."""
        titles = (
            "best by NDCG@10",
            "best by the released rule",
            "stops after",
            "NDCG@10",
            "by the released rule",
            "HR@10",
            "by the released rule",
        )
        columns = [Column("run", "text"), *map(Column, titles)]
        rows = []
        for dataset in datasets:
            for variant in variants:
                for seed, lines in self._runs(dataset, variant).items():
                    own = _own(lines)
                    other, stopped = released(lines)
                    cells = [
                        str(own["epoch"]),
                        str(other["epoch"]),
                        str(stopped) if stopped else "not reached",
                    ]
                    for metric in SHOWN.values():
                        cells += [f"{own[metric]:.4f}", f"{other[metric]:.4f}"]
                    name = f"{log_name(dataset)} {variant_label(variant)}, seed {seed}"
                    rows.append([Cell(name), *map(Cell, cells)])
        return markdown(Table("stopping", "", columns, rows))

    def rule_differences(self, datasets: Sequence[str], methods: Sequence[str], other: str) -> str:
        """Table of each method minus `other` on validation at the best epochs of either rule, by seed."""
        titles = ["n", "runs that ended before the rule stops", *SHOWN]
        texts = [Column(title, "text") for title in ("method", "dataset", "best by")]
        rows = []
        for dataset, method in product(datasets, methods):
            pairs = self._pairs(dataset, method, other)
            early = sum(released(run)[1] is None for pair in pairs for run in pair)
            for name, best in RULES.items() if pairs else ():
                margins = [[best(a)[column] - best(b)[column] for a, b in pairs] for column in SHOWN.values()]
                about = (variant_label(method), log_name(dataset), name, str(len(pairs)))
                ended = Cell(str(early if name == RELEASED else 0))
                rows.append([*map(Cell, about), ended, *map(difference_cell, margins)])
        return markdown(Table("rules", "", [*texts, *map(Column, titles)], rows))

    def turned(self, datasets: Sequence[str], methods: Sequence[str], other: str) -> str:
        """Say where the mean of a method minus `other` has another sign under the released rule."""
        found = []
        for dataset, method in product(datasets, methods):
            pairs = self._pairs(dataset, method, other)
            for name, column in SHOWN.items():
                own, theirs = (
                    sum(best(a)[column] - best(b)[column] for a, b in pairs) for best in RULES.values()
                )
                if own * theirs < 0:
                    place = f"{variant_label(method)} on {log_name(dataset)}"
                    found.append(f"{name} of {place} ({seeds_text(len(pairs))})")
        return ", ".join(found) or "none of these"

    def fallen(self, datasets: Sequence[str], variants: Sequence[str], column: str = "average_cosine") -> str:
        """In how many runs a column is lower at the best epoch than after the first."""
        runs = [lines for log in datasets for name in variants for lines in self._runs(log, name).values()]
        lower = sum(_own(lines)[column] < lines[0][column] for lines in runs)
        return f"{lower} of {len(runs)} runs"

    def _pairs(self, dataset: str, a: str, b: str) -> list[tuple[list[Row], list[Row]]]:
        """Return the lines of both variants for every seed that both have."""
        ours, others = self._runs(dataset, a), self._runs(dataset, b)
        return [(ours[seed], others[seed]) for seed in ours.keys() & others.keys()]

    def _read(self, dataset: str, variant: str) -> dict[int, list[Row]]:
        """Return the lines of each seed's run."""
        paths = (self.folder / dataset).glob(f"{variant}-s[0-9]*")
        files = {int(path.name.rpartition("-s")[2]): path / "metrics.jsonl" for path in paths}
        return {
            seed: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            for seed, file in sorted(files.items())
        }


def _own(lines: Sequence[Row]) -> Row:
    """Return the best line under the rule that these runs stop by."""
    return best_row(lines, "NDCG@10", OFFICIAL["training"]["stop_decimals"])


def released(lines: Sequence[Row]) -> tuple[Row, int | None]:
    """Return the best line under the released code's rule, and the epoch that it stops after.

    None where the run has ended before the rule would stop it: a later epoch could then be its best.
    """
    rule = OFFICIAL["training"]
    for count in range(1, min(len(lines), rule["epochs"]) + 1):
        best = best_row(lines[:count], rule["stop_on"], rule["stop_decimals"])
        if count - best["epoch"] >= rule["patience"] or count == rule["epochs"]:
            return best, count
    return best, None


RELEASED = "the released rule"

RULES: Mapping[str, Callable[[Sequence[Row]], Row]] = {
    "NDCG@10": _own,
    RELEASED: lambda lines: released(lines)[0],
}
"""Best line of a run under the rule that these runs stop by, and under the released code's."""
