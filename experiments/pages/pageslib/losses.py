"""Methods under several recommendation losses, from the rows of the target `losses`."""

from __future__ import annotations

from pathlib import Path

from degen.paper.comparison import mean_text
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

    def untrained_losses(self, dataset: str) -> str:
        """Names of methods and losses without a run: `CL4SRec under bpr`."""
        done = {row.method for row in self._rows.measured("losses", dataset)}
        left = [(method, loss) for method in METHODS for loss in LOSSES if under(method, loss) not in done]
        return ", ".join(f"{variant_label(method)} under {loss}" for method, loss in left) or "none"

    def _line(self, dataset: str, loss: str, column: str, digits: int) -> list[Cell]:
        values: dict[str, dict[int, float]] = {}
        for (method, seed), value in self._rows.values("losses", dataset, column).items():
            values.setdefault(method, {})[seed] = value
        own = {method: values[name] for method in METHODS if (name := under(method, loss)) in values}
        seeds = sorted(set.intersection(*map(set, own.values()))) if own else []
        shown = {method: [numbers[seed] for seed in seeds] for method, numbers in own.items()}
        means = [
            Cell(mean_text(shown[method], digits) if method in own else "not trained") for method in METHODS
        ]
        gaps = []
        for a, b in PAIRS:
            pairs = zip(shown.get(a, []), shown.get(b, []), strict=False)  # none where one is not trained
            gaps.append(difference_cell([one - other for one, other in pairs], digits))
        return [Cell(loss), Cell(str(len(seeds))), *means, *gaps]
