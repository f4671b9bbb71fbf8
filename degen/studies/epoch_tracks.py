"""What happened epoch by epoch, of a run or of the mean of its seeds: what figures over epochs draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from degen.analysis.statistics.seeds import mean_by_epoch
from degen.errors import UserError, nearest, one_of
from degen.plots.trajectories import Rows
from degen.runs.choose import by_variant, one_seed
from degen.runs.directory import CONFIG, RunDirectory, collect_runs
from degen.studies.figure_files import stems_by_dataset

AGGREGATES = ("each", "mean")
_DEFINITIONS = ("paper", "official")


@dataclass(frozen=True)
class SeedOptions:
    """Which seed to draw, or all of them: `each`, or their `mean`; checked when this is made."""

    seed: int | None = None
    aggregate: str | None = None

    def __post_init__(self) -> None:
        if self.aggregate is not None:
            one_of("aggregate", self.aggregate, AGGREGATES)
            if self.seed is not None:
                raise UserError("--seed picks one run and --aggregate takes all seeds; give one of the two")

    @property
    def mean(self) -> bool:
        """Whether seeds are averaged."""
        return self.aggregate is not None and self.aggregate.lower() == "mean"


@dataclass(frozen=True)
class Track:
    """The epochs of one run, or the mean of several with their own epochs `behind` it."""

    dataset: str
    variant: str
    seed: int | str
    rows: Rows
    behind: Mapping[int, Rows] = field(default_factory=dict)


def begun_by_dataset(
    paths: Sequence[Path], what: str, options: SeedOptions, out: Path | None, notes: list[str]
) -> Iterator[tuple[Path, dict[str, list[RunDirectory]]]]:
    """Yield the runs to draw, by variant, of each dataset at and below `paths`, and the stem of their figure.

    `what` is the first word of the stem.

    Raises
    ------
    UserError
        where no run has finished an epoch.
    """
    begun = False
    for stem, members in stems_by_dataset(paths, collect_runs(paths), what, out):
        if variants := _begun(members, options, notes):
            begun = True
            yield stem, variants
    if not begun:
        raise UserError(f"no run under {paths[0]} has finished an epoch yet; train on with --resume")


def _begun(
    runs: Sequence[RunDirectory], options: SeedOptions, notes: list[str]
) -> dict[str, list[RunDirectory]]:
    """Return the runs of each variant to draw; those without a finished epoch are left out."""
    begun = [run for run in runs if run.metrics]
    notes += [f"{run.path} has no finished epoch yet: left out" for run in runs if run not in begun]
    variants = by_variant(begun)
    if options.aggregate is not None or not begun:
        return variants
    return {variant: [run] for variant, run in one_seed(variants, options.seed, notes).items()}


def tracks_of(
    runs: Sequence[RunDirectory],
    options: SeedOptions,
    keys: Sequence[str],
    rows: Callable[[RunDirectory], Rows] = lambda run: run.metrics,
) -> list[Track]:
    """Return what to draw of the runs of one variant: a track each, or one of the means of `keys`."""
    if options.mean and len(runs) > 1:
        seeds = {run.seed: rows(run) for run in runs}
        return [
            Track(runs[0].dataset, runs[0].variant, "mean", mean_by_epoch(list(seeds.values()), keys), seeds)
        ]
    return [Track(run.dataset, run.variant, run.seed, rows(run)) for run in runs]


def track_columns(
    tracks: Sequence[Track], keys: Sequence[str], **constant: object
) -> dict[str, list[object]]:
    """Return a table's columns, a row an epoch; the seeds behind a mean stand before it."""
    rows = [
        {"dataset": track.dataset, "variant": track.variant, "seed": seed, **constant, **row}
        for track in tracks
        for seed, several in [*track.behind.items(), (track.seed, track.rows)]
        for row in several
    ]
    names = ["dataset", "variant", "seed", *constant, "epoch", *keys]
    return {name: [row.get(name) for row in rows] for name in names}


def definition_of(runs: Sequence[RunDirectory]) -> str:
    """Return the definition by which all the runs were measured.

    Raises
    ------
    UserError
        naming two runs that differ.
    """
    first, *others = runs
    wanted = _run_definition(first)
    for run in others:
        if (found := _run_definition(run)) != wanted:
            raise UserError(
                f"{first.path} was measured by the {wanted} definition of alignment and uniformity, "
                f"{run.path} by the {found} one; draw them apart, by giving their own paths"
            )
    return wanted


def _run_definition(run: RunDirectory) -> str:
    name = str(run.config.get("evaluation", {}).get("definition", "paper"))
    if name not in _DEFINITIONS:
        raise UserError(
            f"{run.path / CONFIG}: unknown evaluation.definition '{name}'{nearest(name, _DEFINITIONS)}"
        )
    return name
