"""Runs of one variant with several seeds, taken together: the mean of each measure and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from degen.analysis.registry import Undefined
from degen.analysis.result import Analysis, Interval
from degen.analysis.statistics.differences import SEED_NOISE_UNKNOWN, over_seeds
from degen.runs.choose import group_runs
from degen.runs.directory import RunDirectory, is_run


def over_runs(places: Sequence[Path], analyses: Sequence[Analysis]) -> tuple[list[Analysis], list[str]]:
    """Put the runs of a variant in one: means over seeds, with their intervals; and what to know of the rest.

    Parameters
    ----------
    places
        of the matrices: runs, or files, which stay alone.
    analyses
        of them, in the same order.

    Raises
    ------
    UserError
        if two runs of one folder have the same dataset, variant and seed.
    """
    of = {place: analysis for place, analysis in zip(places, analyses, strict=True) if is_run(place)}
    found: list[Analysis] = []
    notes: list[str] = []
    for name, runs in group_runs([RunDirectory(place) for place in of]).items():
        for variant in dict.fromkeys(run.variant for run in runs):
            members = [of[run.path] for run in runs if run.variant == variant]
            if len(members) == 1:
                notes.append(f"{members[0].name} is the only seed of {variant}: {SEED_NOISE_UNKNOWN}")
            found.append(members[0] if len(members) == 1 else _mean(f"{name}-{variant}", members))
    alone = [one for place, one in zip(places, analyses, strict=True) if place not in of]
    return found + alone, notes


def _mean(name: str, members: Sequence[Analysis]) -> Analysis:
    """Return the means over seeds; a measure that one of them lacks is missing, with that seed's reason."""
    reasons: dict[str, str] = {}
    intervals: dict[str, Interval] = {}
    for measure in dict.fromkeys(key for member in members for key in member.measures):
        missing = [member.reasons[measure] for member in members if measure in member.reasons]
        try:
            if missing:
                raise Undefined(missing[0])
            one = over_seeds([member.values[measure] for member in members])
            intervals[measure] = replace(one, method=f"over {len(members)} seeds, {one.method}")
        except Undefined as undefined:
            reasons[measure] = str(undefined)
    first = members[0]
    plain = Analysis(name, first.rows, first.dimensions, {}, {}, {}, reasons, buckets=first.buckets)
    values = {measure: one.value for measure, one in intervals.items()}
    return plain.with_values(values).with_intervals(intervals)
