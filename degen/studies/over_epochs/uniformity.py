"""Fig. 5 for every dataset among the paths: alignment and uniformity over training, with their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from degen.errors import one_of
from degen.plots.style import figure_style
from degen.plots.trajectories import ALIGNMENTS, QUALITY, UNIFORMITY, Rows
from degen.plots.trajectory_figure import TrajectoryPanel, epochs_figure, trajectory_figure
from degen.studies.figure_files import FigureFiles, FigureOptions, figure_stems
from degen.studies.over_epochs.tracks import SeedOptions, Track, begun_groups, track_rows, tracks_of
from degen.variant_names import variant_label

_PAIR = "alignment"
_QUANTITIES = (UNIFORMITY, *ALIGNMENTS, QUALITY)

_CAPTION = (
    "Alignment and uniformity of sequence representations on the probe set, {definition} definition, a dot "
    "an epoch, joined in order, coloured by validation HR@5; ring: first epoch, square: last. Lower is "
    "better for both."
)


@dataclass(frozen=True)
class UniformityOptions(SeedOptions):
    """Seeds to draw, and the alignment to show."""

    alignment: str = _PAIR

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("alignment", self.alignment, ALIGNMENTS)


def draw_uniformity(
    paths: Sequence[Path], options: UniformityOptions | None = None, look: FigureOptions | None = None
) -> FigureFiles:
    """Draw the trajectories of every dataset at and below `paths`, and the same quantities over epochs.

    Runs of a dataset that were measured by different definitions have figures of their own. Unfinished runs
    are drawn as far as they are.
    """
    options, look, result = options or UniformityOptions(), look or FigureOptions(), FigureFiles()
    groups = begun_groups(paths, "trajectories need runs", result.notes, one_definition=True)
    extra = "-".join(filter(None, [options.name, "" if options.alignment == _PAIR else options.alignment]))
    choose = partial(options.chosen, notes=result.notes)
    for stem, chosen in figure_stems(groups, paths, "uniformity", look, choose, extra):
        definition = next(run.definition for runs in chosen.values() for run in runs)
        result.add(_figures(stem, tracks_of(chosen, options, _QUANTITIES), options, look, definition))
    return result


def _figures(
    stem: Path, tracks: Sequence[Track], options: UniformityOptions, look: FigureOptions, definition: str
) -> FigureFiles:
    alignment = options.alignment.lower()
    moving = [track for track in tracks if _has(track.rows, alignment)]
    drawn = FigureFiles(rows=[_row(track, alignment, definition) for track in tracks])
    drawn.notes = [_without(track, alignment) for track in tracks if track not in moving]
    width = look.inches(len(moving))
    left_out = not_shown(track.variant for track in tracks if track not in moving)
    settings: dict[str, Any] = {"width": width, "alignment": alignment, "definition": definition}
    about = {"caption": _CAPTION.format(definition=definition)}
    name = stem.name.removeprefix("uniformity-")
    with figure_style(look.style):
        if moving:
            figure = trajectory_figure([_panel(track, tracks) for track in moving], **settings, note=left_out)
            drawn.save(figure, stem, look, title=f"Alignment and uniformity: {name}", **about)
        lines: dict[str, list[Rows]] = {}
        for track in tracks:
            lines.setdefault(track.variant, []).append(track.rows)
        figure = epochs_figure(lines, **settings)
        over_epochs = stem.with_name(f"{stem.name}-epochs")
        drawn.save(figure, over_epochs, look, title=f"Alignment and uniformity over epochs: {name}", **about)
    drawn.write_table(stem, track_rows(tracks, _QUANTITIES, definition=definition))
    return drawn


def not_shown(variants: Iterable[str]) -> str:
    """Return the sentence on variants that have no alignment; empty where all have one."""
    names = ", ".join(dict.fromkeys(map(variant_label, variants)))
    return f"Not shown: {names}, which contrasts no pair." if names else ""


def _has(rows: Rows, alignment: str) -> bool:
    return any(row.get(alignment) is not None and row.get(UNIFORMITY) is not None for row in rows)


def _without(track: Track, alignment: str) -> str:
    others = " or ".join(f"`alignment='{key}'`" for key in ALIGNMENTS if _has(track.rows, key))
    mend = f"; {others} shows it" if others else ""
    return f"{track.variant} has no {alignment} (it contrasts no pair): left out of the trajectories{mend}"


def _panel(track: Track, tracks: Sequence[Track]) -> TrajectoryPanel:
    alone = sum(other.variant == track.variant for other in tracks) == 1
    seed = "" if alone else f", seed {track.seed}"
    return TrajectoryPanel(variant_label(track.variant) + seed, track.rows, list(track.behind.values()))


def _row(track: Track, alignment: str, definition: str) -> dict[str, Any]:
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
