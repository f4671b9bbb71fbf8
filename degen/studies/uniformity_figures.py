"""Fig. 5 for every dataset among the paths: alignment and uniformity over training, with their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.analysis.seeds import mean_by_epoch
from degen.errors import UserError, nearest
from degen.plots.save import write_columns
from degen.plots.style import figure_style, one_of, variant_label
from degen.plots.trajectories import ALIGNMENTS, QUALITY, UNIFORMITY, Rows
from degen.plots.trajectory_figure import TrajectoryPanel, epochs_figure, trajectory_figure
from degen.rundir import CONFIG, RunDirectory
from degen.studies.figures import (
    Drawn,
    FigureOptions,
    by_variant,
    collect_runs,
    file_names,
    group_runs,
    one_seed,
    output_folder,
    run_name,
)

AGGREGATES = ("each", "mean")
_DEFINITIONS = ("paper", "official")
_QUANTITIES = (UNIFORMITY, *ALIGNMENTS, QUALITY)

_CAPTION = (
    "Alignment and uniformity of sequence representations on the probe set, {definition} definition, a dot "
    "an epoch, joined in order, coloured by validation HR@5; ring: first epoch, square: last. Lower is "
    "better for both."
)


@dataclass(frozen=True)
class UniformityOptions:
    """Which alignment to draw, and which seed, or all of them, `each` or as their `mean`."""

    alignment: str = "alignment"
    seed: int | None = None
    aggregate: str | None = None

    def __post_init__(self) -> None:
        one_of("--alignment", self.alignment, ALIGNMENTS)
        if self.aggregate is not None:
            one_of("--aggregate", self.aggregate, AGGREGATES)
            if self.seed is not None:
                raise UserError("--seed picks one run and --aggregate takes all seeds; give one of the two")


@dataclass(frozen=True)
class _Track:
    """The epochs of one run, or the mean of several with their own epochs `behind` it."""

    dataset: str
    variant: str
    seed: int | str
    rows: Rows
    behind: Mapping[int, Rows]


def draw_uniformity(
    paths: Sequence[Path], options: UniformityOptions | None = None, look: FigureOptions | None = None
) -> Drawn:
    """Draw the trajectories of every dataset at and below `paths`, and the same quantities over epochs.

    Parameters
    ----------
    paths
        runs and folders above runs; unfinished runs are drawn as far as they are.
    options, look
        by default as `degen uniformity PATH` does.

    Raises
    ------
    UserError
        for whatever can be mended in paths and options; for runs of one dataset that were measured by
        different definitions.
    """
    options, look = options or UniformityOptions(), look or FigureOptions()
    for path in paths:
        if path.is_file():
            raise UserError(f"{path} is a file, and trajectories need runs; give a run or a folder of runs")
    drawn = Drawn()
    groups = group_runs(collect_runs(paths))
    folder = output_folder(paths, look.out)
    for name, members in zip(file_names(groups), groups.values(), strict=True):
        single = len(members) == 1 and members[0].path in paths
        stem = folder / f"uniformity-{run_name(members[0]) if single else name}"
        variants = _chosen(members, options, drawn.notes)
        if variants:
            tracks = [track for runs in variants.values() for track in _tracks(runs, options)]
            definition = _definition([run for runs in variants.values() for run in runs])
            drawn.add(_figures(stem, tracks, options, look, definition))
    if not drawn.files:
        raise UserError(f"no run under {paths[0]} has finished an epoch yet; train on with --resume")
    return drawn


def _chosen(
    runs: Sequence[RunDirectory], options: UniformityOptions, notes: list[str]
) -> dict[str, list[RunDirectory]]:
    """Return the runs of each variant to draw; those without a finished epoch are left out."""
    begun = [run for run in runs if run.metrics]
    notes += [f"{run.path} has no finished epoch yet: left out" for run in runs if run not in begun]
    variants = by_variant(begun)
    if options.aggregate is not None or not begun:
        return variants
    return {variant: [run] for variant, run in one_seed(variants, options.seed, notes).items()}


def _tracks(runs: Sequence[RunDirectory], options: UniformityOptions) -> list[_Track]:
    """Return what to draw of the runs of one variant."""
    if options.aggregate is not None and options.aggregate.lower() == "mean" and len(runs) > 1:
        return [_mean(runs)]
    return [_track(run) for run in runs]


def _track(run: RunDirectory) -> _Track:
    return _Track(run.dataset, run.variant, run.seed, run.metrics, {})


def _mean(runs: Sequence[RunDirectory]) -> _Track:
    seeds = {run.seed: run.metrics for run in runs}
    rows = mean_by_epoch(list(seeds.values()), _QUANTITIES)
    return _Track(runs[0].dataset, runs[0].variant, "mean", rows, seeds)


def _definition(runs: Sequence[RunDirectory]) -> str:
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


def _figures(
    stem: Path, tracks: Sequence[_Track], options: UniformityOptions, look: FigureOptions, definition: str
) -> Drawn:
    alignment = options.alignment.lower()
    moving = [track for track in tracks if _has(track.rows, alignment)]
    drawn = Drawn(rows=[_row(track, alignment, definition) for track in tracks])
    drawn.notes = [_without(track, alignment) for track in tracks if track not in moving]
    width = look.inches(len(moving))
    settings: dict[str, Any] = {"width": width, "alignment": alignment, "definition": definition}
    about = {"caption": _CAPTION.format(definition=definition)}
    name = stem.name.removeprefix("uniformity-")
    with figure_style(look.style):
        if moving:
            figure = trajectory_figure([_panel(track, tracks) for track in moving], **settings)
            drawn.save(figure, stem, look, title=f"Alignment and uniformity: {name}", **about)
        lines: dict[str, list[Rows]] = {}
        for track in tracks:
            lines.setdefault(track.variant, []).append(track.rows)
        figure = epochs_figure(lines, **settings)
        over_epochs = stem.with_name(f"{stem.name}-epochs")
        drawn.save(figure, over_epochs, look, title=f"Alignment and uniformity over epochs: {name}", **about)
    drawn.files.append(_table(stem.with_name(f"{stem.name}.csv"), tracks, definition))
    return drawn


def _has(rows: Rows, alignment: str) -> bool:
    return any(row.get(alignment) is not None and row.get(UNIFORMITY) is not None for row in rows)


def _without(track: _Track, alignment: str) -> str:
    others = " or ".join(f"--alignment {key}" for key in ALIGNMENTS if _has(track.rows, key))
    mend = f"; {others} shows it" if others else ""
    return f"{track.variant} has no {alignment} (it contrasts no pair): left out of the trajectories{mend}"


def _panel(track: _Track, tracks: Sequence[_Track]) -> TrajectoryPanel:
    alone = sum(other.variant == track.variant for other in tracks) == 1
    seed = "" if alone else f", seed {track.seed}"
    return TrajectoryPanel(variant_label(track.variant) + seed, track.rows, list(track.behind.values()))


def _table(path: Path, tracks: Sequence[_Track], definition: str) -> Path:
    """Write a row an epoch of all that was drawn; the seeds behind a mean stand before it."""
    rows = [
        {"dataset": track.dataset, "variant": track.variant, "seed": seed, "definition": definition, **row}
        for track in tracks
        for seed, several in [*track.behind.items(), (track.seed, track.rows)]
        for row in several
    ]
    names = ["dataset", "variant", "seed", "definition", "epoch", *_QUANTITIES]
    return write_columns(path, {name: [row.get(name) for row in rows] for name in names})


def _row(track: _Track, alignment: str, definition: str) -> dict[str, Any]:
    first, last = track.rows[0], track.rows[-1]
    return {
        "dataset": track.dataset,
        "variant": track.variant,
        "seed": track.seed,
        "definition": definition,
        "epochs": len(track.rows),
        f"{UNIFORMITY}_first": first.get(UNIFORMITY),
        f"{UNIFORMITY}_last": last.get(UNIFORMITY),
        "alignment_drawn": alignment,
        "alignment_first": first.get(alignment),
        "alignment_last": last.get(alignment),
        f"{QUALITY}_last": last.get(QUALITY),
    }
