"""Verdicts of a group: its first side beside each of the others, by the core measures.

Sides are compared as by `degen compare` (`degen.studies.comparing.pairing`), with the same verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from degen.analysis import Rows
from degen.analysis.core import CORE
from degen.analysis.result import Analysis
from degen.embeddings.item_matrix import ItemMatrix
from degen.studies.comparing.pairing import Measured, compared
from degen.studies.verdict import Verdict


@dataclass
class Sides:
    """The sides of a group by name, as they are measured: series of runs, by rising seed, and files."""

    found: dict[str, Measured] = field(default_factory=dict)

    def add(self, name: str, analysis: Analysis, matrix: ItemMatrix, rows: Rows) -> None:
        """Take the core measures out of all that were taken of a matrix, the next seed of a side."""
        values = {core: analysis.values[core] for core in CORE if core in analysis.values}
        reasons = {core: analysis.reasons[core] for core in CORE if core in analysis.reasons}
        core = replace(analysis, values=values, reasons=reasons)
        if name in self.found:
            side = self.found[name]
            self.found[name] = replace(side, analyses=[*side.analyses, core])
        else:  # a copy of the rows is without the intermediate results, which take more memory
            self.found[name] = Measured(name, [core], matrix.path, matrix.ids, replace(rows))

    def verdicts(self, notes: list[str]) -> list[Verdict]:
        """Return the verdict on the first side and each of the others; none where there is one side."""
        first, *others = self.found.values() or [None]
        return [compared(first, other, notes).verdict for other in others if first and other]
