"""Figures of `trace.jsonl`, with their numbers: the forces that move the items during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.errors import UserError
from degen.plots.mechanism import bucket_at, mechanism_epochs_figure, mechanism_figure
from degen.plots.style import figure_style
from degen.runs.choose import Series, one_seed, only_runs, select_runs
from degen.runs.directory import RunDirectory
from degen.studies.figure_files import FigureFiles, FigureOptions, figure_stems

_CAPTION = (
    "What moves the items in epoch {epoch}, by how often they occur in training: the share of an item's "
    "updates that comes from being a non-target (Eq. 4), the cosine of its step with the direction opposite "
    "to the mean context, the mean cosine of two items' steps, and the length of a step; hollow: items that "
    "never occur."
)
_OVER_EPOCHS = (
    "Over epochs, for the rarest items that occur in training (thick) and the most frequent ones (thin): the "
    "share of updates that comes from being a non-target, the cosine of a step with the direction opposite "
    "to the mean context, the mean cosine of two items' steps, and of two items' embeddings."
)


@dataclass(frozen=True)
class MechanismOptions:
    """The epoch to draw, by default the last one that all runs have, and the seed, by default the lowest."""

    epoch: int | None = None
    seed: int | None = None


def draw_mechanism(
    paths: Sequence[Path], options: MechanismOptions | None = None, look: FigureOptions | None = None
) -> FigureFiles:
    """Draw the forces on the items, for every dataset at and below `paths`.

    Runs without a trace (`trace_gradients=True`) are left out.
    """
    options, look, result = options or MechanismOptions(), look or FigureOptions(), FigureFiles()
    traced = [run for run in only_runs(paths, "traces are in runs", result.notes) if run.trace]
    if not traced:
        raise UserError(f"no run under {paths[0]} holds a trace; train with `trace_gradients=True`")
    extra = "-".join(
        f"{letter}{number}"
        for letter, number in (("s", options.seed), ("e", options.epoch))
        if number is not None
    )

    def choose(series: Series) -> Series:
        return {name: [run] for name, run in one_seed(series, options.seed, result.notes).items()}

    for stem, series in figure_stems(select_runs(traced), paths, "mechanism", look, choose, extra):
        result.add(_figures(stem, {name: run for name, (run,) in series.items()}, options.epoch, look))
    return result


def _figures(
    stem: Path, runs: Mapping[str, RunDirectory], epoch: int | None, look: FigureOptions
) -> FigureFiles:
    traces = {variant: run.trace for variant, run in runs.items()}
    number = _common_epoch(runs, epoch)
    lines = {variant: trace[number - 1] for variant, trace in traces.items()}
    drawn = FigureFiles(rows=[_row(variant, run, lines[variant]) for variant, run in runs.items()])
    name, width = stem.name.removeprefix("mechanism-"), look.inches(2)
    with figure_style(look.style):
        buckets = {variant: line["buckets"] for variant, line in lines.items()}
        figure = mechanism_figure(buckets, width=width, note=f"Epoch {number}.")
        about = {"caption": _CAPTION.format(epoch=number)}
        drawn.save(figure, stem, look, title=f"What moves the items: {name}", **about)
        figure = mechanism_epochs_figure(traces, width=width)
        over_epochs = stem.with_name(f"{stem.name}-epochs")
        drawn.save(figure, over_epochs, look, title=f"… over epochs: {name}", caption=_OVER_EPOCHS)
    by_bucket = [
        _about(variant, run, line) | bucket
        for variant, run in runs.items()
        for line in run.trace
        for bucket in line["buckets"]
    ]
    drawn.write_table(stem, by_bucket)
    return drawn


def _common_epoch(runs: Mapping[str, RunDirectory], wanted: int | None) -> int:
    shortest = min(runs.values(), key=lambda run: len(run.trace))
    last = len(shortest.trace)
    if wanted is not None and not 1 <= wanted <= last:
        raise UserError(f"`epoch={wanted}`: {shortest.path} has traces of epochs 1 to {last}")
    return wanted or last


def _row(variant: str, run: RunDirectory, line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a run: of its rarest items in training, and of its most frequent ones."""
    rarest, frequent = bucket_at(line, 0), bucket_at(line, -1)
    pairs = {
        f"{key}_{which}": bucket.get(key)
        for key in ("push_share", "step_cosine", "step_pairwise_cosine", "step_length", "pairwise_cosine")
        for which, bucket in (("rarest", rarest), ("most_frequent", frequent))
    }
    whole_epoch = ("context_concentration", "step_energy", "step_effective_rank")
    return _about(variant, run, line) | pairs | {key: line[key] for key in whole_epoch}


def _about(variant: str, run: RunDirectory, line: Mapping[str, Any]) -> dict[str, Any]:
    return {"dataset": run.dataset, "variant": variant, "seed": run.seed, "epoch": line["epoch"]}
