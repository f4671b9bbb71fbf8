"""Compare the degeneration of item embeddings: the numbers of `degen compare`.

measures                 by the noise that is known (`degen.studies.comparing.pairing`)
the same items           how alike the two are: CKA, Procrustes, neighbours (`COMPARISONS`)
users' ranks             accuracy, paired over users (`compare_users`)

A row holds the values a and b of a measure, their difference, its interval and source of noise, and p
(`Comparison` in `degen/analysis/statistics/differences.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from degen.analysis.core import NEEDS_FREQUENCY
from degen.analysis.passes.pair import Pair
from degen.analysis.registry import COMPARISONS, Measure
from degen.analysis.result import Analysis, popularity_profile
from degen.analysis.statistics.differences import Comparison, compare_users
from degen.analysis.values import Undefined
from degen.evaluation.stored_ranks import has_ranks, known_ranks, other_ties, ranked_users, user_accuracy
from degen.studies.comparing.judged import Two
from degen.studies.comparing.pairing import Measured, Paired, compared
from degen.studies.comparing.sides import Side
from degen.studies.verdict import Verdict

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
        by comparison (`COMPARISONS`), between the lowest seeds; empty where the items are not the same, or
        where it was not asked for.
    sides, verdict
        the two sides, and the verdict by the core measures among `measures`.
    shared
        number of the items that both hold, where the measures are of these alone; else 0.
    profiles
        of either side, the measures by popularity of those items; empty where the measures are of all.
    """

    measures: list[Comparison]
    users: list[Comparison]
    alike: dict[str, float]
    sides: Two
    verdict: Verdict
    shared: int = 0
    profiles: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Name of the side that all are compared against."""
        return self.sides.a

    @property
    def other(self) -> str:
        """Name of the other side."""
        return self.sides.b


@dataclass(frozen=True)
class DatasetComparison:
    """The sides of a dataset, the one to compare against first.

    Attributes
    ----------
    comparisons
        the first side beside each of the others.
    profiles
        by side, for each seed: measures by popularity (`norm_mean@1`, …); empty without frequencies.
    means
        by side: measures, means over all its seeds.
    """

    name: str
    sides: Sequence[Side]
    comparisons: list[SideComparison]
    profiles: dict[str, list[dict[str, float]]]
    means: dict[str, dict[str, float]]
    notes: list[str] = field(default_factory=list)


def compare_sides(
    name: str,
    sides: Sequence[Side],
    measures: Sequence[Measure],
    progress: Progress = lambda doing: None,
    *,
    alike: bool = True,
) -> DatasetComparison:
    """Compare the first of `sides` with each of the others; with `alike` also how alike they are."""
    base, *others = sides
    notes: list[str] = []
    measured = {}
    for side in sides:
        progress(f"{name}: measuring {side.name}")
        analyses = [Analysis.of(rows, measures, name=side.name) for rows in side.rows]
        lowest = side.matrices[0]
        measured[side.name] = Measured(side.name, analyses, lowest.path, lowest.ids, side.rows[0])
    comparisons = []
    for other in others:
        progress(f"{name}: {base.name} beside {other.name}")
        found = compared(measured[base.name], measured[other.name], notes)
        likeness = _alike(found.pair) if alike and found.pair is not None else {}
        users = _users(base, other, notes)
        of_shared = _shared_profiles(found)
        comparisons.append(
            SideComparison(
                found.measures, users, likeness, found.sides, found.verdict, found.shared, of_shared
            )
        )
    if any(len(side.matrices) == 1 for side in sides):
        notes.append("seed noise unknown where a side has one seed: no difference is marked there")
    seeds = [seed for side in measured.values() for seed in side.analyses]
    if any(NEEDS_FREQUENCY in seed.reasons for seed in seeds):
        notes.append("the rare half is not compared: it needs the frequencies of the items (`frequency`)")
    profiles = {
        side.name: [popularity_profile(rows) for rows in side.rows]
        for side in sides
        if all(rows.frequency is not None for rows in side.rows)
    }
    means = {side.name: _means(side.analyses) for side in measured.values()}
    return DatasetComparison(name, sides, comparisons, profiles, means, notes)


def _shared_profiles(found: Paired) -> dict[str, dict[str, float]]:
    """Return the profiles of the items that both sides hold, by side, where the measures are of these."""
    if not found.shared or found.pair is None:
        return {}
    rows = {found.sides.a: found.pair.a, found.sides.b: found.pair.b}
    return {name: popularity_profile(side) for name, side in rows.items() if side.frequency is not None}


def _means(seeds: Sequence[Analysis]) -> dict[str, float]:
    names = [name for name in seeds[0].values if all(name in seed.values for seed in seeds)]
    return {name: float(np.mean([seed.values[name] for seed in seeds])) for name in names}


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
