"""Methods under several recommendation losses, from the rows of the target `losses`."""

from __future__ import annotations

from pathlib import Path

from degen.paper.comparison import mean_text
from degen.paper.measured import paired
from degen.tables.markdown import markdown
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label
from pageslib.rows import Rows, difference_cell, under

LOSSES = ("ce", "bce", "bpr", "gbce")
METHODS = ("sasrec", "cl4srec", "duorec")
PAIRS = (("cl4srec", "sasrec"), ("duorec", "sasrec"))
"""Methods whose difference is shown, within a loss."""


class Losses:
    """Tables of methods by loss. Templates call its public functions."""

    def __init__(self, folder: Path):
        self._rows = Rows(folder)

    def by_loss(self, dataset: str, column: str, digits: int = 4) -> str:
        """Table with a row per loss: means over the seeds that its trained methods share, and differences."""
        titles = [f"{variant_label(a)} - {variant_label(b)}" for a, b in PAIRS]
        columns = [Column("loss", "text"), Column("n"), *map(Column, map(variant_label, METHODS))]
        lines = [self._line(dataset, loss, column, digits) for loss in LOSSES]
        return markdown(Table("losses", "", [*columns, *map(Column, titles)], lines))

    def _line(self, dataset: str, loss: str, column: str, digits: int) -> list[Cell]:
        names = [under(method, loss) for method in METHODS]
        rows = [row for row in self._rows.measured("losses", dataset) if row.method in names]
        seeds = {name: {row.seed for row in rows if row.method == name} for name in names}
        shared = set.intersection(*filter(None, seeds.values())) if rows else set()
        rows = [row for row in rows if row.seed in shared]
        means = [
            mean_text([row.value(column) for row in rows if row.method == name], digits)
            if seeds[name]
            else "not trained"
            for name in names
        ]
        pairs = [(under(a, loss), under(b, loss)) for a, b in PAIRS]
        gaps = [difference_cell(paired(rows, *pair, column), digits) for pair in pairs]
        return [Cell(loss), Cell(str(len(shared))), *map(Cell, means), *gaps]
