"""The figures of `degen compare`: spectra one upon the other, measures by popularity, clouds side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from degen.analysis.measures.spectrum import normalized_singular_values
from degen.analysis.passes.buckets import COLD, DECILES
from degen.analysis.registry import PROFILES
from degen.analysis.statistics.differences import over_seeds
from degen.analysis.titles import title
from degen.errors import CannotWrite, UserError
from degen.files.writing import file_names, writable
from degen.plots.panels import ARROWS, spectra_figure
from degen.plots.profiles import profiles_figure
from degen.plots.style import figure_style
from degen.studies.compare import DatasetComparison, Progress
from degen.studies.comparing.compare_paths import CompareOptions
from degen.studies.comparing.comparison_rows import comparison_rows
from degen.studies.comparing.sides import Side
from degen.studies.figure_files import FigureFiles, FigureOptions, joined, output_folder, selection_name
from degen.studies.svd import draw_clouds
from degen.tables.csv_file import read_rows

SPECTRA = ("singular values", "minus the mean")
"""Titles of the panels of spectra."""


def draw_comparison(
    paths: Sequence[Path],
    compared: Sequence[DatasetComparison],
    options: CompareOptions | None = None,
    look: FigureOptions | None = None,
    progress: Progress = lambda doing: None,
) -> FigureFiles:
    """Draw what `compare_paths` found at `paths`, and write its rows.

    A figure that cannot be drawn is a note; the others and the rows are written all the same.
    """
    options, look = options or CompareOptions(), look or FigureOptions()
    drawn = FigureFiles()
    folder = writable(output_folder(paths, look.out))
    names = file_names(_name(dataset, paths, options, look) for dataset in compared)
    for name, dataset in zip(names, compared, strict=True):
        progress(f"{dataset.name}: drawing")
        stem = folder / f"compare-{name}"
        draw = partial(_spectra, stem.with_name(f"{stem.name}-spectra"), dataset, look)
        _add(drawn, "spectra", draw)
        if dataset.profiles:
            popularity = stem.with_name(f"{stem.name}-popularity")
            _add(drawn, "popularity", partial(_popularity, popularity, dataset, options.profiles, look))
        rows = comparison_rows(dataset)
        drawn.rows += rows
        table = stem.with_name(f"{stem.name}.csv")
        before = _values(table) if table.is_file() else {}
        drawn.write_table(stem, rows)
        after = _values(table)
        if any(before[row] != after[row] for row in before.keys() & after.keys()):
            drawn.notes.append(
                f"{table} had other numbers; it and its figures are replaced (another `out` keeps both)"
            )
    clouds = file_names(_name(dataset, paths, options, look, seeds=False) for dataset in compared)
    for name, dataset in zip(clouds, compared, strict=True):
        _add(drawn, "the clouds", partial(_clouds, folder / f"svd-{name}", dataset.sides, look))
    drawn.notes = list(dict.fromkeys(drawn.notes))
    return drawn


def _values(table: Path) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the two values of each measure. Their p-values depend on what else was measured."""
    of, values = ("against", "side", "kind", "measure"), ("against_value", "value")
    return {tuple(map(row.get, of)): tuple(map(row.get, values)) for row in read_rows(table)}


def _name(
    dataset: DatasetComparison,
    paths: Sequence[Path],
    options: CompareOptions,
    look: FigureOptions,
    *,
    seeds: bool = True,
) -> str:
    """Return what the files of a comparison are called: by its runs as elsewhere, or by files.

    Without `seeds` only the lowest seed of each side is drawn, and nothing depends on the side to compare
    against.
    """
    extra = "" if options.against is None or not seeds else f"against-{dataset.sides[0].name}"
    if all(side.runs for side in dataset.sides):
        runs = {side.name: side.runs if seeds else side.runs[:1] for side in dataset.sides}
        return selection_name(dataset.name, runs, paths, look, extra)
    group = [dataset.name] if any(side.runs for side in dataset.sides) else []
    return joined([*group, *(side.name for side in dataset.sides), *filter(None, [extra])])


def _add(drawn: FigureFiles, what: str, draw: Callable[[], FigureFiles]) -> None:
    try:
        drawn.add(draw())
    except CannotWrite:
        raise
    except UserError as error:
        drawn.notes.append(f"no figure of {what}: {error}")


def _clouds(stem: Path, sides: Sequence[Side], look: FigureOptions) -> FigureFiles:
    """Draw the projection of the lowest seed of each side, where every matrix has one."""
    for side in sides:
        if any(not len(rows) >= rows.d >= 2 for rows in side.rows):
            note = f"{side.name} has fewer items than dimensions, or one dimension: no clouds"
            return FigureFiles(notes=[note])
    clouds = draw_clouds(stem, {side.name: side.matrices[:1] for side in sides}, look)
    return FigureFiles(clouds.files, notes=clouds.notes)


def _spectra(stem: Path, compared: DatasetComparison, look: FigureOptions) -> FigureFiles:
    """Draw the normalized singular values of the lowest seeds, as they are and centred."""
    plain, centered = (
        {side.name: normalized_singular_values(side.rows[0], center=center) for side in compared.sides}
        for center in (False, True)
    )
    drawn = FigureFiles()
    with figure_style(look.style):
        figure = spectra_figure(dict(zip(SPECTRA, (plain, centered), strict=True)), width=look.inches(2))
        about = {"title": f"Singular values: {compared.name}", "caption": "Normalized singular values."}
        drawn.save(figure, stem, look, **about)
    rows = [
        {"name": name, "index": index, "normalized": value, "normalized_centered": minus_mean}
        for name in plain
        for index, (value, minus_mean) in enumerate(zip(plain[name], centered[name], strict=True), start=1)
    ]
    drawn.write_table(stem, rows)
    return drawn


def _popularity(
    stem: Path, compared: DatasetComparison, profiles: Sequence[str], look: FigureOptions
) -> FigureFiles:
    """Draw profiles over deciles of the items, and write them."""
    curves = {
        profile_title(profile): {name: _deciles(seeds, profile) for name, seeds in compared.profiles.items()}
        for profile in profiles
    }
    drawn = FigureFiles()
    caption = "Measures by deciles of the items, from the rarest; unseen: never in training."
    with figure_style(look.style):
        note = ARROWS if any(name.endswith(("↑", "↓")) for name in curves) else ""
        figure = profiles_figure(curves, width=look.inches(2), interval=_interval, note=note)
        drawn.save(figure, stem, look, title=f"By popularity: {compared.name}", caption=caption)
    rows = []
    for name, seeds in compared.profiles.items():
        for key in seeds[0]:
            profile, _, bucket = key.partition("@")
            mean = math.fsum(seed[key] for seed in seeds) / len(seeds)
            rows.append({"name": name, "profile": profile, "bucket": bucket, "value": mean})
    drawn.write_table(stem, rows)
    return drawn


def profile_title(profile: str) -> str:
    """Return a profile in words, with the direction that is more isotropic."""
    degrees = " (°)" if PROFILES[profile].range == (0, 180) else ""
    return f"{title(profile)}{degrees} {PROFILES[profile].arrow}".rstrip()


def _deciles(seeds: Sequence[Mapping[str, float]], profile: str) -> dict[str, list[float]]:
    """Return the profile's values of all seeds for `cold` and the deciles that hold items."""
    keys = {bucket: f"{profile}@{bucket}" for bucket in (COLD, *DECILES)}
    values = {bucket: [seed.get(key, np.nan) for seed in seeds] for bucket, key in keys.items()}
    return {bucket: several for bucket, several in values.items() if np.isfinite(several).all()}


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the mean over seeds."""
    found = over_seeds(list(values))
    return found.low, found.high
