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

import numpy as np

from degen.analysis.core import CORE
from degen.analysis.passes.pair import Pair, matched
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import MEASURES
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import Comparison, compare_matrices, compare_seeds
from degen.analysis.statistics.jackknife import Jackknife, jackknife
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
class Compared:
    """Two sides beside each other.

    Attributes
    ----------
    measures
        that both sides have, in the order of tables.
    pair
        the matrices of the lowest seeds, row by row of the same items; None where these are not known.
    sides, verdict
        the two sides, and the verdict by their core measures.
    """

    measures: list[Comparison]
    pair: Pair | None
    sides: Two
    verdict: Verdict


def compared(a: Measured, b: Measured, notes: list[str]) -> Compared:
    """Compare two sides; say in `notes` which items were taken for the same."""
    pair = _pair(a, b, notes)
    several = min(len(a.analyses), len(b.analyses)) > 1
    found = _over_seeds(a.analyses, b.analyses) if several else _over_items(a.analyses, b.analyses, pair)
    sides = Two(a.name, b.name, (a.rows.d, b.rows.d), (len(a.analyses), len(b.analyses)))
    judged = verdict(sides, [*found, *_without_value(found, a.analyses, b.analyses)])
    return Compared(found, pair, sides, judged)


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
    """Compare the lowest seeds: with the noise of items where the two have the same."""
    if pair is not None:
        with suppress(Undefined):  # too few rows to leave any out
            found = compare_matrices(_jackknife(pair.a, a[0]), _jackknife(pair.b, b[0]))
            return [row for row in found if row.measure in a[0].measures]
    return _over_seeds(a[:1], b[:1])


def _jackknife(rows: Rows, analysis: Analysis) -> Jackknife:
    if len(rows) < analysis.rows:  # the items that both sides have are not all of the matrix
        analysis = Analysis.of(rows, [MEASURES[name] for name in analysis.measures])
    return jackknife(rows, analysis)


def _pair(a: Measured, b: Measured, notes: list[str]) -> Pair | None:
    """Return the matrices of the lowest seeds over the items that both have, or None without any."""
    first, second = a.rows, b.rows  # with the neighbours that were found for the measures
    if a.ids is None or b.ids is None:
        if len(first) == len(second):
            notes.append(f"{b.path} is taken to have the items of {a.path}, row by row: one has no ids")
            return Pair(first, second)
        notes.append(f"{a.path} and {b.path} have no ids and not as many rows: not compared item by item")
        return None
    if a.ids == b.ids:
        return Pair(first, second)
    try:
        rows_a, rows_b = matched(a.ids, b.ids)
    except UserError as error:
        notes.append(f"{a.path} and {b.path} are not compared item by item: {error}")
        return None
    notes.append(f"{a.path} and {b.path} share {len(rows_a):,} items; differences over items are of these")
    order = np.argsort(rows_b)
    shared = first.take(rows_a), second.take(rows_b[order])
    back = np.argsort(order)
    frequency = None if shared[1].frequency is None else shared[1].frequency[back]
    return Pair(shared[0], Rows(shared[1].values[back], frequency))
