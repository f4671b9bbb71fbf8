"""Conditions judged on the results of analyses and comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from degen.analysis.result import Analysis
from degen.studies.compare import DatasetComparison, SideComparison
from degen.studies.comparing.conditions import Condition, Judgement

ACCURACY = tuple(f"{metric}@{k}" for metric in ("HR", "NDCG") for k in (5, 10))
"""Names of the accuracy over users, which comparisons of runs have besides measures."""


def judged_comparisons(conditions: Sequence[Condition], datasets: Sequence[DatasetComparison]) -> Judgement:
    """Judge the values of every side but the first of its dataset, and their changes from the first."""
    judgement = Judgement()
    for dataset in datasets:
        for side in dataset.comparisons:
            base, other = (_profile(dataset, side, name) for name in (side.base, side.other))
            values = other | _values(side)
            changes = {name: other[name] - base[name] for name in other if name in base} | _changes(side)
            if len(set(side.sides.trainings)) > 1 and min(side.sides.trainings) == 1 and not side.shared:
                # The rows are then of the lowest seeds, but a gate is about all seeds of a side.
                first, second = (dataset.means[name] for name in (side.base, side.other))
                values |= second
                changes |= {name: second[name] - first[name] for name in second if name in first}
            called = side.other if len(datasets) == 1 else f"{dataset.name}: {side.other}"
            called += f" ({side.shared:,} shared items)" if side.shared else ""
            reasons = dict.fromkeys(ACCURACY, "accuracy needs two runs with the ranks of the same users")
            judgement.judge(conditions, called, values, changes, reasons)
    return judgement


def judged_analyses(
    conditions: Sequence[Condition], analyses: Sequence[Analysis]
) -> tuple[Judgement, list[list[str]]]:
    """Judge the values of every matrix; also return the sentences on each."""
    judgement = Judgement()
    each = [judgement.judge(conditions, one.name, one.values, reasons=one.reasons) for one in analyses]
    return judgement, each


def _values(side: SideComparison) -> dict[str, float]:
    return {row.measure: row.b for row in (*side.measures, *side.users)}


def _changes(side: SideComparison) -> dict[str, float]:
    return {row.measure: row.difference for row in (*side.measures, *side.users)}


def _profile(dataset: DatasetComparison, side: SideComparison, name: str) -> dict[str, float]:
    """Return the profiles of a side, means over its seeds; empty without frequencies.

    Where its measures are of the shared items, so are its profiles.
    """
    seeds: Sequence[Mapping[str, float]] = dataset.profiles.get(name, [])
    if side.shared:
        seeds = [side.profiles[name]] if name in side.profiles else []
    return {key: math.fsum(seed[key] for seed in seeds) / len(seeds) for key in (seeds[0] if seeds else {})}
