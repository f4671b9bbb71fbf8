"""Tables of the earlier runs with one seed each, from the CSV files of `experiments/collect.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from degen.paper.published import table2
from degen.tables.csv_file import read_rows
from degen.tables.markdown import markdown
from degen.tables.numbers import NOTHING
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label

COLUMNS = {
    "HR@5": 4,
    "HR@10": 4,
    "NDCG@5": 4,
    "NDCG@10": 4,
    "HR@10_less_sasrec": 4,
    "NDCG@10_less_sasrec": 4,
    "sigma2_ratio": 2,
    "effective_rank": 1,
    "average_cosine": 2,
    "uniformity": 2,
    "alignment": 2,
}
"""Columns of the CSV files with the number of their decimals."""

TITLES = {
    "HR@10_less_sasrec": "HR@10 beside SASRec",
    "NDCG@10_less_sasrec": "NDCG@10 beside SASRec",
    "sigma2_ratio": "σ₂/σ₁",
    "effective_rank": "effective rank",
    "average_cosine": "average cosine",
}


class OneSeed:
    """Tables of a folder with `<name>.csv`. Templates call its public functions."""

    def __init__(self, folder: Path):
        self._rows = cache(lambda name: read_rows(folder / f"{name}.csv"))

    def one_seed(self, name: str) -> str:
        """Table of the runs of one file: test metrics and geometry at the best epoch."""
        columns = [
            Column("variant", "text"),
            Column("epochs, best"),
            *(Column(TITLES.get(c, c)) for c in COLUMNS),
        ]
        rows = [
            [
                Cell(_label(row)),
                Cell(f"{row['epochs']}, {row['best_epoch']}"),
                *(Cell(_text(row, column, digits)) for column, digits in COLUMNS.items()),
            ]
            for row in self._rows(name)
        ]
        return markdown(Table(name, "", columns, rows))

    def beside_published(self, names: Sequence[str], variants: Sequence[str]) -> str:
        """Table of HR@10 and NDCG@10 of Table 2 of the paper beside those of one run."""
        columns = [Column("dataset", "text"), Column("method", "text")]
        columns += [Column(f"{metric}{kind}") for metric in ("HR@10", "NDCG@10") for kind in (", paper", "")]
        rows = []
        for name in names:
            ours = {row["variant"]: row for row in self._rows(name) if row["batch_by"] == "samples"}
            for variant in variants:
                paper, row = table2()[name, variant], ours.get(variant, {})
                cells = [
                    text
                    for metric in ("HR@10", "NDCG@10")
                    for text in (f"{paper[metric]:.4f}", _text(row, metric, 4))
                ]
                rows.append([Cell(name.capitalize()), Cell(variant_label(variant)), *map(Cell, cells)])
        return markdown(Table("published", "", columns, rows))

    def of_csv(self, name: str, where: Mapping[str, str], column: str, digits: int) -> str:
        """Return a number of the one row of a file whose columns have these values."""
        (row,) = [
            row for row in self._rows(name) if all(str(row[key]) == text for key, text in where.items())
        ]
        return f"{row[column]:.{digits}f}"


def _label(row: dict[str, Any]) -> str:
    return variant_label(row["variant"]) + (", by users" if row["batch_by"] == "users" else "")


def _text(row: dict[str, Any], column: str, digits: int) -> str:
    """Return a number; a difference from SASRec with half of its 95 % interval over test users."""
    value = row.get(column)
    if value is None:
        return NOTHING
    if not column.endswith("_less_sasrec"):
        return f"{value:.{digits}f}"
    half = row[column.replace("_less_sasrec", "_half_width")]
    return f"{value:+.{digits}f} ± {half:.{digits}f}"
