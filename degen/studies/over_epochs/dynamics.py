"""Measures of degeneration against epochs, beside accuracy: they show when the cone forms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from degen.analysis import MEASURES, Rows, Undefined
from degen.analysis.titles import title
from degen.errors import UserError, nearest
from degen.plots.panels import ARROWS, epochs_figure
from degen.plots.style import figure_style
from degen.plots.trajectories import ALIGNMENTS, LABELS, UNIFORMITY
from degen.plots.trajectory_figure import DEFINITIONS
from degen.runs.choose import Series
from degen.runs.directory import RunDirectory
from degen.studies.figure_files import FigureFiles, FigureOptions, figure_stems, joined
from degen.studies.over_epochs.tracks import SeedOptions, Track, begun_groups, track_rows, tracks_of

DEFAULT = (
    "valid_NDCG@10",
    "average_cosine",
    "sigma2_ratio",
    "effective_rank",
    "uniformity",
    "alignment_same_target",
)
"""Accuracy, the cone, the spectrum, and how the representations lie; what every run's `metrics.jsonl` has."""

_NAMES = {
    **LABELS,
    "valid_NDCG@10": "validation NDCG@10",
    "sigma2_ratio": r"$\sigma_2 / \sigma_1$ of items",
    "average_cosine": "average cosine of items",
    "effective_rank": "effective rank of items",
}
_DEFINED = (UNIFORMITY, *ALIGNMENTS)
"""Quantities that depend on the definition by which a run was measured."""

_CAPTION = (
    "Measures after every epoch of training. Alignment and uniformity are of the representations h, geometry "
    "is of the item embeddings. {sources}"
)
_STAGES = "Epochs up to 0 are pre-training. "
_MEASURES = 60  # bytes of a file's name that name the measures


@dataclass(frozen=True)
class DynamicsOptions(SeedOptions):
    """Seeds and measures to draw. Measures are names of the registry or keys of `metrics.jsonl`."""

    measures: tuple[str, ...] = DEFAULT


def draw_dynamics(
    paths: Sequence[Path], options: DynamicsOptions | None = None, look: FigureOptions | None = None
) -> FigureFiles:
    """Draw each measure against epochs, one line per variant, for every dataset at and below `paths`.

    Quantities in `metrics.jsonl` are taken from there. Other measures are computed from the embeddings that
    were kept (`keep_embeddings`), and the notes name them. Unfinished runs are drawn as far as they are.
    Pre-training, where a run has it, is drawn before epoch 1: its last epoch is number 0.
    """
    options, look, result = options or DynamicsOptions(), look or FigureOptions(), FigureFiles()
    one_definition = any(key in _DEFINED for key in options.measures)
    groups = begun_groups(paths, "dynamics need runs", result.notes, one_definition=one_definition)
    measures = () if options.measures == DEFAULT else options.measures
    extra = joined([part for part in (options.name, *measures) if part], _MEASURES)
    choose = partial(options.chosen, notes=result.notes)
    for stem, series in figure_stems(groups, paths, "dynamics", look, choose, extra):
        result.add(_dataset(stem, series, options, look))
    return result


def _dataset(stem: Path, series: Series, options: DynamicsOptions, look: FigureOptions) -> FigureFiles:
    drawn = FigureFiles()
    runs = [run for members in series.values() for run in members]
    sources = _sources(runs, options.measures, drawn.notes)
    tracks = tracks_of(series, options, options.measures, partial(_epochs, sources=sources))
    titles = {key: quantity_title(key) for key in sources}
    drawn.rows = [_row(track, sources) for track in tracks]
    lines: dict[str, list[Any]] = {}
    for track in tracks:
        lines.setdefault(track.variant, []).append(track.rows)
    kept = [key for key, source in sources.items() if source == "embeddings"]
    about = _STAGES if any(run.pretraining for run in runs) else ""
    about += f"{', '.join(kept)}: at the epochs whose embeddings were kept." if kept else ""
    with figure_style(look.style):
        figure = epochs_figure(
            lines,
            titles,
            width=look.inches(len(titles)),
            ranges=dict(map(_range, titles)),
            note=explained(titles, runs[0].definition),
        )
        name = stem.name.removeprefix("dynamics-")
        drawn.save(figure, stem, look, title=f"Dynamics: {name}", caption=_CAPTION.format(sources=about))
    drawn.write_table(stem, track_rows(tracks, list(sources)))
    return drawn


def quantity_title(key: str) -> str:
    """Return a quantity in words, with what is better of it."""
    name = _NAMES.get(key) or (title(key) if key in MEASURES else _in_words(key))
    if key in _DEFINED:
        return f"{name} (lower\xa0is\xa0better)"
    return f"{name} {MEASURES[key].arrow}".rstrip() if key in MEASURES else name


def explained(titles: Mapping[str, str], definition: str) -> str:
    """Return what stands below panels: the meaning of arrows and the definition, where panels have them."""
    arrows = ARROWS if any(name.endswith(("↑", "↓")) for name in titles.values()) else ""
    defined = DEFINITIONS.get(definition, "") if any(key in _DEFINED for key in titles) else ""
    return f"{arrows} {defined}".strip()


def _in_words(key: str) -> str:
    """Return a key of `metrics.jsonl` in words: `valid_HR@5` as validation HR@5."""
    return key.replace("valid_", "validation ").replace("_", " ")


def _range(key: str) -> tuple[str, tuple[float, float]]:
    """Return a quantity with its lowest and its highest possible value."""
    if key in MEASURES and key not in _DEFINED:
        return key, MEASURES[key].range
    if key == UNIFORMITY:
        return key, (-math.inf, 0.0)
    return key, (0.0, 1.0 if "@" in key else math.inf)


def _sources(runs: Sequence[RunDirectory], keys: Sequence[str], notes: list[str]) -> dict[str, str]:
    """Return where each measure comes from, `metrics` or `embeddings`, without those that nothing tells."""
    recorded = {key for run in runs for row in run.metrics for key in row if row[key] is not None}
    found = {}
    for key in keys:
        if key in recorded:
            found[key] = "metrics"
        elif key in MEASURES and any(run.kept_epochs for run in runs):
            found[key] = "embeddings"
        elif key in MEASURES or key in DEFAULT:
            mend = "; train with `keep_embeddings` to measure it" if key in MEASURES else ""
            notes.append(f"{key} is not in metrics.jsonl{mend}: left out")
        else:
            raise UserError(f"`measures` '{key}' is unknown{nearest(key, {*recorded, *MEASURES})}")
    if not found:
        raise UserError(f"nothing to draw: {notes[-1]}")
    if computed := [key for key, source in found.items() if source == "embeddings"]:
        notes.append(f"{', '.join(computed)}: measured on the embeddings kept in embeddings/e###.npy")
    return found


def _epochs(run: RunDirectory, sources: Mapping[str, str]) -> list[dict[str, Any]]:
    before = run.pretraining
    rows = {row["epoch"] - len(before): {**row, "epoch": row["epoch"] - len(before)} for row in before}
    rows |= {row["epoch"]: dict(row) for row in run.metrics}
    keys = [key for key, source in sources.items() if source == "embeddings"]
    for epoch in run.kept_epochs if keys else []:
        if epoch not in rows:
            continue
        matrix = Rows(run.embeddings_of(epoch), run.item_frequency)
        for key in keys:
            with suppress(Undefined):
                value = float(MEASURES[key](matrix))
                rows[epoch][key] = value if math.isfinite(value) else None  # infinity cannot be drawn
    return list(rows.values())


def _row(track: Track, keys: Mapping[str, str]) -> dict[str, Any]:
    about: dict[str, Any] = {
        "dataset": track.dataset,
        "variant": track.variant,
        "seed": track.seed,
        "epochs": len(track.rows),
    }
    for key in keys:
        there = [row[key] for row in track.rows if row.get(key) is not None]
        about |= {f"{key}_first": there[0] if there else None, f"{key}_last": there[-1] if there else None}
    return about
