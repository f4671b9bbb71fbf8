"""Compare the degeneration of item embeddings: the numbers of `degen compare`.

several seeds per side   Welch's t over seeds, Holm's correction over the measures (`compare_seeds`)
one seed on a side       a paired jackknife over items; the noise of seeds is unknown, so nothing is marked
the same items           also how alike the two are: CKA, Procrustes, neighbours (`COMPARISONS`)
users' ranks             also accuracy, paired over users (`compare_users`)

A row holds the values a and b of a measure, their difference, its interval and source of noise, and p
(`Comparison` in `degen/analysis/statistics/differences.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from degen.analysis.core import CORE, NEEDS_FREQUENCY
from degen.analysis.passes.pair import Pair, matched
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import COMPARISONS, MEASURES, Measure
from degen.analysis.result import Analysis, popularity_profile
from degen.analysis.statistics.differences import Comparison, compare_matrices, compare_seeds, compare_users
from degen.analysis.statistics.jackknife import Jackknife, jackknife
from degen.analysis.values import Undefined
from degen.errors import UserError
from degen.evaluation.stored_ranks import has_ranks, known_ranks, other_ties, ranked_users, user_accuracy
from degen.studies.comparing.judged import Two
from degen.studies.comparing.sides import Side
from degen.studies.verdict import Verdict, verdict

Progress = Callable[[str], None]
"""Called with a sentence that says what is being done."""


@dataclass(frozen=True)
class SideComparison:
    """A side beside the one that all are compared against.

    Attributes
    ----------
    measures
        of the item embeddings, in the order of tables.
    users
        accuracy paired over users; empty where ranks are missing.
    alike
        by comparison (`COMPARISONS`), between the lowest seeds; empty where the items are not the same.
    sides, verdict
        the two sides, and the verdict by the core measures among `measures`.
    """

    base: str
    other: str
    measures: list[Comparison]
    users: list[Comparison]
    alike: dict[str, float]
    sides: Two
    verdict: Verdict


@dataclass(frozen=True)
class DatasetComparison:
    """The sides of a dataset, the one to compare against first.

    Attributes
    ----------
    comparisons
        the first side beside each of the others.
    profiles
        by side, for each seed: measures by popularity (`norm_mean@1`, …); empty without frequencies.
    """

    name: str
    sides: Sequence[Side]
    comparisons: list[SideComparison]
    profiles: dict[str, list[dict[str, float]]]
    notes: list[str] = field(default_factory=list)


def compare_sides(
    name: str,
    sides: Sequence[Side],
    measures: Sequence[Measure],
    progress: Progress = lambda doing: None,
) -> DatasetComparison:
    """Compare the first of `sides` with each of the others."""
    base, *others = sides
    notes: list[str] = []
    analyses = {}
    for side in sides:
        progress(f"{name}: measuring {side.name}")
        analyses[side.name] = [Analysis.of(rows, measures, name=side.name) for rows in side.rows]
    comparisons = []
    for other in others:
        progress(f"{name}: {base.name} beside {other.name}")
        pair = _pair(base, other, notes)
        seeds = analyses[base.name], analyses[other.name]
        found = _over_seeds(*seeds) if min(map(len, seeds)) > 1 else _over_items(*seeds, pair)
        alike = {} if pair is None else _alike(pair)
        two = _two(base, other)
        judged = verdict(two, [*found, *_without_value(found, *seeds)])
        users = _users(base, other, notes)
        comparisons.append(SideComparison(base.name, other.name, found, users, alike, two, judged))
    if any(len(side.matrices) == 1 for side in sides):
        notes.append("seed noise unknown where a side has one seed: no difference is marked there")
    if any(NEEDS_FREQUENCY in seed.reasons for several in analyses.values() for seed in several):
        notes.append("the rare half is not compared: it needs the frequencies of the items (`frequency`)")
    profiles = {
        side.name: [popularity_profile(rows) for rows in side.rows]
        for side in sides
        if all(rows.frequency is not None for rows in side.rows)
    }
    return DatasetComparison(name, sides, comparisons, profiles, notes)


def _two(base: Side, other: Side) -> Two:
    dimensions = base.rows[0].d, other.rows[0].d
    return Two(base.name, other.name, dimensions, (len(base.matrices), len(other.matrices)))


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


def _pair(base: Side, other: Side, notes: list[str]) -> Pair | None:
    """The matrices of the lowest seeds over the items that both have, or None where these are not known."""
    a, b = base.matrices[0], other.matrices[0]
    first, second = base.rows[0], other.rows[0]  # with the neighbours that were found for the measures
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


def _alike(pair: Pair) -> dict[str, float]:
    found = {}
    for name, comparison in COMPARISONS.items():
        with suppress(Undefined):
            found[name] = float(comparison(pair))
    return found


def _users(a: Side, b: Side, notes: list[str]) -> list[Comparison]:
    """Compare the accuracy of the lowest seeds over the users whose ranks both have."""
    if not (a.runs and b.runs):
        return []
    runs = (a.runs[0], b.runs[0])
    if missing := [run for run in runs if not has_ranks(run)]:
        notes += [f"accuracy over users needs ranks: `degen export {run.path}`" for run in missing]
        return []
    first, second = (known_ranks(run, notes) for run in runs)
    if first is None or second is None:
        return []
    if ranked_users(runs[0]) != ranked_users(runs[1]):
        notes.append(f"{runs[0].path} and {runs[1].path} rank other users: accuracy is not compared")
        return []
    notes += other_ties(runs)
    return compare_users(user_accuracy(first), user_accuracy(second))
