"""Verdicts of a group: its first side beside each of the others, by the core measures.

The rule is that of `degen compare` (`degen.studies.verdict`). Noise is that of seeds where both sides have
several, else that of items where both have the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from degen.analysis import Rows
from degen.analysis.core import CORE
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import Comparison, compare_matrices, compare_seeds
from degen.analysis.statistics.jackknife import Jackknife, jackknife
from degen.analysis.values import Undefined
from degen.embeddings.item_matrix import ItemMatrix
from degen.studies.comparing.judged import Two
from degen.studies.verdict import Verdict, verdict


@dataclass(frozen=True, eq=False)
class Measured:
    """The core measures of a matrix, the ids of its rows or None, and how they vary without some items."""

    analysis: Analysis
    ids: Sequence[str] | None
    judged: Jackknife | None

    @classmethod
    def of(cls, analysis: Analysis, matrix: ItemMatrix, rows: Rows) -> Measured:
        """Take the core measures out of all that were taken of a matrix."""
        values = {name: analysis.values[name] for name in CORE if name in analysis.values}
        core = replace(analysis, values=values)
        judged = None
        with suppress(Undefined):  # too few rows to leave any out
            judged = jackknife(rows, core)
        return cls(core, matrix.ids, judged)


@dataclass(frozen=True, eq=False)
class Side:
    """One of those compared: a matrix for each seed of a series, rising, or that of a file."""

    name: str
    matrices: Sequence[Measured]


def verdicts(sides: Sequence[Side]) -> list[Verdict]:
    """Return the verdict on the first side and each of the others; none where there is one side."""
    return [_verdict(sides[0], other) for other in sides[1:]]


def _verdict(a: Side, b: Side) -> Verdict:
    first, second = a.matrices[0], b.matrices[0]
    dimensions = first.analysis.dimensions, second.analysis.dimensions
    trainings = len(a.matrices), len(b.matrices)
    return verdict(Two(a.name, b.name, dimensions, trainings), _comparisons(a.matrices, b.matrices))


def _comparisons(a: Sequence[Measured], b: Sequence[Measured]) -> list[Comparison]:
    if min(len(a), len(b)) < 2:
        first, second = a[0], b[0]
        if first.judged is not None and second.judged is not None and _same_items(first, second):
            return compare_matrices(first.judged, second.judged)
        a, b = a[:1], b[:1]
    return compare_seeds(_by_measure(a), _by_measure(b))


def _by_measure(side: Iterable[Measured]) -> dict[str, list[float | None]]:
    analyses = [measured.analysis for measured in side]
    return {name: [analysis.values.get(name) for analysis in analyses] for name in analyses[0].values}


def _same_items(a: Measured, b: Measured) -> bool:
    """Whether rows belong to the same items, one by one; without ids, where there are as many."""
    if a.ids is None or b.ids is None:
        return a.analysis.rows == b.analysis.rows
    return a.ids == b.ids
