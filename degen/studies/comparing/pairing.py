"""Two measured sides beside each other, for `degen compare` and `degen report` alike.

several seeds per side   Welch's t over seeds, Holm's correction over the measures (`compare_seeds`)
one seed on a side       a paired jackknife over the items that both hold, matched by id in any order
other items              the values alone
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from degen.analysis.core import CORE
from degen.analysis.passes.pair import Pair, matched
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import MEASURES
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import Comparison, compare_matrices, compare_seeds
from degen.analysis.statistics.jackknife import jackknife
from degen.analysis.values import Undefined
from degen.errors import UserError
from degen.studies.comparing.judged import Two
from degen.studies.verdict import Verdict, verdict


@dataclass(frozen=True, eq=False)
class Measured:
    """A side that was measured.

    Attributes
    ----------
    name
        of the side.
    analyses
        one for each seed, rising.
    path, ids, rows
        of the matrix of the lowest seed; the ids of its rows are None where unknown.
    """

    name: str
    analyses: Sequence[Analysis]
    path: Path
    ids: Sequence[str] | None
    rows: Rows


@dataclass(frozen=True, eq=False)
class Paired:
    """Two sides beside each other.

    Attributes
    ----------
    measures
        that both sides have, in the order of tables.
    pair
        the matrices of the lowest seeds, row by row of the same items; None where these are not known.
    sides, verdict
        the two sides, and the verdict by their core measures.
    shared
        number of the items that both hold, where the measures are of these alone; else 0.
    """

    measures: list[Comparison]
    pair: Pair | None
    sides: Two
    verdict: Verdict
    shared: int = 0


def compared(a: Measured, b: Measured, notes: list[str]) -> Paired:
    """Compare two sides; say in `notes` which items were taken for the same."""
    several = min(len(a.analyses), len(b.analyses)) > 1
    matching = _matching(a, b, notes, several=several)
    pair, shared = matching.pair, 0
    if several:
        found = _over_seeds(a.analyses, b.analyses)
    else:
        found = _over_items(a.analyses, b.analyses, pair)
        shared = 0 if pair is None or len(pair.a) == len(a.rows) == len(b.rows) else len(pair.a)
    sides = Two(a.name, b.name, (a.rows.d, b.rows.d), (len(a.analyses), len(b.analyses)))
    reserve = matching.reserve(a, b, several=several)
    judged = verdict(sides, [*found, *_without_value(found, a.analyses, b.analyses)], reserve)
    return Paired(found, pair, sides, judged, shared)


@dataclass(frozen=True, eq=False)
class _Matching:
    """The rows that are taken for the same items, if any, and why."""

    pair: Pair | None
    why: Literal["ids", "order", "rows", "no id", "unclear"]

    def reserve(self, a: Measured, b: Measured, *, several: bool) -> str:
        """Return a sentence for the verdict where two catalogues differ, or may; empty where they agree."""
        n, m, differ = len(a.rows), len(b.rows), "The catalogues differ"
        if self.why == "order":
            bare = [side.name for side in (a, b) if side.ids is None]
            have = f"{' and '.join(bare)} {'have' if len(bare) > 1 else 'has'} no ids"
            return "" if several else f"Rows are taken in order, because {have}."
        if self.why == "rows":
            return f"{differ}: {n:,} and {m:,} rows, without ids to match them."
        if self.why == "no id":
            return f"{differ}: {n:,} and {m:,} items, of which no id is in both."
        if self.why == "unclear":
            return "The items are not matched, because an id stands twice."
        shared = len(self.pair.a) if self.pair is not None else n
        if shared == n == m:
            return ""
        of = "each side is measured over all of its own" if several else "these values are of those alone"
        return f"{differ}: {shared:,} items are in both, of {n:,} and {m:,}, and {of}."


def _without_value(
    found: Sequence[Comparison], a: Sequence[Analysis], b: Sequence[Analysis]
) -> list[Comparison]:
    """Return the core measures that were taken and that a side lacks, where `found` does not have them."""
    lacking = []
    for name in CORE:
        if name in a[0].measures and not any(row.measure == name for row in found):
            first, second = (float(np.mean([s.values.get(name, np.nan) for s in side])) for side in (a, b))
            lacking.append(Comparison(name, first, second, second - first, None, "", ""))
    return lacking


def _over_seeds(a: Sequence[Analysis], b: Sequence[Analysis]) -> list[Comparison]:
    def by_measure(side: Sequence[Analysis]) -> dict[str, list[float | None]]:
        return {name: [analysis.values.get(name) for analysis in side] for name in side[0].measures}

    return compare_seeds(by_measure(a), by_measure(b))


def _over_items(a: Sequence[Analysis], b: Sequence[Analysis], pair: Pair | None) -> list[Comparison]:
    """Compare the lowest seeds over the items that both have, with their noise where it can be told."""
    if pair is None:
        return _over_seeds(a[:1], b[:1])
    first, second = _of_shared(pair.a, a[0]), _of_shared(pair.b, b[0])
    with suppress(Undefined):  # too few rows to leave any out
        found = compare_matrices(jackknife(pair.a, first), jackknife(pair.b, second))
        return [row for row in found if row.measure in a[0].measures]
    return _over_seeds([first], [second])


def _of_shared(rows: Rows, analysis: Analysis) -> Analysis:
    """Return the measures of the rows that are compared, which may not be all of the matrix."""
    if len(rows) == analysis.rows:
        return analysis
    return Analysis.of(rows, [MEASURES[name] for name in analysis.measures])


def _matching(a: Measured, b: Measured, notes: list[str], *, several: bool) -> _Matching:
    """Return the matrices of the lowest seeds over the items that both have."""
    first, second = a.rows, b.rows  # with the neighbours that were found for the measures
    if a.ids is None or b.ids is None:
        if len(first) == len(second):
            notes.append(f"{b.path} is taken to have the items of {a.path}, row by row: one has no ids")
            return _Matching(Pair(first, second), "order")
        notes.append(f"{a.path} and {b.path} have no ids and not as many rows: not compared item by item")
        return _Matching(None, "rows")
    if a.ids == b.ids:
        return _Matching(Pair(first, second), "ids")
    try:
        rows_a, rows_b = matched(a.ids, b.ids)
    except UserError as error:
        notes.append(f"{a.path} and {b.path} are not compared item by item: {error}")
        return _Matching(None, "no id" if set(a.ids).isdisjoint(b.ids) else "unclear")
    compared = "how alike they are is told" if several else "all values are"
    notes.append(f"{a.path} and {b.path} share {len(rows_a):,} items; {compared} of these")
    order = np.argsort(rows_b)
    shared = first.take(rows_a), second.take(rows_b[order])
    back = np.argsort(order)
    frequency = None if shared[1].frequency is None else shared[1].frequency[back]
    return _Matching(Pair(shared[0], Rows(shared[1].values[back], frequency)), "ids")
