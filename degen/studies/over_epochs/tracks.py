"""Epoch by epoch, the values of a run or of the mean of its seeds, for figures over epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from degen.analysis.statistics.differences import over_seeds
from degen.errors import UserError, one_of
from degen.plots.trajectories import Rows
from degen.runs.choose import Series, by_definition, one_seed, only_runs, select_runs
from degen.runs.directory import RunDirectory

AGGREGATES = ("each", "mean")


@dataclass(frozen=True)
class SeedOptions:
    """Seed to draw, or all of them: `each`, or their `mean`. Values are checked when this is made."""

    seed: int | None = None
    aggregate: str | None = None

    def __post_init__(self) -> None:
        if self.aggregate is not None:
            one_of("aggregate", self.aggregate, AGGREGATES)
            if self.seed is not None:
                raise UserError("`seed` picks one run and `aggregate` takes all seeds; give one of the two")

    def chosen(self, series: Series, notes: list[str]) -> Series:
        """Return the runs of each series to draw; `notes` gets what was left out."""
        if self.aggregate is not None:
            return series
        return {name: [run] for name, run in one_seed(series, self.seed, notes).items()}

    @property
    def name(self) -> str:
        """The choice as it stands in names of files; empty for the lowest seed."""
        return (self.aggregate or ("" if self.seed is None else f"s{self.seed}")).lower()

    @property
    def mean(self) -> bool:
        """True if seeds are averaged."""
        return self.aggregate is not None and self.aggregate.lower() == "mean"


@dataclass(frozen=True)
class Track:
    """The epochs of one run, or the mean of several with their own epochs `behind` it."""

    dataset: str
    variant: str
    seed: int | str
    rows: Rows
    behind: Mapping[int | str, Rows] = field(default_factory=dict)


def begun_groups(
    paths: Sequence[Path], need: str, notes: list[str], *, one_definition: bool
) -> dict[str, Series]:
    """Return the series of each dataset, without the runs that have no finished epoch; `notes` name them.

    `need` says why files will not do. With `one_definition`, runs that measured alignment and uniformity by
    different definitions are parted.
    """
    runs = only_runs(paths, need, notes)
    begun = [run for run in runs if run.metrics]
    if not begun:
        raise UserError(f"no run under {paths[0]} has finished an epoch yet; train on with `resume=True`")
    notes += [f"{run.path} has no finished epoch yet: left out" for run in runs if run not in begun]
    groups = select_runs(begun)
    return by_definition(groups) if one_definition else groups


def tracks_of(
    series: Mapping[str, Sequence[RunDirectory]],
    options: SeedOptions,
    keys: Sequence[str],
    rows: Callable[[RunDirectory], Rows] = lambda run: run.metrics,
) -> list[Track]:
    """Return what to draw of each series: a track per run, or one of the means of `keys`."""
    tracks = []
    for name, runs in series.items():
        each = [Track(run.dataset, name, run.seed, rows(run)) for run in runs]
        if options.mean and len(each) > 1:
            seeds = [track.rows for track in each]
            means = [mean | intervals_at(seeds, mean["epoch"], keys) for mean in mean_by_epoch(seeds, keys)]
            each = [Track(each[0].dataset, name, "mean", means, {run.seed: run.rows for run in each})]
        tracks += each
    return tracks


def mean_by_epoch(runs: Sequence[Sequence[Mapping[str, Any]]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per epoch that every run has, in order: `epoch` and the mean of each of `keys`.

    Seeds stop at different epochs. A mean that loses a seed on the way would jump, so it ends where the first
    seed does. It is None where a run has None or lacks the key.
    """
    by_epoch = [{row["epoch"]: row for row in rows} for rows in runs]
    common = sorted(set.intersection(*(set(rows) for rows in by_epoch)))
    means = []
    for epoch in common:
        values: dict[str, list[Any]] = {key: [rows[epoch].get(key) for rows in by_epoch] for key in keys}
        found = {key: None if None in seeds else float(np.mean(seeds)) for key, seeds in values.items()}
        means.append({"epoch": epoch, **found})
    return means


def intervals_at(
    runs: Sequence[Sequence[Mapping[str, Any]]], epoch: int, keys: Sequence[str]
) -> dict[str, float]:
    """Return the ends of the 95 % interval of the mean over seeds at an epoch: `<key>_low` and `<key>_high`.

    A key that a seed lacks has no interval.
    """
    found: dict[str, float] = {}
    for key in keys:
        values: list[Any] = [row.get(key) for rows in runs for row in rows if row["epoch"] == epoch]
        if None not in values:
            interval = over_seeds(values)
            found |= {f"{key}_low": interval.low, f"{key}_high": interval.high}
    return found


def track_rows(tracks: Sequence[Track], keys: Sequence[str], **constant: object) -> list[dict[str, Any]]:
    """Return a table's rows, one per epoch; the seeds behind a mean stand before it.

    Where there are means, each key is followed by the ends of its interval, which single seeds do not have.
    """
    if any(track.behind for track in tracks):
        keys = [name for key in keys for name in (key, f"{key}_low", f"{key}_high")]
    return [
        {"dataset": track.dataset, "variant": track.variant, "seed": seed, **constant}
        | {key: row.get(key) for key in ("epoch", *keys)}
        for track in tracks
        for seed, several in [*track.behind.items(), (track.seed, track.rows)]
        for row in several
    ]
