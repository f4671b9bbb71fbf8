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

    def gap(self, dataset: str, a: str, b: str, column: str) -> str:
        """Mean of `a` - `b`, methods named with their losses, ± half of its interval for two or more seeds.

        Raises
        ------
        KeyError
            if no seed has both.
        """
        if text := difference_cell(self._rows.margins("losses", dataset, a, b, column)).text:
            return text
        raise KeyError(f"no seed has {a} and {b} on {dataset}")

    def untrained_losses(self, dataset: str) -> str:
        """Names of methods and losses without a run: `CL4SRec under bpr`."""
        left = [(one, loss) for one in METHODS for loss in LOSSES if not self._seeds(dataset, one, loss)]
        return ", ".join(f"{variant_label(method)} under {loss}" for method, loss in left) or "none"

    def _seeds(self, dataset: str, method: str, loss: str) -> set[int]:
        rows = self._rows.measured("losses", dataset)
        return {row.seed for row in rows if row.method == under(method, loss)}

    def _line(self, dataset: str, loss: str, column: str, digits: int) -> list[Cell]:
        trained = {method: own for method in METHODS if (own := self._seeds(dataset, method, loss))}
        seeds = sorted(set.intersection(*trained.values())) if trained else []
        values = self._rows.values("losses", dataset, column)
        shown = {method: [values.get((under(method, loss), seed)) for seed in seeds] for method in trained}
        means = [
            Cell(mean_text(shown[method], digits) if method in trained else "not trained")
            for method in METHODS
        ]
        gaps = []
        for a, b in PAIRS:
            pairs = zip(shown.get(a, []), shown.get(b, []), strict=False)  # none where one is not trained
            known = [one - other for one, other in pairs if one is not None and other is not None]
            gaps.append(difference_cell(known, digits))
        return [Cell(loss), Cell(str(len(seeds))), *means, *gaps]
